"""Real graphs from public packages: ``NONE`` for exactly those variables for which TensorFlow recorded ``None``.

The corpus is beside the checkout; without it, these tests are skipped. A graph is audited under the TensorFlow that recorded
its answers and under later ones: an older one lacks ops, and 1.15 answers tensors for the moving averages of
``FusedBatchNormV3``, for which later ones answer ``None``.
"""

from __future__ import annotations

import pytest

import graphcut
from graphcut import Verdict

from .answers import FOLDER, graphs, trfl

GRAPHS, TRFL = graphs(), trfl()
# Records a tensor of another graph: its file does not hold it.
ELSEWHERE = {"trfl/action_value_ops_test.py::SarsaLambdaTest::testNoOtherGradients": "Const_6:0"}

pytestmark = [pytest.mark.tensorflow, pytest.mark.skipif(not GRAPHS, reason="there is no corpus at %s" % FOLDER)]


def test_the_corpus_is_whole():
    assert len({record.file for record in GRAPHS}) == 35
    assert len(TRFL) == 194


@pytest.mark.parametrize("record", GRAPHS, ids=lambda record: record.name)
def test_none_is_exact_on_graph(record, tmp_path):
    check_version(record)
    assert answered_none(record, record.variables, tmp_path) == record.none()


@pytest.mark.parametrize("record", TRFL, ids=lambda record: record.name)
def test_none_is_exact_on_trfl(record, tmp_path):
    missing = ELSEWHERE.get(record.name)
    asked = tuple(name for name in record.variables if name != missing)
    assert answered_none(record, asked, tmp_path) == tuple(name for name in record.none() if name != missing)


@pytest.mark.parametrize("record", [record for record in TRFL if record.name in ELSEWHERE], ids=lambda record: record.name)
def test_a_tensor_of_another_graph_is_named_in_the_error(record, tmp_path):
    with pytest.raises(graphcut.GraphcutError, match="no variable '%s'" % ELSEWHERE[record.name]):
        answered_none(record, record.variables, tmp_path)


def answered_none(record, variables, folder):
    """Those of the variables that graphcut says ``NONE`` about."""
    audit = graphcut.audit(
        record.unpacked(folder), loss=record.loss, variables=list(variables), stop_gradients=record.stop_gradients
    )
    assert not [each.name for each in audit.variables if each.verdict is Verdict.RAISES], "TensorFlow raised nothing"
    return tuple(name for name in variables if audit[name].verdict is Verdict.NONE)


def check_version(record):
    """Skip a graph that a later TensorFlow than this one answered for."""
    import tensorflow as tf

    if tuple(int(part) for part in tf.__version__.split(".")[:2]) < record.version:
        pytest.skip("recorded under TensorFlow %d.%d" % record.version)
