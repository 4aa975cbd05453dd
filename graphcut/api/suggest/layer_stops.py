"""Stops behind a Keras layer: the layer that a tensor is the output of, and the edits that put a stop after it.

Keras keeps no line of the code that built a functional or sequential model. So the layer is found by its name: in the graph as
a scope that nothing else reads from inside, in the source as the call that names it, ``Dense(8, name="hidden")(x)``.
"""

from __future__ import annotations

import ast
import re
from typing import Any, FrozenSet, Iterator, Optional

from graphcut.analysis.graph_edits import readers_of
from graphcut.api.suggest.confirm import Edit
from graphcut.api.suggest.source_edit import Replacement, Source
from graphcut.graph.flat import SEPARATOR
from graphcut.graph.loaded import LoadedGraph

_DEEPEST = 8


def layer_names(traced: LoadedGraph, source: Any) -> FrozenSet[str]:
    """Return the names of the layers that may be meant: the scopes of the variables, and the layers of the model itself."""
    scopes = {part for each in traced.variables for part in each.name.split("/")[:-1]}
    return frozenset(scopes).union(_names_inside(source, _DEEPEST))


def _names_inside(model: Any, depth: int) -> Iterator[str]:
    layers = getattr(model, "layers", None)
    for each in layers if isinstance(layers, list) and depth else ():
        if isinstance(getattr(each, "name", None), str):
            yield each.name
        yield from _names_inside(each, depth - 1)


def layer_of_output(traced: LoadedGraph, tensor: int, names: FrozenSet[str]) -> str:
    """Return the innermost layer that a tensor is the output of; empty if it is made inside one, or no layer is known."""
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
    """Return the innermost layer that a tensor is made inside of; empty if it is an output, or no layer is known."""
    if layer_of_output(traced, tensor, names):
        return ""
    scopes = reversed(traced.flat.names[traced.flat.producer[tensor]].split("/")[:-1])
    return next(filter(None, (_layer_of_scope(each.rpartition(SEPARATOR)[2], names) for each in scopes)), "")


def _layer_of_scope(scope: str, names: FrozenSet[str]) -> str:
    """Return the layer whose scope this is: Keras 3 numbers the scope of each further call, ``hidden_1``."""
    plain = re.sub(r"_[0-9]+$", "", scope)
    return scope if scope in names else plain if plain in names else ""


def stops_after_layer(source: Source, layer: str) -> Iterator[Edit]:
    """Yield the edits of a file that stop the output of the layer of a name, where its code calls or lists that layer."""
    stop = _stop_layer(source)
    for node in ast.walk(source.tree) if stop else ():
        text = None
        if isinstance(node, ast.Call) and _is_layer(source, node.func, layer):
            text = f"{stop}({source.of(node)})"
        elif _is_layer(source, node, layer) and isinstance(next(source.parents(node), None), (ast.List, ast.Tuple)):
            text = f"{source.of(node)}, {stop}"
        if text is not None:
            start, end = source.span(node)
            yield Edit(source, (Replacement(start, end, text),), (node,))


def _is_layer(source: Source, node: ast.AST, layer: str) -> bool:
    """Return whether an expression is the layer: the call that makes it, or a name for that."""
    made = source.value_of(node) if isinstance(node, ast.Name) else node
    names = [each.value for each in made.keywords if each.arg == "name"] if isinstance(made, ast.Call) else []
    return any(isinstance(each, ast.Constant) and each.value == layer for each in names)


def _stop_layer(source: Source) -> Optional[str]:
    """Return the code of a layer that stops the gradient, with the names that a file imports."""
    if source.tensorflow is not None:
        return f"{source.tensorflow}.keras.layers.Lambda({source.tensorflow}.stop_gradient)"
    return "keras.layers.Lambda(keras.ops.stop_gradient)" if "keras" in source.names else None
