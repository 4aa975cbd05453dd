"""What the TensorFlows of continuous integration share out among them, where the answer hardly depends on the version."""

from __future__ import annotations

import os

import tensorflow as tf

_PARTS = 3
_PART = 0 if tf.__version__.startswith("1.") else 1 if tf.__version__.startswith("2.15.") else 2


def own_share(cases):
    """Every third case; the environments of 1.15, 2.15 and 2.21 have all of them together. GRAPHCUT_QUESTIONS=all: all."""
    return list(cases) if os.environ.get("GRAPHCUT_QUESTIONS") == "all" else list(cases)[_PART::_PARTS]


def between_share(cases):
    """In TensorFlow 2.15, which lies between the oldest and the newest, every third case; elsewhere all of them."""
    return own_share(cases) if _PART == 1 else list(cases)
