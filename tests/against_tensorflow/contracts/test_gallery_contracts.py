"""Contracts about the gallery: the step with the bug breaks them, the corrected version keeps them."""

from __future__ import annotations

from functools import partial

import pytest
import tensorflow as tf

from fixtures.all_steps import ROWS
from fixtures.steps import named
from graphcut.api.known_variables import known_variables
from graphcut.contracts.contract_rules import Subjects, check_rules
from graphcut.contracts.definition import Contract
from graphcut.contracts.source_audits import select_gradient
from tests.against_tensorflow.scenarios.test_gallery import ENTRIES, audited

KERAS_3 = getattr(tf.keras, "__version__", "2").startswith("3")
pytestmark = [
    pytest.mark.xdist_group("gallery"),
    pytest.mark.skipif(not KERAS_3, reason="the names of the variables are those of Keras 3"),
]
# The step with the bug, its twin, the gradient, the demands, and the variables that the bug is about.
CASES = [
    ("actor_critic.leaking", "actor_critic.fixed", 0, {"must_not_reach": ("critic/*",)}, 4),
    ("actor_critic.leaking", "actor_critic.fixed", "policy_loss", {"only": ("actor/*",)}, 4),
    ("dcgan.detached", "dcgan.fixed", "gen_loss", {"must_reach": ("generator/*",)}, 5),
    ("dqn.moving_target", "dqn.fixed", None, {"must_not_reach": ("target/*",)}, 4),
    ("dqn.acting", "dqn.fixed", None, {"must_reach": ("online",)}, 4),
    ("ddpg.stopped", "ddpg.fixed", "actor_loss", {"must_reach": ("actor/*",)}, 4),
    ("ddpg.replayed", "ddpg.fixed", 1, {"must_reach": ("actor/*",)}, 4),
    ("vq_vae.forgotten", "vq_vae.fixed", None, {"must_reach": ("codebook",)}, 1),
    ("simsiam.wrong_side", "simsiam.fixed", None, {"must_reach": ("predictor/*",)}, 2),
    ("distillation.both_learn", "distillation.fixed", None, {"only": ("student/*",)}, 4),
    ("fine_tuning.still_stopped", "fine_tuning.fixed", None, {"must_reach": ("Conv_1*",)}, 3),
    ("maml.assigned", "maml.fixed", "query_loss", {"must_reach": ("rate",)}, 1),
    ("step_003.stopped", "step_003.fixed", None, {"must_reach": ("w1",)}, 1),
    ("step_004.too_late", "step_004.fixed", None, {"must_reach": ("x",)}, 1),
]
KNOWN = {named(entry): entry for entry in ENTRIES}


def findings(entry, gradient, demands):
    """What breaks a contract about one gradient of an entry."""
    audits = audited(KNOWN[entry])[1]
    chosen = audits if gradient is None else (select_gradient(audits, gradient),)
    contract = Contract(name=entry, source=entry, line=1, **demands)
    return check_rules(Subjects(contract, chosen, lambda: None, partial(known_variables, chosen, None)))[0]


@pytest.mark.parametrize("bug, twin, gradient, demands, count", CASES, ids=[case[0] for case in CASES])
def test_the_bug_breaks_what_the_twin_keeps(bug, twin, gradient, demands, count):
    if bug not in KNOWN or twin not in KNOWN:
        pytest.skip("this TensorFlow cannot build the step")
    broken = findings(bug, gradient, demands)
    assert len(broken) == count
    assert all(finding.message for finding in broken)
    unused = [each.name for audit in audited(KNOWN[bug])[1] for each in audit if each.unused]
    assert all(finding.path or finding.cut or finding.variable in unused for finding in broken)
    assert findings(twin, gradient, demands) == ()


def test_every_case_is_in_the_gallery():
    everything = {named(entry) for row in ROWS for entry in row.entries}
    assert {name for case in CASES for name in case[:2]} <= everything
