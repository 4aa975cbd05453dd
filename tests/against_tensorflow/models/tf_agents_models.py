"""Agents of TF-Agents: the losses as their training step takes them, over the weights of every network they hold."""

from __future__ import annotations

from typing import Any, Callable, Mapping

import tensorflow as tf

from .subject import Model, Subject

BATCH, STEPS, OBSERVED, ACTIONS = 2, 2, 4, 2


def dqn() -> Mapping[str, Subject]:
    """Deep Q-learning: plain, double, and with a recurrent network over four steps."""
    from tf_agents.agents.dqn import dqn_agent
    from tf_agents.networks import q_network, q_rnn_network

    observations, actions = _specs(_discrete())
    plain = q_network.QNetwork(observations, actions, fc_layer_params=(8,))
    double = q_network.QNetwork(observations, actions, fc_layer_params=(8,))
    recurrent = q_rnn_network.QRnnNetwork(observations, actions, input_fc_layer_params=(8,), lstm_size=(4,))
    return {
        "q": _of_agent(_q_agent(dqn_agent.DqnAgent, plain, actions), _discrete(), STEPS),
        "double q": _of_agent(_q_agent(dqn_agent.DdqnAgent, double, actions), _discrete(), STEPS),
        "recurrent q": _of_agent(_q_agent(dqn_agent.DqnAgent, recurrent, actions), _discrete(), 4),
    }


def sac() -> Mapping[str, Subject]:
    """Soft actor-critic: each of its three losses, and their sum."""
    from tf_agents.agents.ddpg import critic_network
    from tf_agents.agents.sac import sac_agent, tanh_normal_projection_network
    from tf_agents.networks import actor_distribution_network

    observations, actions = _specs(_continuous())
    actor = actor_distribution_network.ActorDistributionNetwork(
        observations,
        actions,
        fc_layer_params=(8,),
        continuous_projection_net=tanh_normal_projection_network.TanhNormalProjectionNetwork,
    )
    critic = critic_network.CriticNetwork((observations, actions), joint_fc_layer_params=(8,))
    optimizers = [tf.keras.optimizers.legacy.Adam() for _ in range(3)]
    agent = sac_agent.SacAgent(_time_steps(observations), actions, critic, actor, *optimizers, target_update_tau=0.1)
    agent.initialize()

    def critic_loss(time_steps: Any, taken: Any, next_steps: Any) -> Any:
        return agent.critic_loss(time_steps, taken, next_steps, tf.math.squared_difference, training=True)

    def actor_loss(time_steps: Any, taken: Any, next_steps: Any) -> Any:
        return agent.actor_loss(time_steps, training=True)

    def alpha_loss(time_steps: Any, taken: Any, next_steps: Any) -> Any:
        return agent.alpha_loss(time_steps, training=True)

    subjects = {"critic": _of_steps(agent, critic_loss), "actor": _of_steps(agent, actor_loss)}
    subjects.update(alpha=_of_steps(agent, alpha_loss), all=_of_agent(agent, _continuous(), STEPS))
    return subjects


def _discrete() -> Any:
    return tf.TensorSpec([], tf.int32)


def _continuous() -> Any:
    return tf.TensorSpec([ACTIONS], tf.float32)


def _specs(action: Any) -> Any:
    from tf_agents.specs import tensor_spec

    low, high = (0, ACTIONS - 1) if action.dtype.is_integer else (-1.0, 1.0)
    bounded = tensor_spec.BoundedTensorSpec(action.shape, action.dtype, low, high)
    return tensor_spec.TensorSpec([OBSERVED], tf.float32), bounded


def _time_steps(observations: Any) -> Any:
    from tf_agents.trajectories import time_step

    return time_step.time_step_spec(observations)


def _q_agent(agent_class: Any, network: Any, actions: Any) -> Any:
    observations = tf.TensorSpec([OBSERVED], tf.float32)
    agent = agent_class(_time_steps(observations), actions, network, tf.keras.optimizers.legacy.Adam(), gradient_clipping=1.0)
    agent.initialize()
    return agent


def _of_agent(agent: Any, action: Any, steps: int) -> Subject:
    """The loss of the agent over a stretch of experience none of which ends an episode."""
    from tf_agents.trajectories import trajectory

    def loss(observations: Any, actions: Any, rewards: Any) -> Any:
        middle, discount = tf.ones([BATCH, steps], tf.int32), tf.ones([BATCH, steps])
        experience = trajectory.Trajectory(middle, observations, actions, (), middle, rewards, discount)
        return agent._loss(experience, training=True).loss

    specs = (
        tf.TensorSpec([BATCH, steps, OBSERVED], tf.float32),
        tf.TensorSpec([BATCH, steps] + action.shape.as_list(), action.dtype),
        tf.TensorSpec([BATCH, steps], tf.float32),
    )
    return Subject(loss, _weights(agent), specs=specs)


def _of_steps(agent: Any, loss: Callable[[Any, Any, Any], Any]) -> Subject:
    """One of the losses of an agent with continuous actions."""
    from tf_agents.trajectories import time_step

    def of_batch(observed: Any, actions: Any, next_observed: Any, rewards: Any) -> Any:
        middle, discount = tf.ones([BATCH], tf.int32), tf.ones([BATCH])
        before = time_step.TimeStep(middle, rewards, discount, observed)
        return tf.reduce_sum(loss(before, actions, time_step.TimeStep(middle, rewards, discount, next_observed)))

    state, actions = tf.TensorSpec([BATCH, OBSERVED]), tf.TensorSpec([BATCH, ACTIONS])
    return Subject(of_batch, _weights(agent), specs=(state, actions, state, tf.TensorSpec([BATCH])))


def _weights(agent: Any) -> Any:
    """The variables of floats: counters of steps are none of the agent's weights."""
    seen = {id(each): each for each in agent.variables if each.dtype.is_floating}
    names = [name for name in vars(agent) if name.endswith(("_network", "_network_1", "_network_2"))]
    for name in names:
        seen.update((id(each), each) for each in getattr(agent, name).variables)
    return tuple(seen.values())


NEEDS = ("tf_agents",)
MODELS = (
    Model("DQN", dqn, package="tf-agents", needs=NEEDS),
    Model("SAC (tf-agents)", sac, package="tf-agents", needs=NEEDS),
)
