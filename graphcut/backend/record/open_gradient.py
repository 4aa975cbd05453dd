"""Restore the graph of a step just before it took a gradient, joined with the ops that lead to it in outer graphs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, FrozenSet, Iterator, Sequence, Tuple

import tensorflow as tf

from graphcut.analysis.left_out import StepFacts
from graphcut.analysis.tape_record import GradientCall
from graphcut.backend.live import function_graphs
from graphcut.backend.live.trace import describe_variable, graph_variables, in_order, of_bytes
from graphcut.backend.live.variable_objects import function_variables, handle_of, variable_of
from graphcut.backend.record import eager_graph
from graphcut.backend.record.escaped_values import escaped_value_ops
from graphcut.graph.metadata import GraphMetadata, Variable


def open_gradient(gradient: GradientCall) -> Tuple[Any, GraphMetadata]:
    """Return the ``Graph`` message and the origin."""
    if isinstance(gradient.graph, eager_graph.EagerGraph):
        return eager_graph.open_eager_gradient(gradient)
    own = {id(each.facts.objects[0]): each.facts for each in gradient.sources if each.is_variable}
    own_ids = {id(variable) for facts in own.values() for variable in facts.objects}
    facts = [each for each in _unlisted_variables(gradient) if own_ids.isdisjoint(map(id, each.objects))]
    label = "%s at %s" % (gradient.api, gradient.where)
    message, origin = of_bytes(gradient.graph, gradient.message, label, {}, (*own.values(), *facts))
    origin = replace(origin, owner=gradient.owner)
    if gradient.reads:
        origin = replace(origin, value_holders=escaped_value_ops(function_graphs.graphs(gradient.graph), gradient.reads))
    if not gradient.places:
        return message, origin
    graphs = {
        **function_graphs.graphs(gradient.outer_graphs[-1][0]),
        **function_graphs.graphs(gradient.graph),
        None: _Whole(gradient),
    }
    where, shapes, operation = (
        function_graphs.Where(graphs),
        function_graphs.Shapes(graphs),
        function_graphs.Operations(graphs),
    )
    return message, replace(origin, where=where, shapes=shapes, operation=operation)


def _unlisted_variables(gradient: GradientCall) -> Iterator[Variable]:
    """Yield the variables of the graph that the step's models list."""
    if not hasattr(type(gradient.graph), "variables"):
        yield from graph_variables(gradient.graph)
        return
    for each in in_order(list(function_variables(gradient.graph)), gradient.graph):
        listed, trained = gradient.owned.get(id(each), (each, None))
        yield describe_variable(listed, tuple(filter(None, [gradient.inside.get(id(handle_of(each)))])), trained)


def step_facts(gradient: GradientCall, variables: Sequence[Variable], asked: FrozenSet[int]) -> StepFacts:
    """Return the step's facts about variables; ``asked`` holds the ``id`` of the variables in any of its gradient calls."""
    live = [each.objects[-1] for each in variables if each.objects and isinstance(each.objects[-1], tf.Variable)]
    written = gradient.written
    updated = None if written is None else {id(each) for each in live if {id(each), id(handle_of(each))} & written}
    own = {id(variable) for listed, _ in gradient.owned.values() for variable in (listed, variable_of(listed))}
    untracked = {id(each) for each in live if id(each) not in own} if gradient.of_model else set()
    return StepFacts(None if updated is None else frozenset(updated), asked, frozenset(untracked), gradient.raised)


class _Whole:
    """Find an op of the body, or of outer graphs, by its name in the joined graph."""

    def __init__(self, gradient: GradientCall) -> None:
        self._taken = gradient

    def get_operation_by_name(self, name: str) -> Any:
        graph, own = self._taken.places.get(name, (self._taken.graph, name))
        return graph.get_operation_by_name(own)
