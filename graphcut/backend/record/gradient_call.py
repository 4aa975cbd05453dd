"""A gradient call of a step: its targets and sources, in the graph under construction."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops

from graphcut.analysis.tape_record import Source, Start
from graphcut.backend.live.trace import describe_variable
from graphcut.backend.live.variable_objects import (
    captures,
    components,
    function_variables,
    handle_of,
    is_composite,
    is_symbolic,
    stand_ins,
    variable_of,
)
from graphcut.graph.metadata import Variable

_ZERO = tf.UnconnectedGradients.ZERO


class GradientRequest:
    """A gradient call, before the gradient is taken."""

    def __init__(self, api: str, targets: Any, sources: Any, stops: Any, zeros: Any, starts: Any = None) -> None:
        self.api, self._given = api, tf.nest.flatten(sources)
        self.pairs = [(each, part) for each in self._given for part in components(each)]
        self.targets = [variable_of(each) for each in _parts(targets)]
        self.stops = _parts(stops)
        self.starts = [None] * len(self.targets) if starts is None else _parts(starts)
        self.zeros = zeros is not None and tf.UnconnectedGradients(zeros) is _ZERO

    def graph(self) -> Any:
        """Return the graph of the targets.

        For values and variables, it is the graph under construction, if there is one.
        """
        built = None if tf.executing_eagerly() else ops.get_default_graph()
        return next((each.graph for each in self.targets if _is_of_graph(each)), built)

    def capture(self, graph: Any) -> None:
        """Capture the targets that are variables in the graph, as the gradient call will do."""
        for each in self.targets if hasattr(graph, "capture") else ():
            if isinstance(each, tf.Variable) and handle_of(each).dtype == tf.resource:
                graph.capture(handle_of(each), name=each.name.rpartition(":")[0])

    def has_gradients(self, answer: Any, parts: Sequence[Any]) -> Tuple[bool, ...]:
        """Return, for each source, whether TensorFlow returned a tensor; for a composite tensor, for each component.

        ``parts`` are the gradients that TensorFlow built its answer from.
        """
        flat = tf.nest.flatten(answer)
        if len(flat) != len(self._given):
            flat = list(answer) if isinstance(answer, (list, tuple)) else [answer]
        if len(self.pairs) == len(parts) and any(is_composite(each) for each in self._given):
            flat = list(parts)
        return tuple(each is not None for each in flat)

    def begins(self, name: Callable[[Any], str]) -> Iterator[Tuple[str, Start]]:
        """Yield the names of the targets, each with its initial gradient; ``name`` returns a tensor's name."""
        for target, start in zip(self.targets, self.starts):
            if name(target):
                yield name(target), None if start is None else (_is_of_graph(start) and name(start)) or _is_zero(start)


def _parts(value: Any) -> List[Any]:
    """Return the tensors and variables in a nested structure; for composite tensors, the components with a gradient."""
    return [part for each in tf.nest.flatten(value) for part in components(each)]


def _is_of_graph(start: Any) -> bool:
    return isinstance(start, tf.Tensor) and is_symbolic(start)


def _is_zero(start: Any) -> bool:
    """Return whether a gradient that is passed in as a value is all zeros; false if its value is unknown."""
    dense = getattr(start, "values", start)
    value = tf.get_static_value(dense) if _is_of_graph(dense) else np.asarray(dense)
    return value is not None and not np.any(value)


def sources(pairs: Sequence[Tuple[Any, Any]], graph: Any, inside: Dict[int, str]) -> Iterator[Source]:
    """Yield the sources, each as the object that the step named and the tensor or variable whose gradient is taken."""
    handles = _handles(graph) if any(_is_handle(each) for _, each in pairs) else {}
    for index, (whole, each) in enumerate(pairs):
        variable = handles.get(id(each), each)
        inner = variable_of(variable)
        name = name_in(inner, graph, inside)
        names = (name,) if name else ()
        if isinstance(inner, tf.Variable):
            yield Source(describe_variable(variable, names), True, id(inner), id(handle_of(inner)))
        else:
            shape = None if each.shape.ndims is None else tuple(each.shape.as_list())
            label = name.rpartition(":")[0] or "sources[%d]" % index
            objects = (each,) if whole is each else (whole, each)
            yield Source(Variable(label, names, None, each.dtype.base_dtype.name, shape, objects), False, id(each))


def _is_handle(value: Any) -> bool:
    """Return whether a tensor stands for a variable; the optimizers of TF 1 ask for gradients of such tensors."""
    return isinstance(value, tf.Tensor) and (value.dtype == tf.resource or value.dtype._is_ref_dtype)


def _handles(graph: Any) -> Dict[int, Any]:
    """Return the variables of a graph by the ``id`` of their handles or references."""
    variables = [*graph.get_collection("variables"), *graph.get_collection("trainable_variables")]
    variables += list(function_variables(graph))
    return {id(tensor): each for each in variables if isinstance(each, tf.Variable) for tensor in stand_ins(each)}


def stand_ins_in(graph: Any) -> Dict[int, str]:
    """Map the ``id`` of each tensor that a graph captured to the name of its placeholder."""
    return {id(outer): inner.name for outer, inner in captures(graph)}


def graphs_around(graph: Any, root: Any) -> Iterator[Any]:
    """Yield the enclosing graphs of a graph, innermost first, up to that of the step."""
    while graph is not root and getattr(graph, "outer_graph", None) is not None:
        graph = graph.outer_graph
        yield graph


def name_in(value: Any, graph: Any, inside: Dict[int, str]) -> str:
    """Return the name of the graph's tensor for a tensor or variable; empty if there is none."""
    tensor = handle_of(value) if isinstance(value, tf.Variable) else value
    if isinstance(tensor, tf.Tensor) and is_symbolic(tensor) and tensor.graph is graph:
        return str(tensor.name)
    return inside.get(id(tensor), "")
