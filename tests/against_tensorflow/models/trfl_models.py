"""The losses of TRFL, each separately, with a variable for each float argument."""

from __future__ import annotations

from typing import Any, Mapping, Tuple

import tensorflow as tf

from .subject import Model, Subject, v1

ACTIONS, SIZES = 2, {"L": 4, "T": 3, "B": 2, "A": 2, "Z": 4}  # steps and one more, steps, batch, actions, atoms
INTEGERS = frozenset(["a_tm1", "a_t", "actions"])
ARGUMENTS = {
    "qlearning": "q_tm1:BA a_tm1:B r_t:B pcont_t:B q_t:BA",
    "double_qlearning": "q_tm1:BA a_tm1:B r_t:B pcont_t:B q_t_value:BA q_t_selector:BA",
    "persistent_qlearning": "q_tm1:BA a_tm1:B r_t:B pcont_t:B q_t:BA",
    "sarsa": "q_tm1:BA a_tm1:B r_t:B pcont_t:B q_t:BA a_t:B",
    "sarse": "q_tm1:BA a_tm1:B r_t:B pcont_t:B q_t:BA probs_a_t:BA",
    "sarsa_lambda": "q_tm1:TBA a_tm1:TB r_t:TB pcont_t:TB q_t:TBA a_t:TB lambda_:",
    "qlambda": "q_tm1:TBA a_tm1:TB r_t:TB pcont_t:TB q_t:TBA lambda_:",
    "td_learning": "v_tm1:B r_t:B pcont_t:B v_t:B",
    "td_lambda": "state_values:TB rewards:TB pcontinues:TB bootstrap_value:B lambda_:",
    "generalized_lambda_returns": "rewards:TB pcontinues:TB values:TB bootstrap_value:B lambda_:",
    "qv_learning": "q_tm1:BA a_tm1:B r_t:B pcont_t:B v_t:B",
    "qv_max": "v_tm1:B r_t:B pcont_t:B q_t:BA",
    "discrete_policy_gradient_loss": "policy_logits:TBA actions:TB action_values:TB",
    "discrete_policy_entropy_loss": "policy_logits:TBA",
    "sequence_advantage_actor_critic_loss": "policy_logits:TBA baseline_values:TB actions:TB rewards:TB pcontinues:TB "
    "bootstrap_value:B lambda_:",
    "retrace": "lambda_: qs:LBA targnet_qs:LBA actions:LB rewards:TB pcontinues:TB target_policy_probs:LBA "
    "behaviour_policy_probs:LB",
    "vtrace_from_logits": "behaviour_policy_logits:TBA target_policy_logits:TBA actions:TB discounts:TB rewards:TB "
    "values:TB bootstrap_value:B",
    "categorical_dist_qlearning": "atoms_tm1:Z logits_q_tm1:BAZ a_tm1:B r_t:B pcont_t:B atoms_t:Z logits_q_t:BAZ",
    "categorical_dist_double_qlearning": "atoms_tm1:Z logits_q_tm1:BAZ a_tm1:B r_t:B pcont_t:B atoms_t:Z logits_q_t:BAZ "
    "q_t_selector:BA",
    "categorical_dist_td_learning": "atoms_tm1:Z logits_v_tm1:BZ r_t:B pcont_t:B atoms_t:Z logits_v_t:BZ",
}


def losses() -> Mapping[str, Subject]:
    """A graph for each loss."""
    subjects = {name: _subject(name, arguments) for name, arguments in ARGUMENTS.items()}
    subjects["dpg"] = _dpg()
    return subjects


def _subject(name: str, arguments: str) -> Subject:
    import trfl

    with tf.Graph().as_default() as graph:
        given = dict(_argument(*each.split(":")) for each in arguments.split())
        answer = getattr(trfl, name)(**given)
        floats = tuple(each for key, each in given.items() if key not in INTEGERS)
        return Subject(graph, floats, loss=_total(answer), below=ACTIONS)


def _argument(name: str, letters: str) -> Tuple[str, Any]:
    """A variable with positive values; a placeholder where the loss takes actions."""
    shape = [SIZES[letter] for letter in letters]
    if name in INTEGERS:
        return name, v1.placeholder(tf.int32, shape, name)
    positive = v1.random_uniform_initializer(0.1, 1.0, seed=len(name))
    return name, v1.get_variable(name, shape, initializer=positive, use_resource=True)


def _total(answer: Any) -> Any:
    """The sum of what a loss returns: its own ``loss``, or the two answers of V-trace."""
    if hasattr(answer, "vs"):
        return tf.reduce_sum(answer.vs) + tf.reduce_sum(answer.pg_advantages)
    return tf.reduce_sum(getattr(answer, "loss", answer))


def _dpg() -> Subject:
    """The deterministic policy gradient, through a critic, the step clipped."""
    import trfl

    with tf.Graph().as_default() as graph:
        given = dict(_argument(*each) for each in (("actor", "TA"), ("critic", "AB"), ("seen", "BT")))
        action = tf.tanh(tf.matmul(given["seen"], given["actor"]))
        loss = trfl.dpg(tf.reduce_sum(tf.square(tf.matmul(action, given["critic"])), 1), action, dqda_clipping=1.0).loss
        return Subject(graph, tuple(given.values()), loss=tf.reduce_sum(loss))


MODELS = (Model("TRFL", losses, package="trfl", needs=("trfl",), until=(1, 15)),)
