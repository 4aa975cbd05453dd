"""Real models of Keras and of public packages, judged by the TensorFlow that is installed beside them."""

from __future__ import annotations
