"""Where the barriers stand and which branches bind, as edges of the DAG from consumer to producer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List, Optional, Tuple

from graphcut.dag import SEPARATOR
from graphcut.terms import Barrier, Condition, Role, VariableAudit, Verdict

if TYPE_CHECKING:
    from graphcut.drawing.facts import Facts

Edge = Tuple[str, str]


@dataclass(frozen=True)
class Barricade:
    """A barrier on the edge into ``op`` at ``input``; ``role`` where it is a stop that is in no cut."""

    op: str
    input: int
    barrier: Barrier
    where: Optional[str] = None
    role: Optional[Role] = None


def op_of(tensor: str) -> str:
    """``a/b`` for ``a/b:0`` and for ``a/b``."""
    name, _, output = tensor.rpartition(":")
    return name if name and output.isdigit() else tensor


def variable_op(variable: VariableAudit) -> str:
    """The op that stands for the variable; a name that is in no graph where the loss's graph has none."""
    return op_of(variable.tensor) if variable.tensor else variable.name


def barricades(facts: Facts) -> Tuple[Barricade, ...]:
    """Every barrier to draw: those in cuts, then stops of the user's own that are in none."""
    cuts = [Barricade(cut.op, cut.input, cut.barrier, cut.where) for each in facts.variables for cut in each.cut]
    drawn = {each.op for each in cuts}
    others = [stop for stop in facts.stops if stop.op not in drawn and not stop.library]
    stops = [Barricade(stop.op, 0, Barrier.STOP_GRADIENT, stop.where, stop.role) for stop in others]
    return tuple(each for each in dict.fromkeys(cuts + stops) if each.op in facts.graph)


def barred_edges(facts: Facts) -> Dict[Edge, List[Barricade]]:
    """The edges that no gradient crosses, each with its barriers."""
    edges: Dict[Edge, List[Barricade]] = {}
    for each in barricades(facts):
        inputs = facts.graph.nodes[each.op].get("inputs", ())
        if 0 <= each.input < len(inputs):
            edges.setdefault((each.op, op_of(inputs[each.input])), []).append(each)
    return edges


def branch_edges(facts: Facts) -> Dict[Edge, List[Condition]]:
    """The edges on which a gradient enters the one branch that lets it through."""
    edges: Dict[Edge, List[Condition]] = {}
    for variable in facts.variables:
        for condition in variable.conditions if variable.verdict is Verdict.CONDITIONAL else ():
            edge = _branch_edge(facts, variable, condition)
            if edge and condition not in edges.setdefault(edge, []):
                edges[edge].append(condition)
    return edges


def _branch_edge(facts: Facts, variable: VariableAudit, condition: Condition) -> Optional[Edge]:
    """Where the path enters the branch; in v1, where it reaches the op that reads the predicate; else its last step."""
    steps = list(zip(variable.path, variable.path[1:]))
    inside = SEPARATOR.join((condition.op, str(condition.branch), ""))
    entering = [step for step in steps if step[1].startswith(inside) and not step[0].startswith(inside)]
    reading = [step for step in steps if condition.predicate in facts.graph.nodes[step[1]].get("inputs", ())]
    found = entering or reading or steps[-1:]
    return found[0] if found else None
