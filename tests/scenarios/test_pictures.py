"""The picture of every fixture, as the installed TensorFlow judges it."""

from __future__ import annotations

import pytest

from graphcut.drawing.view import View
from tests.drawing.properties import assert_honest
from tests.scenarios.judge import said
from tests.scenarios.test_tensorflow import FIXTURES


@pytest.mark.parametrize("module, fixture", FIXTURES)
def test_its_picture_is_honest(module, fixture):
    audit = said(fixture).audit
    assert_honest(audit)
    assert_honest(audit, View(boxes=8))
