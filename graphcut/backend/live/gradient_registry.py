"""Restore TensorFlow's registry of gradient functions, where ``tf.RegisterGradient`` and ``tf.custom_gradient`` add names."""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from typing import Any, Iterator, List

import tensorflow as tf
from tensorflow.python.framework import ops

from graphcut.backend.live.function_graphs import graphs
from graphcut.backend.live.plain_code import BODIES

REGISTRY: Any = getattr(ops, "gradient_registry", None) or ops._gradient_registry


@contextmanager
def restore_registry() -> Iterator[None]:
    """Drop, at the end of the block, the gradient functions that were registered in it."""
    functions = REGISTRY._registry
    before = frozenset(functions)
    try:
        yield
    finally:
        for name in [each for each in functions if each not in before]:
            del functions[name]


class TracedGradients:
    """The names that the custom gradients of a trace register.

    They are dropped together with this object, which the trace keeps alive. TensorFlow itself keeps such a name forever, and
    its function holds the graph of the trace.
    """

    def __init__(self) -> None:
        """Begin before the trace."""
        self._before, self._names = frozenset(REGISTRY._registry), []  # type: ignore[var-annotated]
        weakref.finalize(self, _drop, self._names).atexit = False

    def find(self, graph: Any) -> None:
        """Find, after the trace, the names in a graph and in its branches and loops.

        Other functions may belong to the user, who may continue to use their traces.
        """
        new = [each for each in list(REGISTRY._registry) if each not in self._before and each.startswith(_CUSTOM)]
        if new:
            bodies = [each for name, each in graphs(graph).items() if name is None or isinstance(each, BODIES)]
            used = {_gradient_name(op) for body in bodies for op in body.get_operations()}
            self._names += [each for each in new if each in used]


_CUSTOM = "CustomGradient-"


def _gradient_name(op: Any) -> str:
    """Return the name of the gradient function that an op asks for, or an empty string."""
    try:
        return tf.compat.as_str(op.get_attr("_gradient_op_type"))
    except ValueError:
        return ""


def _drop(names: List[str]) -> None:
    for each in names:
        REGISTRY._registry.pop(each, None)
