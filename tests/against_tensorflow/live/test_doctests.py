"""The examples in docstrings print what they say, those that ask TensorFlow."""

from __future__ import annotations

import doctest
import importlib
import re

import pytest
import tensorflow as tf

from tests.repository.measure import ROOT
from tests.repository.test_doctests import MODULES as PURE

MODULES = [
    "api.audit",
    "api.audit_step",
    "api.install",
    "api.loss_table",
    "api.watch",
    "contracts.check",
    "keras",
    "testing",
]


EAGER = {"api.install", "api.watch", "keras"}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples(name, monkeypatch):
    if name in EAGER and not tf.executing_eagerly():
        pytest.skip("the example executes eagerly")
    if name == "keras" and tf.__version__.startswith("2.1."):
        pytest.skip("models have no train_function before TensorFlow 2.2, which AuditCallback says")
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testmod(importlib.import_module("graphcut." + name))
    assert failed == 0 and tried > 0


def test_every_module_with_examples_is_tried():
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "graphcut").rglob("*.py")}
    found = {path for path, source in sources.items() if re.search(r"^ *>>> ", source, re.MULTILINE)}
    names = {".".join(path.relative_to(ROOT / "graphcut").with_suffix("").parts) for path in found}
    assert {_package(name) for name in names} == {*map(_package, PURE), *MODULES}


def _package(name):
    """``results`` of ``results.__init__``, which imported by that name would be a second copy."""
    return re.sub(r"\.__init__$", "", name)
