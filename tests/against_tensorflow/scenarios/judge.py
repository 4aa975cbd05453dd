"""Compare the answer of the installed TensorFlow for a fixture with graphcut's audit."""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from fixtures.asking import audit
from graphcut import Verdict

v1 = tf.compat.v1
POINTS = 3
# Otherwise Keras 3 collects the garbage of the whole process for each fixture.
LEAVE_GARBAGE = {"free_memory": False} if getattr(tf.keras, "__version__", "2").startswith("3") else {}
ALLOWED = {
    "raises": {Verdict.RAISES},
    "none": {Verdict.NONE},
    "zeros": {Verdict.ZERO, Verdict.CONDITIONAL, Verdict.FLOWS},
    "gradient": {Verdict.CONDITIONAL, Verdict.FLOWS},
}


class Said:
    """The audit of a fixture, its rows by the fixture's short names."""

    def __init__(self, fixture):
        tf.keras.backend.clear_session(**LEAVE_GARBAGE)  # Keras numbers the names that it gives
        self.asked = fixture()
        self.audit = audit(self.asked)

    def __getitem__(self, name):
        return self.audit[self.asked.keys[name]]

    def verdict(self, name):
        return self[name].verdict

    def first(self, name):
        """The barrier of a variable's cut that is named first."""
        return self[name].cut[0]

    def stop(self, name=None):
        """The stop of that name, or the only one."""
        (found,) = [each for each in self.audit.stops if name in (None, each.op)]
        return found


@functools.lru_cache(maxsize=None)
def said(fixture):
    """The audit of a fixture, made once."""
    return Said(fixture)


@functools.lru_cache(maxsize=None)
def answer(fixture, name):
    """Return what ``tf.gradients`` gives in a new copy of a fixture: ``none``, ``raises``, ``zeros`` or ``gradient``."""
    asked = fixture()
    return _inside(asked, name) if asked.is_function else _in_graph(asked, name)


def gradient(loss, variable):
    """Return the tensor that ``tf.gradients`` answers; if it answers none, return the word for its answer."""
    try:
        parts = v1.gradients(loss, list(variable) if hasattr(variable, "_variable_list") else [_plain(variable)])
    except (LookupError, TypeError, ValueError) as error:
        return "raises", error
    found = next((each for each in parts if each is not None), None)
    return ("none" if found is None else None), getattr(found, "values", found)


def _plain(variable):
    """The variable of TensorFlow inside of a Keras 3 variable."""
    inner = getattr(variable, "value", None)
    return inner if isinstance(inner, tf.Variable) else variable


def _in_graph(asked, name):
    graph = asked.loss.graph
    with graph.as_default():
        known, found = gradient(asked.loss, asked.variables[name])
    inputs = [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]
    return known or _of(_run(graph, found, dict(zip(inputs, point))) for point in _points(inputs))


def _inside(asked, name):
    """The answer inside of a function that calls the loss."""
    known = []

    def body(*inputs):
        kind, found = gradient(asked.loss(*inputs), asked.variables[name])
        known.append(kind)
        return tf.constant(0.0) if kind else found

    if tf.executing_eagerly():
        concrete = tf.function(body, autograph=False).get_concrete_function(*asked.inputs)
        return known[-1] or _of(concrete(*map(tf.constant, point)).numpy() for point in _points(asked.inputs))
    graph = next(iter(asked.variables.values())).graph
    with graph.as_default():
        concrete = tf.function(body, autograph=False).get_concrete_function(*asked.inputs)
        called = [concrete(*map(tf.constant, point)) for point in _points(asked.inputs)] if not known[-1] else ()
    return known[-1] or _of(_run(graph, tensor, {}) for tensor in called)


def _run(graph, tensor, feeds):
    with graph.as_default(), v1.Session(graph=graph) as session:
        session.run([v1.global_variables_initializer(), v1.local_variables_initializer()])
        return session.run(tensor, feeds)


def _of(values):
    return "gradient" if any(bool(np.any(value)) for value in values) else "zeros"


def _points(inputs):
    """Return random values for each input; each boolean is true once and false once."""
    for point in range(POINTS):
        random = np.random.RandomState(point)
        yield [_value(random, point, each.dtype, each.shape.as_list()) for each in inputs]


def _value(random, point, dtype, shape):
    if dtype == tf.bool:
        return np.full(shape, point % 2 == 0)
    if dtype.is_integer:
        return random.randint(0, 3, shape).astype(dtype.as_numpy_dtype)
    return np.asarray(random.uniform(0.1, 2.0, shape), dtype.as_numpy_dtype)
