"""The examples in docstrings that need TensorFlow print what they show."""

from __future__ import annotations

import doctest
import importlib

import pytest
import tensorflow as tf

from tests.repository.measure import ROOT
from tests.repository.test_doctests import WITH_TENSORFLOW

EAGER = {"api.install", "api.watch", "keras"}


@pytest.mark.parametrize("name", WITH_TENSORFLOW)
def test_the_examples(name, monkeypatch):
    if name in EAGER and not tf.executing_eagerly():
        pytest.skip("the example executes eagerly")
    if name == "keras" and tf.__version__.startswith("2.1."):
        pytest.skip("models have no train_function before TensorFlow 2.2, which AuditCallback says")
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testmod(importlib.import_module("graphcut." + name))
    assert failed == 0 and tried > 0
