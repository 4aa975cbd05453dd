"""The examples in docstrings that need no TensorFlow print what they show."""

from __future__ import annotations

import doctest
import importlib
import re

import pytest

from tests.repository.measure import ROOT

MODULES = [
    "analysis.rules.gradient_table",
    "api.match_variables",
    "api.op_gradients",
    "api.select.resolve_variables",
    "api.tensor_spec",
    "cli.__init__",
    "errors",
    "graph.dataflow",
    "graph.dtypes",
    "graph.traverse",
    "graph.writing_ops",
    "util.caching",
    "util.text",
    "graph.formats.other_formats",
    "graph.formats.event_files",
    "graph.formats.wire_format",
    "graph.formats.remote_files",
    "results",
    "results.words",
    "api.load",
    "api.survey.survey",
    "results.barrier_kinds",
    "results.result_display",
    "util.source_lines",
    "contracts.check",
    "contracts.contract_rules",
    "contracts.diff",
    "contracts.places",
    "contracts.source_audits",
    "contracts.reports.finding_groups",
    "render.picture.writers.xml_elements",
    "render.text.python_lines",
]

# tests/against_tensorflow/live/test_doctests.py runs these.
WITH_TENSORFLOW = [
    "api.audit",
    "api.audit_step",
    "api.install",
    "api.loss_table",
    "api.watch",
    "contracts.check",
    "keras",
    "testing",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testmod(importlib.import_module("graphcut." + name))
    assert failed == 0 and tried > 0


def test_every_module_with_examples_is_tried():
    sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "graphcut").rglob("*.py")}
    found = {path for path, source in sources.items() if re.search(r"^ *>>> ", source, re.MULTILINE)}
    names = {".".join(path.relative_to(ROOT / "graphcut").with_suffix("").parts) for path in found}
    assert {_package(name) for name in names} == {*map(_package, MODULES), *WITH_TENSORFLOW}


def _package(name):
    """``results`` of ``results.__init__``, which imported by that name would be a second copy."""
    return re.sub(r"\.__init__$", "", name)
