"""Random training graphs: the evidence about custom gradients is never wrong."""

from __future__ import annotations

import functools

import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests.against_tensorflow.training_files import random_training_graphs
from tests.against_tensorflow.training_files.graphs import v1

SEEDS = range(30)
pytestmark = pytest.mark.xdist_group("training graphs made at random")


@functools.lru_cache(maxsize=None)
def made(seed):
    """The graph, and for each loss that has variables what is true."""
    truth = random_training_graphs.truth(seed)
    graph, losses = random_training_graphs.train(seed)
    return graph, {loss: truth[loss] for loss in losses if truth[loss]}


@pytest.mark.parametrize("seed", SEEDS)
def test_neither_verdicts_nor_what_is_recorded_contradict_tensorflow(seed):
    graph, truth = made(seed)
    with graph.as_default():
        sources = [graph, graph.as_graph_def(), v1.train.export_meta_graph()]
    for loss, answers in truth.items():
        for source in sources:
            audit = graphcut.audit(source, loss=loss, variables=sorted(answers))
            check(audit, answers, exact=isinstance(source, tf.Graph) or not audit.assumptions)


def check(audit, truth, exact):
    assert audit.disagreements == ()
    for each in audit:
        is_none = each.verdict is Verdict.NONE
        assert not (is_none and truth[each.name])
        assert is_none or truth[each.name] or not exact
    for each, recorded in zip(audit, audit.recorded):
        assert recorded is None or recorded == truth[each.name]


def test_most_of_what_is_shown_is_used():
    """Of the variables that get None, nearly all are none in the file as well."""
    missed = total = 0
    for graph, truth in map(made, SEEDS):
        for loss, answers in truth.items():
            audit = graphcut.audit(graph.as_graph_def(), loss=loss, variables=sorted(answers))
            unreached = [name for name, given in answers.items() if not given]
            total += len(unreached)
            missed += sum(audit[name].verdict is not Verdict.NONE for name in unreached)
    assert total > 30 and missed <= total // 10
