"""Define cases and benches: a *case* builds one hard graph, and a *bench* makes its variables and inputs.

A case is a function of one argument, the bench. It builds a TF1-style graph in whatever graph is the default one
and returns the loss (a tensor or a list of them), or the loss and a dict of further targets, or the loss, that
dict and the ``stop_gradients`` of ``tf.gradients``. Every variable of the bench is a target.

The bench knows how each input is fed, at each of the three points where gradients are evaluated. Inside a traced
function it makes variables and placeholders outside, and hands the placeholder in as a captured tensor.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Tuple

import numpy as np
import tensorflow as tf

POINTS = 3
GRAPH_MODES = ("v1", "v2")
MODES = GRAPH_MODES + ("function", "call")
VERSION = tuple(int(part) for part in tf.__version__.split(".")[:2])

v1 = tf.compat.v1


@dataclass(frozen=True)
class Question:
    """One loss, the targets by name, and the ``stop_gradients``."""

    loss: Any
    targets: Mapping[str, Any]
    stops: Tuple[Any, ...] = ()


@dataclass(frozen=True)
class Case:
    """A named graph. ``skip`` gives the reason for each mode that is left out.

    ``crash`` names, for each mode, an error of TensorFlow's own that says nothing about gradients: such an answer is
    counted, not compared. ``expect`` names the verdict that graphcut must give a target where TensorFlow's answer
    leaves a choice: ``"conditional"``, ``("conditional", branch)``, ``"zero"``, ``"flows"``; ``"error"`` alone where
    the audit itself must refuse. ``not_run`` says why the gradients of a case are built, but never run.
    """

    name: str
    build: Callable[[Bench], Any]
    skip: Mapping[str, str] = field(default_factory=dict)
    crash: Mapping[str, str] = field(default_factory=dict)
    expect: Any = field(default_factory=dict)
    not_run: str = ""


@dataclass
class Bench:
    """Makes what a case needs, once each, in the graph outside of every function."""

    feeds: Dict[Any, Callable[[int], Any]] = field(default_factory=OrderedDict)
    variables: Dict[str, Any] = field(default_factory=OrderedDict)
    inputs: Dict[str, Any] = field(default_factory=OrderedDict)
    captured: List[Tuple[Any, Any]] = field(default_factory=list)

    def variable(self, name: str, *shape: int, **kwargs: Any) -> Any:
        """A resource variable; its value at each point is random and reproducible."""
        return self._variable(name, shape, use_resource=True, **kwargs)

    def ref_variable(self, name: str, *shape: int, **kwargs: Any) -> Any:
        """A variable of the old kind, whose tensor is a reference."""
        return self._variable(name, shape, use_resource=False, **kwargs)

    def partitioned(self, name: str, *shape: int) -> Any:
        """A variable in two parts, which are no targets by themselves: a case names them."""
        return self._variable(name, shape, use_resource=True, partitioner=v1.fixed_size_partitioner(2))

    def _variable(self, name: str, shape: Tuple[int, ...], dtype: Any = tf.float32, **kwargs: Any) -> Any:
        if name not in self.variables:
            with tf.init_scope():
                zeros = v1.zeros_initializer()
                self.variables[name] = v1.get_variable(name, shape, dtype, initializer=zeros, **kwargs)
        return self.variables[name]

    def input(self, name: str, *shape: int, dtype: Any = tf.float32, values: Any = None) -> Any:
        """A placeholder; ``values`` are what it is fed at the three points, random by default."""
        dtype = tf.as_dtype(dtype)
        if name not in self.inputs:
            with tf.init_scope():
                self.inputs[name] = v1.placeholder(dtype, shape, name)
            chosen = (lambda point: values[point]) if values is not None else None
            self.feeds[self.inputs[name]] = chosen or (lambda point: random_value(name, shape, dtype, point))
        return self._inside(self.inputs[name])

    def flag(self, name: str, *points: bool) -> Any:
        """A boolean placeholder: true, false, true unless told otherwise."""
        return self.input(name, dtype=tf.bool, values=points or (True, False, True))

    def number(self, name: str, *points: int) -> Any:
        """An int32 placeholder: 0, 1, 2 unless told otherwise."""
        return self.input(name, dtype=tf.int32, values=points or (0, 1, 2))

    def _inside(self, outer: Any) -> Any:
        graph = v1.get_default_graph()
        if outer.graph is graph:
            return outer
        inner = graph.capture(outer)
        self.captured.append((inner, outer))
        return inner

    def outside(self, tensor: Any) -> Any:
        """The placeholder that an inner tensor was captured from, the thing itself where it is outside, else ``None``."""
        if isinstance(tensor, tf.Variable) or not hasattr(tensor, "graph"):
            return tensor
        return next((outer for inner, outer in self.captured if inner is tensor), None)

    def question(self, case: Case) -> Question:
        """Build the case in the default graph; the bench's own variables come first among the targets."""
        built = case.build(self)
        loss, targets, stops = (built if isinstance(built, tuple) else (built,)) + ((), ())[: 3 - width(built)]
        every = OrderedDict(pair for pair in self.variables.items() if not is_partitioned(pair[1]))
        every.update(dict(targets))
        return Question(loss, every, tuple(stops))


def is_partitioned(variable: Any) -> bool:
    """Whether the variable is many in one."""
    return hasattr(variable, "_get_variable_list")


def width(built: Any) -> int:
    """How many of loss, targets and stops a case returned."""
    return len(built) if isinstance(built, tuple) else 1


def random_value(name: str, shape: Tuple[int, ...], dtype: Any, point: int) -> Any:
    """A reproducible value for a variable or an input."""
    generator = np.random.RandomState((zlib.crc32(name.encode()) + 7919 * point) % 2**32)
    if dtype.is_integer:
        return generator.randint(0, 2, size=shape).astype(dtype.as_numpy_dtype)
    if dtype == tf.bool:
        return generator.rand(*shape) > 0.5
    value = generator.normal(size=shape)
    if dtype.is_complex:
        value = value + 1j * generator.normal(size=shape)
    return np.asarray(value).astype(dtype.as_numpy_dtype)
