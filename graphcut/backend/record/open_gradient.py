"""The graph in which a step took a gradient, as it was just before; with what leads to it in the graphs around it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Tuple

from graphcut.analysis.tape_record import Gradient
from graphcut.backend.live import function_graphs
from graphcut.backend.live.trace import described, of_bytes
from graphcut.backend.live.variable_objects import handle_of
from graphcut.backend.record import eager_graph
from graphcut.backend.record.escaped_values import left
from graphcut.graph.metadata import Origin


def opened(taken: Gradient) -> Tuple[Any, Origin]:
    """The ``Graph`` message and the origin."""
    if isinstance(taken.graph, eager_graph.EagerGraph):
        return eager_graph.opened(taken)
    own = {id(each.facts.objects[0]): each.facts for each in taken.sources if each.is_variable}
    known = {id(variable) for facts in own.values() for variable in facts.objects}
    others = [each for each in getattr(taken.graph, "variables", ()) if id(each) not in known]
    facts = [described(each, tuple(filter(None, [taken.inside.get(id(handle_of(each)))]))) for each in others]
    label = "%s at %s" % (taken.api, taken.where)
    message, origin = of_bytes(taken.graph, taken.message, label, {}, (*own.values(), *facts))
    origin = replace(origin, owner=taken.owner)
    if taken.reads:
        origin = replace(origin, left=left(function_graphs.graphs(taken.graph), taken.reads))
    if not taken.places:
        return message, origin
    graphs = {**function_graphs.graphs(taken.around[-1][0]), **function_graphs.graphs(taken.graph), None: _Whole(taken)}
    where, shapes, operation = (
        function_graphs.Where(graphs),
        function_graphs.Shapes(graphs),
        function_graphs.Operations(graphs),
    )
    return message, replace(origin, where=where, shapes=shapes, operation=operation)


class _Whole:
    """Finds an op of the body, or of the graphs around it, by its name in the whole."""

    def __init__(self, taken: Gradient) -> None:
        self._taken = taken

    def get_operation_by_name(self, name: str) -> Any:
        graph, own = self._taken.places.get(name, (self._taken.graph, name))
        return graph.get_operation_by_name(own)
