"""Put stops after a Keras layer: find the layer whose output a tensor is, and the edits that put a stop after it.

Keras does not record which line of code built a layer of a functional or sequential model. So the layer is found by its name:
in the graph as a scope whose inner ops nothing outside reads, in the source as the call that names it, ``Dense(8,
name="hidden")(x)``. For a layer that Keras named after its class, every call of that class is tried, and an audit of the
edited source decides.
"""

from __future__ import annotations

import ast
import re
from typing import Any, Callable, FrozenSet, Iterator, Optional

from graphcut.analysis.graph_edits import readers_of
from graphcut.api.suggest.confirm import Edit
from graphcut.api.suggest.source_edit import Replacement, Source, function_name
from graphcut.graph.flat import SEPARATOR
from graphcut.graph.loaded import LoadedGraph

_DEEPEST = 8


def layer_names(traced: LoadedGraph, source: Any) -> FrozenSet[str]:
    """Return the candidate names of layers: the scopes of the variables, and the layers of the model itself."""
    scopes = {part for each in traced.variables for part in each.name.split("/")[:-1]}
    return frozenset(scopes).union(_names_inside(source, _DEEPEST))


def _names_inside(model: Any, depth: int) -> Iterator[str]:
    layers = getattr(model, "layers", None)
    for each in layers if isinstance(layers, list) and depth else ():
        if isinstance(getattr(each, "name", None), str):
            yield each.name
        yield from _names_inside(each, depth - 1)


def layer_of_output(traced: LoadedGraph, tensor: int, names: FrozenSet[str]) -> str:
    """Return the innermost layer whose output a tensor is; empty if it is created inside a layer, or no layer is known."""
    flat, op = traced.flat, traced.flat.producer[tensor]
    readers = readers_of(flat, lambda reader, index: flat.inputs[reader][index] == tensor).get(tensor, ())
    inside = [flat.names[reader] for reader, _ in readers]
    scopes = flat.names[op].split("/")[:-1]
    for depth in range(len(scopes), 0, -1):
        scope = "/".join(scopes[:depth]) + "/"
        if any(each.startswith(scope) for each in inside):
            return ""
        layer = _layer_of_scope(scopes[depth - 1].rpartition(SEPARATOR)[2], names)
        if layer:
            return layer
    return ""


def layer_around(traced: LoadedGraph, tensor: int, names: FrozenSet[str]) -> str:
    """Return the innermost layer in which a tensor is created; empty if it is an output, or no layer is known."""
    if layer_of_output(traced, tensor, names):
        return ""
    scopes = reversed(traced.flat.names[traced.flat.producer[tensor]].split("/")[:-1])
    return next(filter(None, (_layer_of_scope(each.rpartition(SEPARATOR)[2], names) for each in scopes)), "")


def _layer_of_scope(scope: str, names: FrozenSet[str]) -> str:
    """Return the layer whose scope this is: Keras 3 numbers the scope of each further call, ``hidden_1``."""
    plain = re.sub(r"_[0-9]+$", "", scope)
    return scope if scope in names else plain if plain in names else ""


def stops_after_layer(source: Source, layer: str) -> Iterator[Edit]:
    """Yield the edits of a file that stop the output of a layer, where its code calls, lists or adds that layer.

    The layer is known by its name. Without such code, every layer of its class that has no name is tried.
    """
    stop = _stop_layer(source)
    if stop is not None:
        edits = list(_stops_after(source, stop, lambda made: _is_layer(made, layer)))
        yield from edits or _stops_after(source, stop, lambda made: _is_unnamed(made, layer))


def _stops_after(source: Source, stop: str, is_meant: Callable[[ast.Call], bool]) -> Iterator[Edit]:
    def is_layer(node: ast.AST) -> bool:
        call = source.value_of(node) if isinstance(node, ast.Name) else node
        return isinstance(call, ast.Call) and is_meant(call)

    for node in ast.walk(source.tree):
        parent = next(source.parents(node), None)
        start, end = source.span(node) if isinstance(node, ast.expr) else (0, 0)
        if isinstance(node, ast.Call) and is_layer(node.func):
            yield Edit(source, (Replacement(start, end, f"{stop}({source.of(node)})"),), (node,))
        elif is_layer(node) and isinstance(parent, (ast.List, ast.Tuple)):
            yield Edit(source, (Replacement(start, end, f"{source.of(node)}, {stop}"),), (node,))
        elif is_layer(node) and isinstance(parent, ast.Call):
            yield from _line_behind(source, parent, node, stop)


def _line_behind(source: Source, call: ast.Call, layer: ast.AST, stop: str) -> Iterator[Edit]:
    """Yield the edit that adds a line ``model.add(stop)`` after ``model.add(layer)``."""
    statement = next(source.parents(call), None)
    if function_name(call) == "add" and isinstance(call.func, ast.Attribute) and isinstance(statement, ast.Expr):
        line = "\n" + " " * statement.col_offset + f"{source.of(call.func.value)}.add({stop})"
        behind = source.span(statement)[1]
        yield Edit(source, (Replacement(behind, behind, line),), (layer,))


def _is_layer(call: ast.Call, layer: str) -> bool:
    """Return whether a call creates the layer of a name."""
    names = [each.value for each in call.keywords if each.arg == "name"]
    return any(isinstance(each, ast.Constant) and each.value == layer for each in names)


def _is_unnamed(call: ast.Call, layer: str) -> bool:
    """Return whether a call creates a layer of the class after which Keras named this one: ``Conv2D``, ``conv2d_3``."""
    words = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", function_name(call))).lower()
    return words == re.sub(r"_[0-9]+$", "", layer) and all(each.arg not in ("name", None) for each in call.keywords)


def _stop_layer(source: Source) -> Optional[str]:
    """Return the code of a layer that stops the gradient, with the names that a file imports."""
    if source.tensorflow is not None:
        return f"{source.tensorflow}.keras.layers.Lambda({source.tensorflow}.stop_gradient)"
    return "keras.layers.Lambda(keras.ops.stop_gradient)" if "keras" in source.names else None
