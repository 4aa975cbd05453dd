"""What Mermaid itself makes of our text, where its browser bundle is at hand: in a folder, ``npm install mermaid``, then
``GRAPHCUT_MERMAID=node_modules/mermaid/dist/mermaid.min.js``. Its grammar is tested without it in
``tests/unit/render/picture``."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from graphcut.errors import printable
from graphcut.render.picture.build import picture
from graphcut.render.picture.writers.dot import title
from graphcut.render.picture.writers.mermaid import mermaid
from tests.browser import audits
from tests.browser.browsers import chromium, missing
from tests.unit.render.picture.test_same_bytes import AUDITS as GOLDEN
from tests.unit.render.picture.writers.test_dot import HOSTILE, named

BUNDLE = os.environ.get("GRAPHCUT_MERMAID", "")
lacking = missing() or ("" if BUNDLE else "GRAPHCUT_MERMAID does not say where mermaid.min.js is")
pytestmark = [pytest.mark.skipif(bool(lacking), reason=lacking), pytest.mark.xdist_group("browser")]
MEANT = ["end", "%%{init}%%", "`md`", "1. one", "- a", "fa:fa-car", "http://a.b", "#35;", "$$x$$", "{{", "__proto__", "click"]
AUDITS = {**GOLDEN, "nasty": audits.HOSTILE, **{printable(name, 40): named(name) for name in HOSTILE + MEANT}}
DRAW = """async text => {
    const shown = document.querySelector("#shown"), all = name => [...shown.querySelectorAll(name)];
    shown.innerHTML = (await mermaid.render("made", text)).svg;
    return {boxes: all(".node").map(each => each.textContent), lines: all("path.flowchart-link").length,
            scopes: all(".cluster").length, title: all(".flowchartTitleText").map(each => each.textContent),
            tags: [...new Set(all("foreignObject *").map(each => each.tagName))]};
}"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("mermaid") / "page.html"
    bundle = Path(BUNDLE).resolve().as_uri()
    path.write_text(f'<meta charset="utf-8"><script src="{bundle}"></script><div id="shown"></div>', encoding="utf-8")
    with chromium() as browser:
        opened = browser.new_page()
        opened.goto(path.as_uri())
        opened.evaluate("mermaid.initialize({startOnLoad: false})")
        yield opened


@pytest.mark.parametrize("audit", AUDITS.values(), ids=AUDITS)
def test_mermaid_draws_every_box_and_line_and_shows_names_as_they_are(page, audit):
    drawn = picture(audit)
    shown = page.evaluate(DRAW, mermaid(drawn, title(audit)))
    words = ["".join(printable(line, 60)[1:-1] for line in (box.title, *box.lines)) for _, box in drawn.nodes(data="box")]
    assert sorted(each.replace("\u2060", "").strip() for each in shown["boxes"]) == sorted(each.strip() for each in words)
    assert shown["lines"] == len(drawn.edges) and shown["scopes"] == mermaid(drawn, "").count("subgraph ")
    assert re.sub("[‹›]", "|", shown["title"][0]).split() == re.sub("[<>]", "|", title(audit)).split()
    assert set(shown["tags"]) <= {"DIV", "SPAN", "P", "BR"}
