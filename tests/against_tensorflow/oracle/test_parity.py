"""Every hard graph in every mode, judged by the TensorFlow that is installed."""

from __future__ import annotations

import functools

import pytest

from tests import tallies

pytest.importorskip("tensorflow")

from tests.against_tensorflow.share import between_share  # noqa: E402

from . import parity  # noqa: E402
from .bench import MODES  # noqa: E402
from .graphs import CASES  # noqa: E402


def every(wanted):
    """A parameter for each mode of each case that is wanted."""
    pairs = [(name, mode) for name in between_share(CASES) for mode in MODES if wanted(CASES[name], mode)]
    return [pytest.param(*pair, id="%s-%s" % pair, marks=pytest.mark.xdist_group("%s-%s" % pair)) for pair in pairs]


EVERY = every(lambda case, mode: True)
BUILT = every(lambda case, mode: mode not in case.skip)
ANSWERED = every(lambda case, mode: mode not in case.skip and case.expect != "error")
DECLARED = every(lambda case, mode: mode not in case.skip and case.expect)
pytestmark = pytest.mark.filterwarnings("ignore")


@functools.lru_cache(maxsize=4)
def outcome(name, mode):
    """Both sides of one case, asked once for its tests, which run one after the other (``conftest.py``)."""
    if mode in CASES[name].skip:
        pytest.skip(CASES[name].skip[mode])
    return parity.outcome(CASES[name], mode)


def answered(name, mode):
    """The outcome where the audit gave verdicts."""
    found = outcome(name, mode)
    assert found.error is None, found.error
    return found


@pytest.mark.parametrize("name, mode", EVERY)
def test_verdict_is_what_tensorflow_answers(name, mode):
    if CASES[name].expect == "error":
        assert all(answer.kind == "raises" for answer in outcome(name, mode).answers.values())
        return
    found = answered(name, mode)
    count(found, name, mode)
    if mode in CASES[name].crash and parity.raised(found):
        pytest.skip(CASES[name].crash[mode])
    assert not parity.disagreements(found)


def count(found, name, mode):
    """Keep what is printed at the end of the run."""
    place = "%s-%s " % (name, mode)
    tallies.tally("oracle", "answers compared", ("" for _ in found.answers))
    tally("flows, but zero at every point", place, parity.imprecise(found))
    tally("a gradient whose value could not be had", place, parity.unknown(found))
    if mode in CASES[name].crash:
        tally("TensorFlow itself crashed", place, parity.raised(found))


def tally(kind, place, targets):
    """Add the targets of one case to what is printed."""
    tallies.tally("oracle", kind, (place + target for target in targets))


@pytest.mark.parametrize("name, mode", DECLARED)
def test_declared_verdict_and_branch(name, mode):
    found = outcome(name, mode)
    if CASES[name].expect == "error":
        assert found.error is not None
    else:
        assert not parity.unmet(CASES[name], found)


@pytest.mark.parametrize("name, mode", ANSWERED)
def test_sparse_where_tensorflow_answers_indexed_slices(name, mode):
    found = answered(name, mode)
    tensors = [target for target, answer in found.answers.items() if answer.kind == "tensor"]
    assert [found.audits[target].sparse for target in tensors] == [found.answers[target].sparse for target in tensors]


@pytest.mark.parametrize("name, mode", BUILT)
def test_audit_leaves_the_graph_alone(name, mode):
    found = outcome(name, mode)
    assert found.unchanged
    assert found.acyclic
