"""Training graphs as people save them: a model, a way to train it, an optimizer; with what TensorFlow answered.

A recipe builds one graph of its own by the calls of TensorFlow 1, under every TensorFlow. What is recorded is what the
graph's own training did: the loss that was differentiated, for each variable asked for whether a gradient came back, and
the variables that the training ops write.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, FrozenSet, List, Sequence, Tuple

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1

OPTIMIZERS: Dict[str, Callable[[], Any]] = {
    "sgd": lambda: v1.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: v1.train.MomentumOptimizer(0.1, 0.9),
    "adam": lambda: v1.train.AdamOptimizer(0.1),
    "adagrad": lambda: v1.train.AdagradOptimizer(0.1),
    "rmsprop": lambda: v1.train.RMSPropOptimizer(0.1),
    "ftrl": lambda: v1.train.FtrlOptimizer(0.1),
}


@dataclass(frozen=True)
class Record:
    """A training graph. ``answers`` tells for each variable that was asked for whether TensorFlow gave a tensor,
    ``written`` names the trainable variables that the training ops write."""

    graph: Any
    losses: Tuple[str, ...]
    answers: Dict[str, bool]
    written: FrozenSet[str]


@dataclass(frozen=True)
class Recipe:
    """What is built: the model, the way of training, the optimizer, resource variables or references, v2 control flow."""

    model: str
    way: str = "minimize"
    optimizer: str = "sgd"
    resource: bool = True
    control_v2: bool = False

    @property
    def name(self) -> str:
        kinds = ("resource" if self.resource else "ref") + ("-v2" if self.control_v2 else "")
        return "-".join((self.model, self.way, self.optimizer, kinds))


@dataclass
class Build:
    """The graph while it is built: its batch, and what the training did."""

    resource: bool
    answers: Dict[str, bool] = field(default_factory=dict)
    written: List[str] = field(default_factory=list)

    def variable(self, name: str, *shape: int) -> Any:
        values = np.random.RandomState(len(name)).normal(size=shape).astype(np.float32)
        return v1.get_variable(name, initializer=values, use_resource=self.resource)

    def batch(self, size: int = 4) -> Any:
        return v1.placeholder(tf.float32, [None, size], "x")

    def note(self, pairs: Sequence[Tuple[Any, Any]]) -> None:
        """Remember what TensorFlow answered, as pairs of gradient and variable."""
        for gradient, variable in pairs:
            self.answers[variable.op.name] = self.answers.get(variable.op.name, False) or gradient is not None

    def note_written(self, pairs: Sequence[Tuple[Any, Any]]) -> None:
        self.written += [variable.op.name for gradient, variable in pairs if gradient is not None]


def build(recipe: Recipe) -> Record:
    """The graph of a recipe."""
    with control_flow(recipe.control_v2), tf.Graph().as_default() as graph:
        made = Build(recipe.resource)
        loss = MODELS[recipe.model](made)
        WAYS[recipe.way](made, loss, OPTIMIZERS[recipe.optimizer])
    return Record(graph, (loss.name,), made.answers, frozenset(made.written))


@contextlib.contextmanager
def control_flow(second: bool):
    """Build v2 control flow, or v1."""
    before = v1.control_flow_v2_enabled()
    (v1.enable_control_flow_v2 if second else v1.disable_control_flow_v2)()
    yield
    (v1.enable_control_flow_v2 if before else v1.disable_control_flow_v2)()


# --- models: the loss of a network --------------------------------------------------------------------------------


def _mean_square(value: Any) -> Any:
    return tf.reduce_mean(tf.square(value), name="total_loss")


def _dense(made: Build, activation: Callable[[Any], Any]) -> Any:
    hidden = activation(tf.matmul(made.batch(), made.variable("hidden/w", 4, 3)) + made.variable("hidden/b", 3))
    return _mean_square(tf.matmul(hidden, made.variable("head/w", 3, 2)))


def _embedded(made: Build, activation: Callable[[Any], Any]) -> Any:
    ids = v1.placeholder(tf.int32, [None], "ids")
    rows = tf.nn.embedding_lookup(made.variable("table", 7, 3), ids)
    return _mean_square(tf.matmul(activation(rows), made.variable("head/w", 3, 2)))


def _partitioned(made: Build, activation: Callable[[Any], Any]) -> Any:
    with v1.variable_scope("parts", partitioner=v1.fixed_size_partitioner(2)):
        whole = v1.get_variable("w", [4, 3], use_resource=made.resource)
    hidden = activation(tf.matmul(made.batch(), tf.convert_to_tensor(whole)))
    return _mean_square(tf.matmul(hidden, made.variable("head/w", 3, 2)))


def _two_arguments(first: str, second: str) -> Callable[[Build], Any]:
    """Two towers that a custom gradient of two arguments joins; each argument is answered as its word says."""

    def loss(made: Build) -> Any:
        x = made.batch()
        left = tf.matmul(x, made.variable("left/w", 4, 3))
        right = tf.tanh(tf.matmul(x, made.variable("right/w", 4, 3)))
        return _mean_square(_joined(first, second)(left, right))

    return loss


_PLACED = {
    "tensor": lambda gradient, other, own: gradient * other,
    "passed": lambda gradient, other, own: gradient,
    "zeros": lambda gradient, other, own: tf.zeros_like(own),
    "none": lambda gradient, other, own: None,
}


def _joined(first: str, second: str) -> Callable[[Any, Any], Any]:
    @tf.custom_gradient
    def joined(a: Any, b: Any) -> Any:
        return a * b, lambda gradient: (_PLACED[first](gradient, b, a), _PLACED[second](gradient, a, b))

    return joined


def _variables_joined(made: Build) -> Any:
    """The arguments of a custom gradient are variables, the second without a gradient."""
    joined = _joined("tensor", "none")(made.variable("left/w", 4, 3), made.variable("right/w", 4, 3))
    return _mean_square(tf.matmul(made.batch(), joined))


def _embeddings_joined(made: Build) -> Any:
    ids = v1.placeholder(tf.int32, [None], "ids")
    left = tf.nn.embedding_lookup(made.variable("left/table", 7, 3), ids)
    right = tf.nn.embedding_lookup(made.variable("right/table", 7, 3), ids)
    return _mean_square(_joined("tensor", "none")(left, right))


def _two_results(made: Build) -> Any:
    """A custom gradient of one argument and two results, of which the loss reads the first."""

    @tf.custom_gradient
    def split(a: Any) -> Any:
        return (tf.sin(a), tf.cos(a)), lambda one, other: one * tf.cos(a) - other * tf.sin(a)

    hidden, _ = split(tf.matmul(made.batch(), made.variable("hidden/w", 4, 3)))
    return _mean_square(tf.matmul(hidden, made.variable("head/w", 3, 2)))


def _clipped_inside(made: Build) -> Any:
    """A custom gradient beside a route around it: a clip of the gradient, and a skip connection."""

    @tf.custom_gradient
    def clipped(a: Any) -> Any:
        return tf.identity(a), lambda gradient: tf.clip_by_value(gradient, -1.0, 1.0)

    hidden = tf.matmul(made.batch(), made.variable("hidden/w", 4, 3))
    return _mean_square(tf.matmul(clipped(hidden) + hidden, made.variable("head/w", 3, 2)))


def _looped(made: Build, activation: Callable[[Any], Any]) -> Any:
    w = made.variable("hidden/w", 4, 4)
    state = tf.while_loop(
        lambda count, state: count < 3,
        lambda count, state: (count + 1, activation(tf.matmul(state, w))),
        [tf.constant(0), tf.matmul(made.batch(), made.variable("first/w", 4, 4))],
    )[1]
    return _mean_square(tf.matmul(state, made.variable("head/w", 4, 2)))


def _branched(made: Build, activation: Callable[[Any], Any]) -> Any:
    hidden = tf.matmul(made.batch(), made.variable("hidden/w", 4, 3))
    hidden = tf.cond(tf.reduce_sum(hidden) > 0.0, lambda: activation(hidden), lambda: hidden * 0.5)
    return _mean_square(tf.matmul(hidden, made.variable("head/w", 3, 2)))


def _called(made: Build, activation: Callable[[Any], Any]) -> Any:
    return _dense(made, tf.function(activation, autograph=False))


def _stopped(made: Build) -> Any:
    """One tower behind a stop, one behind swish."""
    x = made.batch()
    left = tf.stop_gradient(tf.matmul(x, made.variable("left/w", 4, 3)))
    return _mean_square(left - tf.nn.swish(tf.matmul(x, made.variable("right/w", 4, 3))))


def _dropout(value: Any) -> Any:
    return v1.nn.dropout(tf.nn.swish(value), rate=0.3)


def _gelu(value: Any) -> Any:
    return tf.nn.gelu(value) if hasattr(tf.nn, "gelu") else 0.5 * value * (1.0 + tf.math.erf(value / np.sqrt(2.0)))


def _recomputed(value: Any) -> Any:
    with v1.variable_scope(v1.get_variable_scope(), use_resource=True):
        return tf.recompute_grad(lambda inner: tf.sin(inner) * inner)(value)


ANSWERS = tuple(_PLACED)
MODELS: Dict[str, Callable[[Build], Any]] = {
    "plain": lambda made: _dense(made, tf.nn.relu),
    "swish": lambda made: _dense(made, tf.nn.swish),
    "gelu": lambda made: _dense(made, _gelu),
    "dropout": lambda made: _dense(made, _dropout),
    "recomputed": lambda made: _dense(made, _recomputed),
    "embedded": lambda made: _embedded(made, tf.nn.relu),
    "embedded swish": lambda made: _embedded(made, tf.nn.swish),
    "partitioned": lambda made: _partitioned(made, tf.nn.swish),
    "looped": lambda made: _looped(made, tf.nn.relu),
    "looped swish": lambda made: _looped(made, tf.nn.swish),
    "branched": lambda made: _branched(made, tf.nn.relu),
    "branched swish": lambda made: _branched(made, tf.nn.swish),
    "called swish": lambda made: _called(made, tf.nn.swish),
    "stopped": _stopped,
    "variables joined": _variables_joined,
    "embeddings joined": _embeddings_joined,
    "two results": _two_results,
    "clipped inside": _clipped_inside,
}
MODELS.update({"joined %s %s" % (one, other): _two_arguments(one, other) for one in ANSWERS for other in ANSWERS})


# --- ways of training ----------------------------------------------------------------------------------------------


def _minimize(made: Build, loss: Any, optimizer: Callable[[], Any]) -> None:
    trained = optimizer()
    _apply(made, trained, trained.compute_gradients(loss))


def _apply(made: Build, optimizer: Any, pairs: Sequence[Tuple[Any, Any]]) -> None:
    made.note(pairs)
    made.note_written(pairs)
    if any(gradient is not None for gradient, _ in pairs):
        optimizer.apply_gradients(pairs)


def _clipped(made: Build, loss: Any, optimizer: Callable[[], Any]) -> None:
    trained = optimizer()
    gradients, variables = zip(*trained.compute_gradients(loss))
    made.note(tuple(zip(gradients, variables)))
    clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
    _apply(made, trained, tuple(zip(clipped, variables)))


def _clipped_each(made: Build, loss: Any, optimizer: Callable[[], Any]) -> None:
    trained = optimizer()
    pairs = trained.compute_gradients(loss)
    made.note(pairs)
    clipped = [(each if each is None else tf.clip_by_norm(each, 1.0), variable) for each, variable in pairs]
    _apply(made, trained, clipped)


def _of_gradients(made: Build, loss: Any, optimizer: Callable[[], Any]) -> None:
    """``tf.gradients``, which does not gate, then ``apply_gradients``."""
    variables = v1.trainable_variables()
    clipped, _ = tf.clip_by_global_norm(v1.gradients(loss, variables), 5.0)
    _apply(made, optimizer(), tuple(zip(clipped, variables)))


def _taken(made: Build, loss: Any) -> List[Tuple[Any, Any]]:
    variables = v1.trainable_variables()
    pairs = list(zip(v1.gradients(loss, variables), variables))
    made.note(pairs)
    return [(gradient, variable) for gradient, variable in pairs if gradient is not None]


def _flattened(made: Build, loss: Any, optimizer: Callable[[], Any]) -> None:
    """Concatenate all gradients into one vector, as optimizers written in Python expect them."""
    tf.concat([tf.reshape(tf.convert_to_tensor(gradient), [-1]) for gradient, _ in _taken(made, loss)], 0, name="flat")


def _fetched(made: Build, loss: Any, optimizer: Callable[[], Any]) -> None:
    """The gradients alone."""
    _taken(made, loss)


def _by_hand(made: Build, loss: Any, optimizer: Callable[[], Any]) -> None:
    pairs = _taken(made, loss)
    made.note_written(pairs)
    steps = [v1.assign_sub(variable, 0.1 * tf.convert_to_tensor(gradient)) for gradient, variable in pairs]
    tf.group(*steps, name="train")


def _logged(made: Build, loss: Any, optimizer: Callable[[], Any]) -> None:
    """Losses and gradients go to the log."""
    v1.summary.scalar("loss", loss)
    trained = optimizer()
    pairs = trained.compute_gradients(loss)
    for gradient, variable in pairs:
        if gradient is not None:
            v1.summary.histogram(variable.op.name, tf.convert_to_tensor(gradient))
    _apply(made, trained, pairs)


def _averaged(made: Build, loss: Any, optimizer: Callable[[], Any]) -> None:
    """A moving average of the weights beside the optimizer's own update."""
    _minimize(made, loss, optimizer)
    v1.train.ExponentialMovingAverage(0.9).apply(v1.trainable_variables())


