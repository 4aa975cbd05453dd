"""A hypothetical audit equals an audit of the graph with the edit applied."""

from __future__ import annotations

import random

import pytest
import tensorflow.compat.v1 as tf

import graphcut
from tests.against_tensorflow.live.questions.editing import edited, edits
from tests.against_tensorflow.random_graphs.builder import CannotBuild, build
from tests.against_tensorflow.random_graphs.recipes import recipe_of
from tests.against_tensorflow.share import own_share

GRAPHS = 100
EDITS_EACH = 2


def name_of(target):
    """The name of the op that a variable or a tensor is."""
    return target.op.name if hasattr(target, "op") else target.handle.op.name


def facts(audit):
    """What must be the same, names of stops aside."""
    return [
        (each.name, each.verdict, each.unused, each.cut_size, sorted(cut.kind.value for cut in each.cut),
         len(each.conditions), bool(each.path))
        for each in audit
    ]  # fmt: skip


@pytest.mark.parametrize("seed", own_share(range(GRAPHS)))
def test_an_edit_supposed_is_an_edit_made(seed):
    try:
        built = build(recipe_of(seed, 8, 40), tf)
    except CannotBuild:
        pytest.skip("this TensorFlow refuses to build it")
    graph_def = built.graph.as_graph_def()
    question = {
        "loss": [each.name for each in built.losses],
        "variables": [name_of(each) for each in built.targets.values()],
        "stop_gradients": [each.name for each in built.stops],
    }
    losses = {each.op.name for each in built.losses}
    pick = random.Random(seed)
    candidates = [each for each in edits(graph_def) if each.function or each.op not in losses]
    audit = graphcut.audit(graph_def, **question)
    before, carrying = facts(audit), audit.carrying
    for _ in range(EDITS_EACH):
        removes = [each for each in candidates if each.kind == "remove"]
        near = [each for each in candidates if carrying.intersection(name.rpartition(":")[0] for name in each.copies)]
        chosen = pick.sample(candidates, pick.randint(0, min(2, len(candidates)))) + [pick.choice(near or candidates)]
        chosen = [pick.choice(removes)] + chosen if removes and pick.random() < 0.6 else chosen
        chosen = list(dict.fromkeys(chosen))
        supposed = audit.what_if(
            remove=[name for each in chosen if each.kind == "remove" for name in each.copies],
            stop=[name for each in chosen if each.kind == "stop" for name in each.copies],
        )
        assert facts(supposed) == facts(graphcut.audit(edited(graph_def, chosen), **question)), chosen
    assert facts(audit) == before
