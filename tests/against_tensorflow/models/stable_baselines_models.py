"""Agents of Stable Baselines 2 as they stand before training: whole graphs with their backward part and optimizers."""

from __future__ import annotations

from typing import Any, Mapping

from .subject import Model, Subject, v1


def a2c() -> Mapping[str, Subject]:
    """Advantage actor-critic, a dense policy and a recurrent one."""
    from stable_baselines import A2C

    dense = A2C("MlpPolicy", _environment("CartPole-v1"), n_steps=2).graph
    recurrent = A2C("MlpLstmPolicy", _environment("CartPole-v1"), n_steps=2, policy_kwargs={"n_lstm": 8}).graph
    parts = ("policy_gradient_loss", "value_function_loss", "entropy_loss")
    subjects = {tag: _subject(dense, "loss/" + tag) for tag in parts}
    subjects.update({"loss": _subject(dense, "loss/loss"), "recurrent, loss": _subject(recurrent, "loss/loss")})
    return subjects


def sac() -> Mapping[str, Subject]:
    """Soft actor-critic with a learned temperature."""
    from stable_baselines import SAC

    graph = SAC("MlpPolicy", _environment("Pendulum-v0"), ent_coef="auto").graph
    tags = ("policy_loss", "qf1_loss", "qf2_loss", "value_loss", "ent_coef_loss")
    return {tag: _subject(graph, "loss/" + tag) for tag in tags}


def _environment(name: str) -> Any:
    import gym

    return gym.make(name)


def _subject(graph: Any, summary: str) -> Subject:
    """The loss that a summary shows, over every variable that any optimizer may change."""
    loss = graph.get_operation_by_name(summary).inputs[1]
    return Subject(graph, tuple(graph.get_collection(v1.GraphKeys.TRAINABLE_VARIABLES)), loss=loss)


NEEDS = ("stable_baselines",)
MODELS = (
    Model("A2C", a2c, package="stable-baselines", needs=NEEDS, until=(1, 15)),
    Model("SAC (stable-baselines)", sac, package="stable-baselines", needs=NEEDS, until=(1, 15)),
)
