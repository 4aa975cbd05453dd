"""The gradient table has the answers of the installed TensorFlow for every op type."""

from __future__ import annotations

import functools
import json

import pytest
import tensorflow as tf

from graphcut.analysis.rules import gradient_table
from graphcut.backend.gradient_oracle import ask_every_op

GROUPS = 24
COLUMN = next(
    (number for number, each in enumerate(gradient_table.versions()) if each.split(".")[:2] == tf.__version__.split(".")[:2]),
    None,
)
pytestmark = pytest.mark.skipif(COLUMN is None, reason="the table has no column for TensorFlow %s" % tf.__version__)


@functools.lru_cache(maxsize=None)
def registered():
    return ask_every_op.registered_ops()


def as_json(value):
    """The value as it comes back from a file."""
    return json.loads(json.dumps(value))


def test_the_table_has_every_op_type_that_is_registered():
    in_table = [name for name in gradient_table.data()["ops"] if gradient_table.entry_of(name, COLUMN) is not None]
    assert sorted(registered()) == sorted(in_table)


def test_the_table_has_what_the_version_probes_find():
    assert as_json(ask_every_op.behavior()) == gradient_table.data()["behavior"][COLUMN]
    assert gradient_table.data()["producers"][COLUMN] == tf.compat.v1.GRAPH_DEF_VERSION


@pytest.mark.parametrize("group", range(GROUPS))
def test_asked_again_tensorflow_answers_the_same(group):
    names = sorted(registered())[group::GROUPS]
    assert len(names) > 50
    entries = {name: as_json(ask_every_op.op_entry(registered()[name])) for name in names}
    assert entries == {name: gradient_table.entry_of(name, COLUMN) for name in names}
