"""Random graphs: graphcut and the installed TensorFlow give the same answers.

100 examples, always the same ones, of which each TensorFlow judges a third (see ``share``).
``GRAPHCUT_EXAMPLES=2000`` draws new ones each time.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from tests import tallies

pytest.importorskip("tensorflow")
pytest.importorskip("hypothesis")

import tensorflow.compat.v1 as tf  # noqa: E402
from hypothesis import HealthCheck, Phase, given, reject, settings  # noqa: E402

from tests.against_tensorflow import share  # noqa: E402

from .builder import CannotBuild  # noqa: E402
from .judge import judge  # noqa: E402
from .recipes import read, recipes  # noqa: E402
from .shrink import same, shrunk  # noqa: E402

IS_SEARCH = "GRAPHCUT_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("GRAPHCUT_EXAMPLES", "100"))
NUMBERS = itertools.count()
KEPT = sorted((Path(__file__).parent / "kept").glob("*.txt"))


def is_own_share(number):
    """Whether the example of this number is judged here."""
    return IS_SEARCH or share.WHOLE or number % len(share.VERSIONS) == share.PART


@settings(
    max_examples=EXAMPLES,
    derandomize=not IS_SEARCH,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(recipes())
def test_a_random_graph(recipe):
    if not is_own_share(next(NUMBERS)):
        return
    try:
        judgements = judge(recipe, tf)
    except CannotBuild:
        reject()
    tallies.tally("random graphs", "answers compared", ("" for _ in judgements))
    imprecise = ("%s: %s" % (each.verdict, " ".join(each.path)) for each in judgements if each.imprecise)
    tallies.tally("random graphs", "flows, but zero at every point", imprecise)
    for wrong in [each for each in judgements if each.disagrees]:
        pytest.fail(f"{wrong}\n{shrunk(recipe, same(tf, wrong))!r}")


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_a_kept_counterexample(path):
    try:
        judgements = judge(read(path.read_text()), tf)
    except CannotBuild:
        pytest.skip("this TensorFlow refuses to build it")
    assert [each for each in judgements if each.disagrees] == []


@settings(max_examples=20, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(recipes())
def test_a_recipe_prints_as_a_literal(recipe):
    assert read(repr(recipe)) == recipe
