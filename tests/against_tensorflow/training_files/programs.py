"""Whole training programs, run for a few steps: what was differentiated, who got no gradient, and which variables moved."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Callable, Dict, FrozenSet, List, Tuple

import numpy as np
import tensorflow as tf

from tests.against_tensorflow.training_files.graphs import control_flow, v1

STEPS = 2


@dataclass(frozen=True)
class Program:
    """A graph that was trained: ``without`` are the variables for which TensorFlow answers ``None``."""

    graph: Any
    loss: Tuple[str, ...]
    without: FrozenSet[str]
    moved: FrozenSet[str]


@functools.lru_cache(maxsize=None)
def run(name: str) -> Program:
    """The program of that name, trained."""
    with control_flow(False), tf.Graph().as_default() as graph:
        loss, steps = PROGRAMS[name]()
        v1.train.Saver()
        program = v1.train.export_meta_graph()
        variables = v1.trainable_variables()
        moved = _moved(graph, variables, steps)
        without = frozenset(each.op.name for each in variables if v1.gradients(loss, [each])[0] is None)
    return Program(program, (loss.name,), without, moved)


def _moved(graph: Any, variables: List[Any], steps: List[Any]) -> FrozenSet[str]:
    with v1.Session(graph=graph) as session:
        session.run(v1.global_variables_initializer())
        before = session.run(variables)
        for _ in range(STEPS):
            for step in steps:
                session.run(step)
        after = session.run(variables)
    return frozenset(each.op.name for each, old, new in zip(variables, before, after) if np.any(old != new))


def _weights(name: str, *shape: int, resource: bool = True, **kwargs: Any) -> Any:
    values = np.random.RandomState(len(name)).normal(size=shape).astype(np.float32)
    return v1.get_variable(name, initializer=values, use_resource=resource, **kwargs)


def _batch(columns: int = 4) -> Any:
    return tf.constant(np.random.RandomState(columns).normal(size=(5, columns)).astype(np.float32), name="x")


def _head_of(hidden: Any, resource: bool = True) -> Any:
    return tf.reduce_mean(tf.square(tf.matmul(hidden, _weights("head/w", 3, 2, resource=resource))), name="loss")


def _fine_tuned(resource: bool) -> Tuple[Any, List[Any]]:
    """The head is trained with an optimizer that has slots; a ``Saver`` restores all variables, the slots among them."""
    hidden = tf.nn.swish(tf.matmul(_batch(), _weights("base/w", 4, 3, resource=resource)))
    loss = _head_of(hidden, resource)
    return loss, [v1.train.AdamOptimizer(0.1).minimize(loss, var_list=v1.trainable_variables()[-1:])]


def _centers() -> Tuple[Any, List[Any]]:
    """A centre per class follows its own op, which the training op does not run."""
    centers, labels = _weights("centers", 3, 3), tf.constant([0, 1, 2, 0, 1])
    hidden = tf.matmul(_batch(), _weights("base/w", 4, 3))
    v1.scatter_sub(centers, labels, 0.1 * (tf.gather(centers, labels) - hidden))
    loss = tf.reduce_mean(tf.square(hidden - tf.stop_gradient(tf.gather(centers, labels))), name="loss")
    return loss, [v1.train.AdagradOptimizer(0.1).minimize(loss)]


@tf.custom_gradient
def _projected(x: Any) -> Any:
    """A layer with weights of its own whose input gets no gradient."""
    with v1.variable_scope("inner", use_resource=True):
        w, b = v1.get_variable("w", [3, 3]), v1.get_variable("b", [3])

    def gradient(above: Any, variables: Any = None) -> Any:
        answers = {"w": tf.matmul(x, above, transpose_a=True), "b": tf.reduce_sum(above, 0)}
        return None, [answers[each.op.name.split("/")[-1]] for each in variables]

    return tf.matmul(x, w) + b, gradient


def _accumulated() -> Tuple[Any, List[Any]]:
    """Gradients are added up over two batches, then applied; a custom gradient answers ``None`` to its input."""
    loss = _head_of(_projected(tf.matmul(_batch(), _weights("base/w", 4, 3))))
    optimizer = v1.train.AdagradOptimizer(0.1)
    pairs = [pair for pair in optimizer.compute_gradients(loss) if pair[0] is not None]
    sums = [_weights("sum_%d" % number, *each.shape.as_list(), trainable=False) for number, (_, each) in enumerate(pairs)]
    add = tf.group(*[v1.assign_add(each, gradient) for each, (gradient, _) in zip(sums, pairs)])
    return loss, [add, optimizer.apply_gradients([(each / 2.0, variable) for each, (_, variable) in zip(sums, pairs)])]


def _without_gates() -> Tuple[Any, List[Any]]:
    """A gradient function of the user's answers ``None``; ``tf.gradients`` does not gate what it returns."""
    name = "GraphcutTest/NoGradientOfSign"
    _register_none(name)
    x = _batch()
    with tf.compat.v1.get_default_graph().gradient_override_map({"Sign": name}):
        signs = tf.sign(tf.matmul(x, _weights("base/w", 4, 3)))
    loss = _head_of(signs + tf.matmul(x, _weights("side/w", 4, 3)))
    variables = v1.trainable_variables()
    pairs = zip(v1.gradients(loss, variables), variables)
    return loss, [v1.train.GradientDescentOptimizer(0.1).apply_gradients(pairs)]


@functools.lru_cache(maxsize=None)
def _register_none(name: str) -> None:
    tf.RegisterGradient(name)(lambda op, above: None)


