"""Define subjects and models: a *subject* is one loss of one model, in the form passed to graphcut, with its variables.

A *model* builds its subjects on request, and lists the packages that it needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Callable, Mapping, Optional, Tuple

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1
VERSION = tuple(int(part) for part in tf.__version__.split(".")[:2])


@dataclass(frozen=True)
class Subject:
    """One loss of one model.

    Args:
        source: a callable, with ``specs`` for its arguments, or a ``tf.Graph``.
        variables: all of the model's variables, trainable or not.
        loss: the loss tensor in a graph; a callable returns its loss.
        specs: ``tf.TensorSpec`` of the callable's arguments.
        below: integers that are fed are at least 0 and less than this.
        stop: the file of the one ``tf.stop_gradient`` that was put in, where that is known.
    """

    source: Any
    variables: Tuple[Any, ...]
    loss: Any = None
    specs: Tuple[Any, ...] = ()
    below: int = 2
    stop: Optional[str] = None

    @property
    def is_graph(self) -> bool:
        """Is this a placeholder graph, to be run in a session?"""
        return isinstance(self.source, tf.Graph)


@dataclass(frozen=True)
class Model:
    """A named model of a package: ``build`` gives its subjects by the names of their losses."""

    name: str
    build: Callable[[], Mapping[str, Subject]]
    package: str = "keras"
    needs: Tuple[str, ...] = ()
    since: Tuple[int, int] = (1, 15)
    until: Tuple[int, int] = (99, 0)

    def reason_to_skip(self) -> Optional[str]:
        """Why this environment cannot build it, or ``None``."""
        missing = [name for name in self.needs if find_spec(name) is None]
        if missing:
            return "%s is not installed" % missing[0]
        return None if self.since <= VERSION <= self.until else "not for TensorFlow %d.%d" % VERSION


def random_value(dtype: Any, shape: Any, below: int, generator: Any) -> Any:
    """A value to feed; dimensions that nobody knows are 2."""
    dims = [2 if size is None else size for size in (tf.TensorShape(shape).as_list() if shape.ndims is not None else [])]
    dtype = tf.as_dtype(dtype).base_dtype
    if dtype.is_integer:
        return generator.randint(0, below, size=dims).astype(dtype.as_numpy_dtype)
    if dtype == tf.bool:
        return np.asarray(generator.rand(*dims) > 0.5)
    return np.asarray(generator.normal(size=dims)).astype(dtype.as_numpy_dtype)


def moved(value: Any, generator: Any) -> Any:
    """A variable's value near the one given: no symmetry is left, and a positive one stays positive."""
    value = np.asarray(value)
    if not np.issubdtype(value.dtype, np.floating):
        return value
    noise = generator.normal(size=(2,) + value.shape)
    return (value * (1 + 0.1 * noise[0]) + 0.01 * noise[1]).astype(value.dtype)
