"""Probe the installed TensorFlow once for behavior that differs between versions."""

from __future__ import annotations

from functools import lru_cache
from typing import FrozenSet

import tensorflow as tf
from tensorflow.python.framework import func_graph
from tensorflow.python.ops import cond_v2, gradients_util

from graphcut.analysis.rules import gradient_table
from graphcut.analysis.rules.oracle import TensorFlowBehavior
from graphcut.backend.gradient_oracle.single_op_graph import is_trainable
from graphcut.backend.live.eager_context import is_initialized, soft_placement
from graphcut.backend.live.gradient_registry import restore_registry
from graphcut.graph.dtypes import DTYPES
from graphcut.graph.metadata import GraphMetadata


def tensorflow_behavior(origin: GraphMetadata) -> TensorFlowBehavior:
    """Return TensorFlow's behavior for a graph of that origin."""
    return surroundings().of(origin)


@lru_cache(maxsize=None)
def reads_targets() -> bool:
    """Return whether a tape reads a target that is a variable, and so records it; later versions start at its handle."""
    with tf.Graph().as_default():
        variable = tf.compat.v1.get_variable("w", initializer=1.0, use_resource=True)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            pass
        return tape.gradient(variable, variable) is None


@lru_cache(maxsize=None)
def surroundings() -> TensorFlowBehavior:
    """Return the part of the behavior that the installed TensorFlow determines.

    A version that the gradient table knows is not probed before TensorFlow's context is initialized: the probes call
    functions, which initialize it, and then the user can no longer choose devices and threads.
    """
    if not is_initialized() and tf.__version__ in gradient_table.versions():
        return gradient_table.table_oracle(gradient_table.versions().index(tf.__version__)).surroundings
    return probe()


def probe() -> TensorFlowBehavior:
    """Return that part as the installed TensorFlow shows it."""
    # TensorFlow 1.15 registers a gradient function for each function that is called.
    with soft_placement(), restore_registry():
        return TensorFlowBehavior(
            trainable=trainable_dtypes(),
            inert_counts=_looks_at_elements(),
            fills_branches=_fills_branches(),
            empty_calls_raise=_empty_calls_raise(),
            rebuilds_cases=_rebuilds_cases(),
        )


@lru_cache(maxsize=None)
def trainable_dtypes() -> FrozenSet[int]:
    """Return the dtypes, as numbers, that can carry gradients in TensorFlow."""
    numbers = [number for number in DTYPES if number and exists(number)]
    return frozenset(number for number in numbers if is_trainable(tf.as_dtype(number)))


@lru_cache(maxsize=None)
def exists(number: int) -> bool:
    """Return whether the installed TensorFlow knows a dtype."""
    try:
        return bool(tf.as_dtype(number))
    except TypeError:
        return False


def _looks_at_elements() -> bool:
    """Return whether a variant that holds integers is known not to be trainable (``_DTypeFromTensor``, from TF 2.5 on)."""
    return hasattr(getattr(gradients_util, "backprop_util", None), "_DTypeFromTensor")


def _fills_branches() -> bool:
    """Return whether the gradient of an ``If`` is zeros for an input that no branch connects (``_IfGrad``, TF 1.15)."""
    with tf.Graph().as_default():
        graph = func_graph.FuncGraph("graphcut")
    with graph.as_default():
        x, y = tf.compat.v1.placeholder(tf.float32, []), tf.compat.v1.placeholder(tf.float32, [])
        branch = lambda: x + tf.stop_gradient(y)  # noqa: E731
        result = cond_v2.cond_v2(x > 0, branch, branch, "probe")
        return gradients_util._GradientsHelper([result], [y], src_graph=graph)[0] is not None


def _empty_calls_raise() -> bool:
    """Return whether a function that gives no argument a gradient raises an error (``Num gradients 0``, TF 1.15)."""
    with tf.Graph().as_default():
        x = tf.compat.v1.placeholder(tf.float32, [])
        result = tf.function(tf.stop_gradient)(x)
        try:
            tf.gradients(result, [x])
        except ValueError:
            return True
    return False


def _rebuilds_cases() -> bool:
    """Return whether ``SymbolicGradient`` differentiates functions that are called in a branch of a ``Case``.

    ``SymbolicGradient`` answers zeros if there is no gradient. Up to TensorFlow 2.4, ``_CaseGrad`` rebuilds the branches from
    their ``FunctionDef``.
    """
    if _fills_branches():
        return False
    with tf.Graph().as_default():
        graph = func_graph.FuncGraph("graphcut")
    with graph.as_default():
        x, y = tf.compat.v1.placeholder(tf.float32, []), tf.compat.v1.placeholder(tf.float32, [])
        called = tf.function(lambda a, b: a + tf.stop_gradient(b), autograph=False)
        result = tf.switch_case(tf.cast(x, tf.int32), [lambda: tf.identity(called(x, y)), lambda: tf.identity(x)])
        try:
            return gradients_util._GradientsHelper([result], [y], src_graph=graph)[0] is not None
        except AttributeError:  # TensorFlow 2.1 looks for a gradient function of a call that it no longer knows
            return False
