"""Random steps, compared with TensorFlow's answers.

``python -m tests.against_tensorflow.steps FIRST LAST`` runs more by hand.
"""

from __future__ import annotations

import pytest

from tests.against_tensorflow.steps.generated import build, nested, recipe
from tests.against_tensorflow.steps.judge import as_traced, audited

# Each of these once showed a defect. A variable that was first read under a stop is watched from its next read on.
READ_UNDER_A_STOP = (
    ("stop", 26, 27), ("cond", 18, 50), ("loop", 20, 16), ("watch_variable", 77, 24), ("stop", 25, 3), ("round", 52, 30),
)  # fmt: skip
# The result of a stop is tracked in TensorFlow 2.4 only; later versions do not record the stop.
SUM_WITH_A_STOP = (
    ("mul", 35, 61), ("add", 93, 35), ("stop", 92, 48), ("mul", 40, 15), ("stop", 19, 50), ("add", 87, 84), ("watch", 58, 7),
)  # fmt: skip
# A tape watches the variable only from its last read on, although earlier ops that read it were recorded.
WATCHED_TOO_LATE = (
    ("mul", 53, 88), ("relu", 78, 44), ("add", 24, 41), ("stop", 23, 52), ("mul", 34, 87), ("round", 41, 2), ("relu", 16, 44),
    ("watch_variable", 20, 39), ("mul", 74, 87), ("loop", 70, 17), ("mul", 95, 3),
)  # fmt: skip
WATCHED_AFTER_A_BRANCH = (
    ("read", 49, 22), ("loop", 97, 32), ("mul", 74, 87), ("relu", 80, 3), ("loop", 85, 54), ("watch", 64, 10),
    ("cond", 97, 14), ("watch_variable", 98, 20),
)  # fmt: skip
# A capture of an inner function is recorded at each use; a pause may hide the first one.
CAPTURED_IN_A_PAUSE = (("relu", 91, 16), ("call", 2, 21), ("mul", 13, 18), ("pause", 15, 9))
# A tape that was closed before the inner function began records nothing in it.
CLOSED_BEFORE = (
    ("stop", 24, 14), ("mul", 24, 10), ("cond", 71, 54), ("mul", 13, 68), ("relu", 41, 84), ("close", 49, 27),
    ("stop", 80, 88), ("close", 78, 82),
)  # fmt: skip
# A tensor of the outer function is watched inside, after it was used there.
WATCHED_INSIDE = (
    ("read", 94, 54), ("mul", 72, 55), ("add", 43, 22), ("add", 21, 71), ("loop", 11, 11), ("cond", 15, 7), ("watch", 58, 31),
)  # fmt: skip
KEPT = (
    (True, True, False, True, READ_UNDER_A_STOP),
    (True, True, True, False, SUM_WITH_A_STOP),
    (False, False, False, False, WATCHED_TOO_LATE),
    (False, False, True, False, WATCHED_AFTER_A_BRANCH),
    (False, True, False, False, CAPTURED_IN_A_PAUSE, (3, False)),
    (False, True, False, False, CLOSED_BEFORE, (8, False)),
    (False, True, False, True, WATCHED_INSIDE, (1, False)),
)


@pytest.mark.parametrize("made", KEPT + tuple(map(recipe, range(1000, 1020))) + tuple(map(nested, range(2000, 2010))))
def test_a_generated_step_is_judged_as_its_tape_answers(made):
    audited(as_traced(build(made)), [3], points=2)
