"""Every fixture, judged by the TensorFlow that is installed: no verdict may contradict its answer."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import fixtures.documents
import fixtures.graphs
import fixtures.scenarios
from tests.scenarios.judge import ALLOWED, answer, said


def every_fixture():
    """The fixtures of every module, by module and name."""
    for package in (fixtures.documents, fixtures.graphs, fixtures.scenarios):
        for _, name, _ in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(package.__name__ + "." + name)
            for key, each in vars(module).items():
                if getattr(each, "is_fixture", False):
                    yield pytest.param(each, id=name + "." + key)


@pytest.mark.parametrize("fixture", every_fixture())
def test_the_verdicts_are_what_tensorflow_answers(fixture):
    answers = {name: answer(fixture, name) for name in fixture().variables}
    verdicts = {name: said(fixture).verdict(name) for name in answers}
    assert {name: (answers[name], each) for name, each in verdicts.items() if each not in ALLOWED[answers[name]]} == {}


def test_there_are_many_fixtures():
    assert len(list(every_fixture())) > 60
