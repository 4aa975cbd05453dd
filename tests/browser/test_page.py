from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

import graphcut
from graphcut.errors import GraphcutError
from graphcut.render.page import draw, page, page_data, variable_routes
from graphcut.render.page.html import embed_json, html
from graphcut.render.page.inline_svg import sketch
from graphcut.render.picture import layout, to_dot
from graphcut.results import Role, Stop, Verdict
from tests.browser.audits import NASTY, whole_page
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED, beside
from tests.unit.render.text.fakes import FakeAudit, dag, variable

needs_engine = pytest.mark.skipif(not any(map(layout.available, layout.ENGINES)), reason="no layout engine")


class Elements(HTMLParser):
    """The elements of a page, each with its attributes and text."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append([tag, dict(attributes), ""])

    def handle_endtag(self, tag):
        self.found.append(["/" + tag, {}, ""])

    def handle_data(self, data):
        if self.found:
            self.found[-1][2] += data

    def all(self, tag):
        return [each[1:] for each in self.found if each[0] == tag]


@pytest.fixture
def no_engine(monkeypatch):
    monkeypatch.setattr(layout, "available", lambda engine: False)


def losses(text):
    """What a page knows of each audit."""
    return json.loads(next(text for told, text in Elements(text).all("script") if told.get("id") == "data"))


def known(audit):
    """What the page of one audit knows."""
    return losses(html([audit]))[0]


def test_draw_writes_a_page_where_the_name_says_so(tmp_path, no_engine):
    draw(STOPPED, tmp_path / "cut.HTML")
    assert (tmp_path / "cut.HTML").read_text(encoding="ascii").startswith("<!doctype html>")
    draw(STOPPED, tmp_path / "cut.dot")
    assert (tmp_path / "cut.dot").read_text(encoding="utf-8") == to_dot(STOPPED)


@pytest.mark.parametrize("name", ["cut", "cut.bmp", "cut.", "html"])
def test_an_unknown_ending_lists_the_known(tmp_path, name):
    with pytest.raises(GraphcutError, match=r"must end in \.html, \.svg, .*\.json$"):
        draw(STOPPED, tmp_path / name)


def test_the_page_runs_one_script_and_one_style_by_their_hashes(no_engine):
    elements = Elements(html([STOPPED]))
    policy = next(told["content"] for told, _ in elements.all("meta") if told.get("http-equiv"))
    (style,), scripts = elements.all("style"), elements.all("script")
    run = [text for told, text in scripts if "type" not in told]
    for text in (style[1], *run):
        assert "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'" in policy
    assert len(run) == 1 and policy.startswith("default-src 'none';") and "unsafe" not in policy


def test_the_page_refers_to_nothing_outside_it():
    elements = Elements(whole_page())
    assert not [told for _, told, _ in elements.found if {"src", "href", "srcset", "action", "style"} & set(told)]
    assert not [name for _, told, _ in elements.found for name in told if name.startswith("on")]
    fetching = {"link", "iframe", "object", "base", "a", "image", "use", "foreignobject"}
    assert not fetching & {tag for tag, _, _ in elements.found}


def test_hostile_names_stay_data():
    elements = Elements(whole_page())
    assert len(elements.all("script")) == 2 and not elements.all("img") and "<!--" not in whole_page()
    assert len(whole_page()) < 200_000
    hostile = losses(whole_page())[2]
    assert len(hostile["variables"]["name"]) == len(hostile["stops"]) == len(NASTY)
    assert "</script><script>alert(1)</script>/stop0" in [each["op"] for each in hostile["stops"]]


def test_embedded_json_is_ascii_and_holds_no_markup():
    text = embed_json(NASTY)
    assert tuple(json.loads(text)) == NASTY
    assert all(char.isprintable() and ord(char) < 128 and char not in "<>&" for char in text)


@needs_engine
def test_the_picture_says_which_box_is_which():
    told, loss = Elements(whole_page().split("</section>")[0]).all("g"), losses(whole_page())[0]
    boxes = [int(each["data-box"]) for each, _ in told if "data-box" in each]
    assert sorted(boxes) == list(range(len(loss["boxes"])))
    assert {"w1", "w2", "hidden", "unused"} <= {box["title"] for box in loss["boxes"]}
    joined = {(int(each["data-from"]), int(each["data-to"])) for each, _ in told if "data-from" in each}
    assert joined == {(start, end) for start, end, _ in loss["links"]}


@needs_engine
def test_the_picture_s_attributes_are_in_order_on_every_python():
    for attributes in re.findall(r"<[a-z]+((?: [\w:-]+=\"[^\"]*\")*)", sketch(STOPPED).svg):
        names = [each for each in re.findall(r' ([\w:-]+)="', attributes) if each != "xmlns"]
        assert names == sorted(names)


def test_a_variable_has_its_explanation_and_its_way(no_engine):
    told = known(STOPPED)
    at = told["variables"]["name"].index("w1")
    assert "tf.stop_gradient was put there to stop it." in told["words"][told["variables"]["words"][at]]
    route, cuts = told["ways"][told["variables"]["way"][at]]
    assert route == [] and [told["boxes"][box]["ops"] for box in cuts] == [["hidden"]]
    route, cuts = told["ways"][told["variables"]["way"][told["variables"]["name"].index("w2")]]
    assert [[told["boxes"][box]["title"] for box in pair] for pair in route] == [
        ["loss", "MatMul_1"],
        ["MatMul_1", "w2"],
    ]


def test_a_stop_knows_what_it_cuts(no_engine):
    told = known(STOPPED)
    (stop,) = told["stops"]
    assert [told["variables"]["name"][at] for at in stop["cuts"]] == ["w1"] and stop["count"] == 1
    assert [told["boxes"][box]["title"] for box in stop["under"]] == ["w1"]


def test_beyond_a_limit_variables_are_counted_the_same_of_each_group(no_engine, monkeypatch):
    monkeypatch.setattr(page_data, "LISTED", 9)
    told = known(beside(40, 10))
    assert told["total"] == 40 and len(told["variables"]["name"]) == 9
    assert [each["listed"] for each in told["groups"]] == [1, 1, 1, 1, 5]
    assert sum(each["count"] for each in told["groups"]) == 40


def test_beyond_a_limit_variables_are_not_explained(no_engine, monkeypatch):
    monkeypatch.setattr(variable_routes, "EXPLAINED", 2)
    told = known(STOPPED)["variables"]
    assert dict(zip(told["name"], told["explained"])) == {"w1": 1, "unused": 1, "w2": 0}
    monkeypatch.setattr(variable_routes, "STEPS", 0)
    assert dict(zip(told["name"], known(STOPPED)["variables"]["explained"]))["w2"] == 0


def test_one_of_each_box_and_of_each_fate_is_explained_first(no_engine, monkeypatch):
    audit = beside(40, 10)
    monkeypatch.setattr(variable_routes, "EXPLAINED", 5)
    told = known(audit)
    explained = {name for name, yes in zip(told["variables"]["name"], told["variables"]["explained"]) if yes}
    assert explained == {"block_0/kernel", "block_9/kernel", "block_19/kernel", "block_29/kernel", "block_39/kernel"}


def test_an_audit_of_nothing_has_a_page(no_engine):
    told = known(FakeAudit(graph=dag("loss = Const")))
    assert told["variables"]["name"] == [] and told["lines"][0].startswith("no variable to audit")


def test_without_an_engine_the_page_has_the_table_and_says_why(no_engine):
    text = html([STOPPED])
    assert "install one: " in text and "No picture could be laid out" in text
    assert len(known(STOPPED)["variables"]["name"]) == 3 and "<svg" not in text


def test_an_engine_that_was_asked_for_must_be_there(tmp_path, no_engine):
    with pytest.raises(GraphcutError, match="drawing SVG needs a layout engine, and none is installed"):
        page([STOPPED], tmp_path / "cut.html", engine="dot")


def test_several_losses_are_tabs_headed_as_in_the_table(no_engine):
    elements = Elements(html([STOPPED, EVERY_VERDICT]))
    assert [text.strip() for told, text in elements.all("span") if told.get("class") == "name"] == ["loss", "loss (2)"]
    elements = Elements(html({"critic": STOPPED, "<b>": EVERY_VERDICT}))
    assert [text.strip() for told, text in elements.all("span") if told.get("class") == "name"] == ["critic", "<b>"]
    assert len(elements.all("section")) == 2


def test_the_same_audit_gives_the_same_page(no_engine):
    assert html([EVERY_VERDICT]) == html([EVERY_VERDICT])


def test_bad_questions_are_errors(tmp_path):
    with pytest.raises(GraphcutError, match="must end in .html"):
        graphcut.page([STOPPED], tmp_path / "cut.svg")
    with pytest.raises(GraphcutError, match="there is no audit to show"):
        graphcut.page([], tmp_path / "cut.html")


def test_a_page_that_cannot_be_written_is_an_error(tmp_path, no_engine):
    with pytest.raises(GraphcutError, match="cannot write"):
        graphcut.page([STOPPED], tmp_path / "missing" / "cut.html")


def test_the_stop_that_cuts_most_off_is_first(no_engine):
    stops = tuple(Stop(op, Role.CUTS if cuts else Role.BYPASSED, False, cuts) for op, cuts in (("a", ()), ("b", ("w1",))))
    told = known(dataclasses.replace(STOPPED, stops=stops))["stops"]
    assert [each["op"] for each in told] == ["b", "a"]


def test_variables_that_share_a_row_of_the_table_share_one_of_the_list(no_engine):
    rounded = [
        graphcut.Barrier("Round_%d" % at, "Round", 0, graphcut.BarrierKind.NOT_DIFFERENTIABLE, False, where="model.py:7")
        for at in range(1, 9)
    ]
    blocked = [dataclasses.replace(variable("w%d" % at, Verdict.NONE), cut=(each,)) for at, each in enumerate(rounded)]
    found = known(FakeAudit(variables=(*blocked, variable("b"))))
    assert [(each["label"], each["count"], each["listed"]) for each in found["groups"]] == [("w0..7 (8)", 8, 8), ("b", 1, 1)]
    assert found["variables"]["name"][found["groups"][1]["first"]] == "b"