def _head_only(made: Build, loss: Any, optimizer: Callable[[], Any]) -> None:
    """Train one variable only; nothing is recorded about the others."""
    trained = optimizer()
    _apply(made, trained, trained.compute_gradients(loss, var_list=v1.trainable_variables()[-1:]))


WAYS: Dict[str, Callable[[Build, Any, Callable[[], Any]], None]] = {
    "minimize": _minimize,
    "clipped": _clipped,
    "clipped each": _clipped_each,
    "of gradients": _of_gradients,
    "flattened": _flattened,
    "fetched": _fetched,
    "by hand": _by_hand,
    "logged": _logged,
    "averaged": _averaged,
    "head only": _head_only,
}


def recipes() -> Tuple[Recipe, ...]:
    """Every recipe, each once."""
    listed = [Recipe(model, resource=resource) for model in MODELS for resource in (True, False)]
    for model in ("plain", "swish", "embedded swish"):
        listed += [Recipe(model, "minimize", optimizer, resource) for optimizer in OPTIMIZERS for resource in (True, False)]
    for model in ("swish", "embedded swish", "joined tensor none", "joined zeros tensor", "branched swish"):
        listed += [Recipe(model, way, "adam") for way in WAYS]
    looped = [model for model in MODELS if model.startswith(("looped", "branched", "called"))]
    listed += [Recipe(model, way, "adam", control_v2=True) for model in looped for way in ("minimize", "of gradients")]
    return tuple(dict.fromkeys(listed))