def _newton() -> Tuple[Any, List[Any]]:
    """Newton's method: the Hessian differentiates the gradient, and only serves the one loss."""
    w = _weights("w", 3)
    loss = tf.add(tf.reduce_mean(tf.square(tf.reduce_sum(_batch(3) * w, 1) - 1.0)), 0.1 * tf.reduce_sum(w**2), name="loss")
    gradient, curvature = v1.gradients(loss, w)[0], v1.hessians(loss, w)[0]
    return loss, [v1.assign_sub(w, tf.squeeze(tf.linalg.solve(curvature, gradient[:, None]), 1))]


def _product_with_the_hessian() -> Tuple[Any, List[Any]]:
    """The loss holds the step of another one without its gradients, as first-order MAML does; its curvature is fetched."""
    w, x = _weights("w", 4, 2), _batch()
    inner = tf.reduce_mean(tf.square(tf.matmul(x, w)), name="inner")
    loss = tf.reduce_mean(tf.square(tf.matmul(x, w - 0.1 * tf.stop_gradient(v1.gradients(inner, w)[0])) - 1.0), name="loss")
    v1.gradients(tf.reduce_sum(v1.gradients(loss, w)[0] * 0.5), w)
    return loss, []


def _regularized() -> Tuple[Any, List[Any]]:
    """Keras sums the penalties, each of which it adds to a constant 0."""
    loss = _head_of(tf.matmul(_batch(), _weights("base/w", 4, 3)))
    penalties = [0.0 + 0.01 * tf.reduce_sum(tf.square(each)) for each in v1.trainable_variables()]
    total = tf.add(1.0 * loss, tf.add_n(penalties), name="total")
    return total, [v1.train.GradientDescentOptimizer(0.1).minimize(total)]


def _worker_and_shared() -> Tuple[Any, List[Any]]:
    """The gradients of a worker's copy move the shared weights; another op copies these back."""
    shared, own = _weights("shared/w", 4, 2), _weights("worker/w", 4, 2)
    loss = tf.reduce_mean(tf.square(tf.matmul(_batch(), own)), name="loss")
    v1.assign(own, shared, name="pull")
    gradients, _ = tf.clip_by_global_norm(v1.gradients(loss, [own]), 40.0)
    return loss, [v1.train.RMSPropOptimizer(0.1).apply_gradients(zip(gradients, [shared]))]


def _policy_of_a_critic() -> Tuple[Any, List[Any]]:
    """The gradient of the critic with regard to the action is where the gradient of the policy starts."""
    action = tf.tanh(tf.matmul(_batch(), _weights("policy/w", 4, 3)), name="action")
    value = tf.matmul(action, _weights("critic/w", 3, 1))
    policy = v1.trainable_variables("policy")
    gradients = v1.gradients(action, policy, grad_ys=-v1.gradients(value, action)[0])
    return action, [v1.train.AdamOptimizer(0.1).apply_gradients(zip(gradients, policy))]


def _checkpointed(stopped: bool) -> Tuple[Any, List[Any]]:
    """The gradient of the loss is taken down to a hidden tensor, and from there on by a call of its own."""
    body, head = _weights("body/w", 4, 3), _weights("head/w", 3, 1)
    hidden = tf.tanh(tf.matmul(_batch(), body))
    kept = tf.stop_gradient(hidden) if stopped else tf.identity(hidden)
    loss = tf.reduce_mean(tf.square(tf.matmul(kept, head)), name="loss")
    above, of_head = v1.gradients(loss, [kept, head])
    of_body = v1.gradients(hidden, body, grad_ys=above)[0]
    return loss, [v1.train.AdamOptimizer(0.1).apply_gradients([(of_body, body), (of_head, head)])]


def _elastic() -> Tuple[Any, List[Any]]:
    """How much each weight matters is kept from the gradients of an earlier task, by an op of its own."""
    w, old, kept = _weights("w", 4, 3), _weights("old", 4, 3, trainable=False), _weights("kept", 4, 3, trainable=False)
    scores = tf.nn.log_softmax(tf.matmul(_batch(), w))
    v1.assign_add(kept, tf.square(v1.gradients(tf.reduce_mean(scores[:, 0]), w)[0]))
    loss = tf.subtract(tf.reduce_sum(kept * tf.square(w - old)), tf.reduce_mean(scores[:, 1]), name="loss")
    return loss, [v1.train.GradientDescentOptimizer(0.1).minimize(loss)]


@tf.custom_gradient
def _rounded(x: Any) -> Any:
    return tf.round(x), lambda above: above


@tf.custom_gradient
def _scaled(x: Any, scale: Any) -> Any:
    return x * scale, lambda above: (above * scale, None)


def _straight_through() -> Tuple[Any, List[Any]]:
    """An op that passes its gradient unchanged comes before one that answers ``None`` for the scale."""
    hidden = _rounded(tf.matmul(_batch(), _weights("base/w", 4, 3)))
    loss = _head_of(_scaled(hidden, _weights("scale", 3)))
    return loss, [v1.train.AdamOptimizer(0.1).minimize(loss)]


PROGRAMS: Dict[str, Callable[[], Tuple[Any, List[Any]]]] = {
    "fine-tuned": lambda: _fine_tuned(True),
    "fine-tuned references": lambda: _fine_tuned(False),
    "centers": _centers,
    "accumulated": _accumulated,
    "without gates": _without_gates,
    "newton": _newton,
    "product with the hessian": _product_with_the_hessian,
    "regularized": _regularized,
    "worker and shared weights": _worker_and_shared,
    "policy of a critic": _policy_of_a_critic,
    "checkpointed": lambda: _checkpointed(False),
    "checkpointed behind a stop": lambda: _checkpointed(True),
    "elastic": _elastic,
    "straight-through": _straight_through,
}
