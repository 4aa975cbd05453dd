"""The picture of every fixture, as the installed TensorFlow judges it."""

from __future__ import annotations

import pytest

from graphcut.render.picture.view import PictureOptions
from tests.against_tensorflow.scenarios.judge import said
from tests.against_tensorflow.scenarios.test_tensorflow import FIXTURES
from tests.unit.picture.properties import assert_honest


@pytest.mark.parametrize("module, fixture", FIXTURES)
def test_its_picture_is_honest(module, fixture):
    audit = said(fixture).audit
    assert_honest(audit)
    assert_honest(audit, PictureOptions(boxes=8))
