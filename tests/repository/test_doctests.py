"""The examples in docstrings print what they say, as far as they need no TensorFlow."""

from __future__ import annotations

import doctest
import importlib

import pytest

from tests.repository.measure import ROOT

MODULES = [
    "analysis.rules.gradient_table",
    "api.match_variables",
    "api.op_gradients",
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
    "graph.formats.raw_bytes",
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
    "render.picture.writers.xml_elements",
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    failed, tried = doctest.testmod(importlib.import_module("graphcut." + name))
    assert failed == 0 and tried > 0
