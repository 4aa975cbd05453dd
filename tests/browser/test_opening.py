"""Boxes that stand for several ops, opened in a page in a real browser."""

from __future__ import annotations

from functools import lru_cache

import pytest

from graphcut.render.page.html import html
from tests.browser.test_browser import apart, browser, opened, pytestmark
from tests.unit.render.picture.audits import beside

__all__ = ["browser", "opened", "pytestmark"]


@lru_cache(maxsize=None)
def page_of(layers, stopped):
    """The page of residual layers, laid out once."""
    return html([beside(layers, stopped)])


@pytest.fixture
def many(opened):
    page = opened(page_of(40, 10))
    page.click("#fit")
    return page


def several(page):
    """The box of the 112 ops that a gradient passes."""
    return page.locator("g.node[data-box]").filter(has_text="112 ops").first


def test_a_box_of_several_ops_opens_where_it_is_and_closes(many):
    before = [each.bounding_box() for each in many.locator("g.node[data-box]").all()]
    several(many).click()
    many.click(".answer button.open")
    assert many.locator("g.opened").count() == 1 and many.locator(".inside g.node").count() == 12
    assert all(each.is_visible() for each in many.locator(".inside g.node").all())
    many.click(".answer button.open")
    many.keyboard.press("Escape")
    many.click("#fit")
    after = [each.bounding_box() for each in many.locator("g.node[data-box]").all()]
    assert many.locator(".inside g.node").count() == 0
    assert [each for one, other in zip(before, after) for each in one if abs(one[each] - other[each]) > 1] == []


def test_what_is_in_a_box_can_be_chosen(many):
    several(many).dblclick()
    many.click("#fit")
    many.locator(".inside g.node").nth(1).click()
    assert "10 ops: block_" in many.inner_text(".answer") and many.locator("g.opened.lit").count() == 1


def test_a_box_that_stands_for_one_variable_is_that_variable(opened):
    page = opened(page_of(26, 2))
    page.click("#fit")
    page.locator("g.openable").filter(has_text="flows").dblclick()
    page.click("#fit")
    page.locator(".inside g.node").first.click()
    assert "block_0/kernel [3, 2] gets a gradient" in page.inner_text(".answer")


def test_boxes_keep_apart_and_lines_reach_them_when_boxes_are_open(many):
    for number in ("0", "1"):
        many.locator(f"g.openable[data-box='{number}']").dblclick()
        many.click("#fit")
    assert apart([each.bounding_box() for each in many.locator("g.node[data-box]").all()])
    assert many.locator("g.edge[data-to='4']").first.evaluate(TOUCHES, "g.node[data-box='4']") < 3


# How far, in pixels, the head of a line is from a box.
TOUCHES = """(line, name) => {
    const box = document.querySelector(name).getBoundingClientRect();
    const head = line.querySelector("polygon, polyline").getBoundingClientRect();
    return Math.max(box.left - head.right, head.left - box.right, box.top - head.bottom, head.top - box.bottom);
}"""


def test_open_and_closed_by_keyboard(many):
    several(many).focus()
    many.keyboard.press("Enter")
    many.keyboard.press("o")
    assert many.locator("g.opened").count() == 1
    many.keyboard.press("f")
    assert many.locator("g.opened").count() == 0
