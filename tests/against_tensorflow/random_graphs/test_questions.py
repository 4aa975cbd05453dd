"""Every question about 200 random graphs, among them v1 and v2 loops and gradients of the user's own: each ends, and what it
answers agrees with the verdicts.

Each TensorFlow is asked about a third of them (see ``share``).
"""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import tensorflow.compat.v1 as tf  # noqa: E402

import graphcut  # noqa: E402
from tests.against_tensorflow.share import own_share  # noqa: E402

from .builder import CannotBuild, build  # noqa: E402
from .questions import Endless, bounded, faults  # noqa: E402
from .recipes import Recipe, recipe_of  # noqa: E402


def audited(recipe):
    """The audit of a recipe's graph."""
    try:
        built = build(recipe, tf)
    except CannotBuild:
        pytest.skip("this TensorFlow refuses to build it")
    targets = list(built.targets.values())
    return graphcut.audit(built.graph, loss=built.losses, variables=targets, stop_gradients=built.stops)


@pytest.mark.parametrize("seed", own_share(range(200)))
def test_every_answer_agrees_with_the_verdicts(seed):
    assert list(faults(audited(recipe_of(seed, 3, 25)))) == []


def loop(control_flow, body, results, after):
    """A recipe of one loop over two variables."""
    steps = (("t0", "while", ("r0", "r1"), (body, results)), after)
    return Recipe(control_flow, (("r0", "resource"), ("r1", "resource")), steps, ("t9",), ("r0", "r1"), ())


@pytest.mark.parametrize("results", [("t1", "t0.in1"), ("t1", "t2"), ("t1", "t3")])
@pytest.mark.parametrize("read", ["t0", "t0.1"])
@pytest.mark.parametrize("made", ["custom_ones", "override_ones", "custom_zeros", "sin"])
@pytest.mark.parametrize("control_flow", [1, 2])
def test_every_answer_about_a_loop_of_two_variables(control_flow, made, read, results):
    body = (("t1", made, ("t0.in0",)), ("t2", "add", ("t0.in1", "t1")), ("t3", "custom_zeros", ("t2",)))
    for after in ("custom_zeros", "sin"):
        assert list(faults(audited(loop(control_flow, body, results, ("t9", after, (read,)))))) == []


def test_a_search_that_does_not_end_is_told():
    with pytest.raises(Endless, match=r"test_questions\.py"), bounded(0.01):
        while True:
            pass
