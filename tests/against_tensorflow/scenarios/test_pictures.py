"""The picture of every fixture, as the installed TensorFlow judges it."""

from __future__ import annotations

import pytest

from graphcut.render.picture import layout
from graphcut.render.picture.build import picture
from graphcut.render.picture.svg_layout import lay_out
from graphcut.render.picture.view import PictureOptions
from graphcut.render.picture.writers.dot import title
from graphcut.render.picture.writers.svg import accessible
from tests.against_tensorflow.scenarios.judge import said
from tests.against_tensorflow.scenarios.test_tensorflow import FIXTURES
from tests.unit.render.picture.properties import (
    assert_honest,
    assert_legend_is_small_and_complete,
    assert_loss_is_on_top,
    assert_no_line_crosses_a_title,
)


@pytest.mark.parametrize("module, fixture", FIXTURES)
def test_its_picture_is_honest(module, fixture):
    audit = said(fixture).audit
    assert_honest(audit)
    assert_honest(audit, PictureOptions(boxes=8))


@pytest.mark.skipif(not layout.available("dot"), reason="no system Graphviz, which lays out a picture in 10 ms")
@pytest.mark.parametrize("module, fixture", FIXTURES)
def test_its_picture_is_easy_to_read(module, fixture):
    audit = said(fixture).audit
    drawn = picture(audit)
    svg = accessible(lay_out(drawn, "dot", 30.0), drawn, title(audit))
    assert_legend_is_small_and_complete(svg, drawn)
    assert_loss_is_on_top(svg)
    assert_no_line_crosses_a_title(svg)
