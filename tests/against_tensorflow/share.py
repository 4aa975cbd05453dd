"""Divide tests that hardly depend on the version among the TensorFlow versions of continuous integration."""

from __future__ import annotations

import os

import tensorflow as tf

VERSIONS = ("1.15", "2.15", "2.21")
WHOLE = os.environ.get("GRAPHCUT_QUESTIONS") == "all"
PART = next((part for part, each in enumerate(VERSIONS) if tf.__version__.startswith(each + ".")), len(VERSIONS) - 1)

IS_BETWEEN = PART == 1 and not WHOLE  # the oldest and the newest version are enough


def own_share(cases):
    """Every third case; the environments of 1.15, 2.15 and 2.21 have all of them together. GRAPHCUT_QUESTIONS=all: all."""
    return list(cases) if WHOLE else list(cases)[PART :: len(VERSIONS)]


def between_share(cases):
    """In TensorFlow 2.15, which lies between the oldest and the newest, every third case; elsewhere all of them."""
    return own_share(cases) if IS_BETWEEN else list(cases)
