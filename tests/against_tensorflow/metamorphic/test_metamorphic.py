"""The same graph in many forms gets the same verdicts.

A sample of subjects (see ``share``), and of each a few forms, others for each;
``python -m tests.against_tensorflow.metamorphic`` takes all.
"""

from __future__ import annotations

import itertools
import os

import pytest

from tests import tallies
from tests.against_tensorflow.share import own_share

from .compare import differences
from .known import reason
from .subjects import oracle_subjects, random_subjects, scenario_subjects

EXAMPLES = int(os.environ.get("GRAPHCUT_EXAMPLES", "10"))
# An unsaved gradient function that makes a gradient out of zeros was called ``zero`` in files.
# So was a ``Defun`` with a Python gradient, of which a file holds nothing: its body was taken for what is differentiated.
FOUND = ("custom_gradient_answers_ones-", "defun_python_gradient_past_a_stop-v2")
SUBJECTS = [
    *(each for each in oracle_subjects() if each.name.startswith(FOUND)),
    *own_share(itertools.islice(oracle_subjects(), 0, None, 16)),
    *own_share(itertools.islice(scenario_subjects(), 0, None, 4)),
    *own_share(random_subjects(seed=7, number=EXAMPLES)),
]
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda each: each.name)
def test_verdicts_do_not_depend_on_the_form(subject):
    found = list(differences(subject, unchanged=3, changed=2))
    tallies.tally("metamorphic", "differences with a reason", (str(each) for each in found if reason(each)))
    assert [str(each) for each in found if not reason(each)] == []
