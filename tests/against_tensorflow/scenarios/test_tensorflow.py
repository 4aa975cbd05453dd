"""Every fixture, judged by the TensorFlow that is installed: no verdict may contradict its answer.

What graphcut says of it is recorded in ``fixtures/explanations`` (``tests.against_tensorflow.scenarios.recorded``).
"""

from __future__ import annotations

import os

import pytest

from tests.against_tensorflow.scenarios import recorded
from tests.against_tensorflow.scenarios.judge import ALLOWED, answer, said

FIXTURES = [pytest.param(module, each, id=module + "." + each.__name__) for module, each in recorded.every_fixture()]
needs_recording = pytest.mark.skipif(
    not any(recorded.VERSION in block.versions for block in recorded.read("stops")["lambda_layer: first"][1]),
    reason="nothing is recorded for this TensorFlow",
)


@pytest.mark.parametrize("module, fixture", FIXTURES)
def test_the_verdicts_are_what_tensorflow_answers(module, fixture):
    answers = {name: answer(fixture, name) for name in fixture().variables}
    verdicts = {name: said(fixture).verdict(name) for name in answers}
    assert {name: (answers[name], each) for name, each in verdicts.items() if each not in ALLOWED[answers[name]]} == {}


@needs_recording
@pytest.mark.parametrize("module, fixture", FIXTURES)
def test_the_explanations_are_those_recorded(module, fixture):
    for name in said(fixture).asked.variables:
        assert recorded.recorded(module, fixture, name).text == recorded.explained(fixture, name)


@needs_recording
@pytest.mark.parametrize("module, fixture", FIXTURES)
def test_tensorflow_answers_what_is_recorded(module, fixture):
    names = list(said(fixture).asked.variables)
    assert {name: recorded.recorded(module, fixture, name).answer for name in names} == {
        name: answer(fixture, name) for name in names
    }


def test_nothing_is_recorded_that_is_no_fixture():
    written = {(name[:-4], title) for name in os.listdir(recorded.FOLDER) for title in recorded.read(name[:-4])}
    assert written == {
        (module, "%s: %s" % (each.__name__, name)) for module, each in recorded.every_fixture() for name in each().variables
    }


def test_where_versions_differ_it_is_said_why():
    told = {
        (module, title): section for module, _ in recorded.every_fixture() for title, section in recorded.read(module).items()
    }
    assert [key for key, (why, blocks) in told.items() if (len(blocks) > 1) != bool(why)] == []


def test_there_are_many_fixtures():
    assert len(FIXTURES) > 60
