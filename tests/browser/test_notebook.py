from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from importlib.util import find_spec
from pathlib import Path

import pytest

from graphcut.render.page import inline_svg, notebook, repr_html, repr_svg
from graphcut.render.page.inline_svg import Sketch
from graphcut.render.picture import layout
from graphcut.util.caching import cached_property
from tests.browser.audits import HOSTILE, NASTY
from tests.browser.browsers import chromium, missing
from tests.browser.test_page import Elements
from tests.unit.render.picture.audits import STOPPED, beside

needs_engine = pytest.mark.skipif(not any(map(layout.available, layout.ENGINES)), reason="no layout engine")
needs_jupyter = pytest.mark.skipif(
    not all(map(find_spec, ("nbclient", "nbformat", "ipykernel"))), reason="no Jupyter: nbclient, nbformat, ipykernel"
)
SEEN = "each => { const at = each.getBoundingClientRect(); return at.top >= 0 && at.bottom < innerHeight && at.width > 30; }"
NO_PICTURE = Sketch("gradient of loss", None, problem="no Graphviz")


class Shown:
    """An audit that caches its page, as the real one does."""

    def __init__(self, audit):
        self.audit = audit

    @cached_property
    def _sketch(self):
        return inline_svg.sketch(self)

    def __getattr__(self, name):
        return getattr(self.audit, name)


def test_html_has_the_table_s_cells():
    elements = Elements(notebook.html(STOPPED, NO_PICTURE))
    cells = [text.strip() for _, text in elements.all("td")]
    assert cells[:5] == ["none", "w1", "[3, 2]", "stop-gradient at hidden", "/src/model.py:12"]
    assert "no Graphviz" in elements.all("pre")[0][1]


def test_html_has_no_script_and_names_are_text():
    elements = Elements(notebook.html(HOSTILE, NO_PICTURE))
    tags = {tag for tag, _, _ in elements.found if tag[0] != "/"}
    assert tags <= {"div", "table", "thead", "tbody", "tr", "th", "td", "pre"}
    assert f"{NASTY[1]}/w1" in [text.strip() for _, text in elements.all("td")]


def test_many_rows_are_counted():
    text = notebook.html(beside(100, 2), NO_PICTURE)
    assert text.count("<tr>") == 41 and "11 more rows" in text


def test_without_an_engine_there_is_no_svg(monkeypatch):
    monkeypatch.setattr(layout, "available", lambda engine: False)
    shown = Shown(STOPPED)
    assert repr_svg(shown) is None and "install one: " in repr_html(shown)


@needs_engine
def test_every_format_is_laid_out_once(monkeypatch):
    shown = Shown(STOPPED)
    svg = repr_svg(shown)
    monkeypatch.setattr(layout, "available", lambda engine: False)
    assert ElementTree.fromstring(svg).get("role") == "img" and repr_svg(shown) == svg
    assert 'data-box="0"' in repr_html(shown) and "no picture" not in repr_html(shown)


@needs_engine
def test_the_page_is_framed_and_has_no_access_to_the_notebook():
    elements = Elements(repr_html(Shown(HOSTILE)))
    ((frame, _),) = elements.all("iframe")
    assert frame["sandbox"] == "allow-scripts allow-downloads" and frame["srcdoc"].startswith("<!doctype html>")
    assert {tag for tag, _, _ in elements.found}.isdisjoint({"script", "style", "link", "img"})


@needs_engine
@pytest.mark.skipif(bool(missing()), reason=missing() or "a browser is there")
def test_the_page_answers_in_its_frame_and_what_strips_it_shows_the_picture(tmp_path):
    shown, files = repr_html(Shown(STOPPED)), {name: tmp_path / (name + ".html") for name in ("trusted", "stripped")}
    files["trusted"].write_text(shown, encoding="utf-8")
    files["stripped"].write_text(re.sub("<iframe.*?</iframe>", "", shown, flags=re.DOTALL), encoding="utf-8")
    with chromium() as browser:
        page = browser.new_page()
        page.goto(files["trusted"].as_uri())
        frame = page.frame_locator("iframe")
        frame.locator(".variables .row, .variables summary").first.click()
        assert "stop-gradient at hidden" in frame.locator(".answer").inner_text()
        assert not page.locator("table").is_visible()
        assert frame.locator("g.node", has_text="loss").evaluate(SEEN)
        page.goto(files["stripped"].as_uri())
        assert page.locator("table").is_visible() and page.get_by_text("hidden").first.is_visible()


NOTEBOOK = """
from tests.browser.test_notebook import Shown, STOPPED
from graphcut.render import page as views
class Audit(Shown):
    _repr_svg_, _repr_html_ = views.repr_svg, views.repr_html
Audit(STOPPED)
"""


@needs_jupyter
def test_a_real_jupyter_shows_it():
    import nbclient
    import nbformat

    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    root = Path(__file__).parents[2]
    nbclient.NotebookClient(made, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(root)}}).execute()
    (output,) = made.cells[0].outputs
    assert "stop-gradient at hidden" in output.data["text/html"]
    if any(map(layout.available, layout.ENGINES)):
        assert "<svg" in output.data["image/svg+xml"]
