"""Saved training programs: the audit of the file agrees with what TensorFlow did when the program ran."""

from __future__ import annotations

import functools

import pytest

import graphcut
from graphcut import Verdict
from tests.against_tensorflow.training_files.programs import PROGRAMS, run

EACH = pytest.mark.parametrize("name", PROGRAMS)


@functools.lru_cache(maxsize=None)
def audit(name):
    return graphcut.audit(run(name).graph)


@EACH
def test_the_loss_that_was_differentiated_is_found(name):
    assert audit(name).loss == run(name).loss


@EACH
def test_none_is_what_tensorflow_answers(name):
    assert {each.name for each in audit(name) if each.verdict is Verdict.NONE and each.trainable} == run(name).without


@EACH
def test_updated_is_what_moves(name):
    assert {each.name for each in audit(name) if each.is_updated and each.trainable} == run(name).moved
