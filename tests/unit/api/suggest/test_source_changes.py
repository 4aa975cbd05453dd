"""The choice among several edits, by the audit of the edited source: right, wrong, or not traceable."""

from __future__ import annotations

import pytest

from graphcut.api.suggest.source_changes import Candidate, best


def taken(answers, is_ordered):
    """Return the index of the chosen candidate, one for each answer, and whether it is confirmed."""
    candidates = [Candidate((str(place),), (0,), True) for place in range(len(answers))]
    chosen, is_confirmed = best(iter(candidates), dict(zip(candidates, answers)).__getitem__, is_ordered)
    return None if chosen is None else candidates.index(chosen), is_confirmed


@pytest.mark.parametrize(
    "answers, one_of_many, first",
    [
        ([False, True, True], (1, True), (1, True)),
        ([None], (0, False), (0, False)),
        ([None, None], (None, False), (0, False)),
        ([False, None, False], (1, False), (1, False)),
        ([None, None, None, True], (None, False), (3, True)),
        ([False, False], (None, False), (None, False)),
    ],
)
def test_the_first_that_is_confirmed_is_taken(answers, one_of_many, first):
    assert taken(answers, False) == one_of_many and taken(answers, True) == first
