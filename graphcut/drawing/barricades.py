"""Where the barriers stand and which branches bind, as edges of the DAG from consumer to producer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Tuple

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


def barred_edges(facts: Facts) -> Dict[Edge, List[Barricade]]:
    """The edges that no gradient crosses, each with its barriers: those in cuts, then the user's stops in no cut.

    Zeros that TensorFlow makes up belong to a whole call or loop, whose node has no data edges: there the edge leads
    from a live op of the call straight to the variable, and is none of the DAG's.
    """
    edges: Dict[Edge, List[Barricade]] = {}
    for edge, barricade in dict.fromkeys(_standing(facts)):
        edges.setdefault(edge, []).append(barricade)
    return edges


def _standing(facts: Facts) -> Iterator[Tuple[Edge, Barricade]]:
    drawn = set()
    for variable in facts.variables:
        for cut in variable.cut:
            drawn.add(cut.op)
            edge = _edge(facts, cut.op, cut.input, cut.barrier) or _edge_round(facts, cut.op, variable_op(variable))
            if edge:
                yield edge, Barricade(cut.op, cut.input, cut.barrier, cut.where)
    for stop in facts.stops:
        edge = _edge(facts, stop.op, 0, Barrier.STOP_GRADIENT)
        if edge and stop.op not in drawn and not stop.library:
            yield edge, Barricade(stop.op, 0, Barrier.STOP_GRADIENT, stop.where, stop.role)


def _edge(facts: Facts, op: str, index: int, barrier: Barrier) -> Optional[Edge]:
    inputs = facts.graph.nodes[op].get("inputs", ()) if op in facts.graph else ()
    known = 0 <= index < len(inputs) and barrier is not Barrier.ZERO_FILLED
    return (op, op_of(inputs[index])) if known else None


def _edge_round(facts: Facts, call: str, variable: str) -> Optional[Edge]:
    """From the first live result of a call, the first live op beside a ``LoopCond``, or the loss."""
    live = [op for op in facts.graph if op in facts.carrying]
    starts = (f"{call}{SEPARATOR}result", call + SEPARATOR, call[: call.rfind("/") + 1] or call)
    found = [op for start in starts for op in live if op.startswith(start)] + [op_of(loss) for loss in facts.loss]
    return (found[0], variable) if found[0] in facts.graph and variable in facts.graph else None


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
