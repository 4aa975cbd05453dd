"""Print the results for real models, including imprecision, at the end of the run."""

from __future__ import annotations

import pytest

from tests import tallies


@pytest.fixture
def record_judgement():
    """Keeps a judgement for the summary."""

    def record(model, loss, judgement):
        tallies.tally("real models", "judged", [line("%s, %s" % (model.name, loss), judgement)])

    return record


def line(name, judgement):
    found = "%6d ops %5d variables %5d none %3d zero" % (judgement.ops, judgement.variables, judgement.none, judgement.zero)
    wrong = "%3d disagreements %3d imprecise" % (len(judgement.disagreements), len(judgement.imprecise))
    return "%-34s %s %s %3d assumed %6.1f s" % (name, found, wrong, judgement.assumed, judgement.seconds)
