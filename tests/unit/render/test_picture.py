from __future__ import annotations

import re

import pytest

from graphcut.errors import GraphcutError
from graphcut.render import picture
from graphcut.render.picture import draw, layout, svg_layout, to_dot
from graphcut.render.picture.view import PictureOptions
from tests.unit.render.picture.audits import STOPPED, beside


def test_dot_needs_no_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "available", lambda engine: False)
    for suffix in ("dot", "gv"):
        draw(STOPPED, str(tmp_path / f"cut.{suffix}"))
        assert (tmp_path / f"cut.{suffix}").read_text(encoding="utf-8") == to_dot(STOPPED)


@pytest.mark.parametrize(
    "template", ["javascript:alert('{file}')", "java\nscript:{file}", "x://{line}", "{file}{other}", "{file"]
)
def test_a_link_that_is_no_template_or_runs_code_is_refused(tmp_path, template):
    with pytest.raises(GraphcutError, match="link: "):
        draw(STOPPED, tmp_path / "cut.svg", options=PictureOptions(link=template))


def test_a_layout_that_takes_too_long_is_tried_with_fewer_boxes(tmp_path, monkeypatch):
    tried = []

    def render(text, format, engine, seconds):
        tried.append((len(re.findall(r"\n\t+n\d+ \[", text)), seconds))
        if len(tried) < 3:
            raise layout.TooSlow("took longer")
        return b"<svg ></svg>"

    monkeypatch.setattr(svg_layout, "render", render)
    monkeypatch.setattr(picture, "choose", lambda format, engine: "wasm")
    draw(beside(30, 3), tmp_path / "cut.svg", options=PictureOptions(seconds=20.0))
    assert [each[1] for each in tried] == [10.0, 5.0, 5.0] and tried[0][0] > 25 >= tried[1][0] and tried[2][0] <= 8


def test_a_missing_engine_says_what_to_install_and_keeps_the_dot(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "available", lambda engine: False)
    with pytest.raises(GraphcutError, match="install one: .*(pip install|apt install|graphviz.org)") as raised:
        draw(STOPPED, tmp_path / "cut.svg")
    assert (tmp_path / "cut.svg.dot").read_text(encoding="utf-8") == to_dot(STOPPED)
    assert len(str(raised.value).splitlines()) == 3


@pytest.mark.parametrize("name", ["cut", "cut.bmp", "cut."])
def test_an_unknown_suffix_lists_the_known(tmp_path, name):
    with pytest.raises(GraphcutError, match=".svg"):
        draw(STOPPED, tmp_path / name)


def test_an_unknown_engine_lists_the_known(tmp_path):
    with pytest.raises(GraphcutError, match="wasm, dot"):
        draw(STOPPED, tmp_path / "cut.svg", "neato")


def test_webassembly_draws_no_pdf(tmp_path):
    with pytest.raises(GraphcutError, match="svg only"):
        draw(STOPPED, tmp_path / "cut.pdf", "wasm")


def test_a_path_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(GraphcutError, match="cannot write"):
        draw(STOPPED, tmp_path / "missing" / "cut.dot")
