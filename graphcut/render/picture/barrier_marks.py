"""Mark the edges, from consumer to producer, that have a barrier or enter a conditional branch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Dict, FrozenSet, Iterator, List, Optional, Set, Tuple

from graphcut.analysis.idioms import Idiom
from graphcut.graph.dtypes import dtype_name
from graphcut.graph.flat import SEPARATOR, FlatGraph
from graphcut.render.text.advice import COUNTS_RUNS, brief, counts_runs
from graphcut.results import Barrier, BarrierKind, Condition, Role, VariableAudit, Verdict
from graphcut.results.words import is_condition, kind_words

if TYPE_CHECKING:
    from graphcut.render.picture.ops import Ops
    from graphcut.render.protocols import PictureFacts

Edge = Tuple[int, int]
_LOOKED_AT = 20


@dataclass(frozen=True)
class BarrierMark:
    """A barrier on the edge into an op at ``input``; ``role`` is set for a stop that is in no cut.

    ``words`` name the kind, and for an input its number and argument. ``idiom`` names the idiom of a stop, ``advice`` says
    what to do about the barrier, both in a few words.
    """

    op: str
    input: int
    kind: BarrierKind
    where: Optional[str] = None
    role: Optional[Role] = None
    idiom: str = ""
    advice: str = ""
    words: str = ""


def barred_edges(facts: PictureFacts, ops: Ops) -> Dict[Edge, List[BarrierMark]]:
    """Return the edges that no gradient crosses with their barriers: first those in cuts, then the user's other stops.

    Zeros that TensorFlow makes up belong to a whole call or loop, whose node has no data edges. In that case the result has an
    edge that the graph lacks, from a live op of the call straight to the variable. The same holds for a Python call that a
    gradient passes and whose code reads a variable directly.
    """
    edges: Dict[Edge, List[BarrierMark]] = {}
    for edge, mark in dict.fromkeys(_marks_on_edges(facts, ops)):
        edges.setdefault(edge, []).append(mark)
    return edges


def _marks_on_edges(facts: PictureFacts, ops: Ops) -> Iterator[Tuple[Edge, BarrierMark]]:
    drawn, marked, starts = set(), set(), _call_starts(facts, ops)
    conditions = _conditions_of_loops(facts, ops)
    for variable, cut in ((each, cut) for each in facts.variables for cut in each.cut):
        if cut in marked:  # many variables have the same cut
            continue
        drawn.add(cut.op)
        own = _edge(ops, cut.op, cut.input, cut.kind)
        edge = own or _edge_round(ops, starts[cut.op], variable)
        if edge and cut.kind is BarrierKind.PYTHON and edge[1] in facts.passing.get(edge[0], ()):
            edge, own = next(((edge[0], op) for op, each in ops.variables.items() if variable in each), None), None
        if own:
            marked.add(cut)
        if edge:
            mark = cut_mark(facts, ops, cut)
            yield edge, replace(mark, advice=COUNTS_RUNS) if cut in conditions else mark
    moments = _stops_of_moments(ops.flat)
    for stop in facts.stops:
        edge = _edge(ops, stop.op, 0, BarrierKind.STOP_GRADIENT)
        if edge and stop.op not in drawn and not stop.library and edge[0] not in moments:
            role = None if stop.role is Role.CUTS else stop.role  # a cut names a handful of its barriers
            yield edge, BarrierMark(stop.op, 0, BarrierKind.STOP_GRADIENT, stop.where, role)


def _conditions_of_loops(facts: PictureFacts, ops: Ops) -> FrozenSet[Barrier]:
    """Return the barriers of all cuts that are only the condition of a loop: no soft choice stands in for such a barrier."""
    cuts = dict.fromkeys(each.cut for each in facts.variables if each.cut)
    return frozenset(
        barrier for cut in cuts if counts_runs(cut, {each.op: _dtype(ops, each) for each in cut}) for barrier in cut
    )


def _dtype(ops: Ops, cut: Barrier) -> str:
    """Return the dtype of the first output of a barrier's op; empty if it has none."""
    op = ops.numbers.get(cut.op)
    outputs = ops.flat.outputs(op) if op is not None and op < len(ops.flat.names) else ()
    return dtype_name(ops.flat.dtypes[outputs[0]]) if outputs else ""


def cut_mark(facts: PictureFacts, ops: Ops, cut: Barrier) -> BarrierMark:
    """Return the mark for a barrier in a cut, with its idiom and advice."""
    idiom = facts.idioms.get(cut.op, "")
    advice = next((each.brief for each in Idiom if each.label == idiom), None) or brief(cut, _dtype(ops, cut))
    words = "condition" if is_condition(cut) else kind_words(cut)
    return BarrierMark(cut.op, cut.input, cut.kind, cut.where, idiom=idiom, advice=advice, words=words)


def _stops_of_moments(flat: FlatGraph) -> Set[int]:
    """Return the stops that ``tf.nn.moments`` makes, recognized by their neighbours because a file has no stack frames.

    The pattern is ``squared_difference(y, stop_gradient(reduce_mean(y)))``, with no other consumer of the stop
    (``tensorflow/python/ops/nn_impl.py``, ``moments``).
    """
    stops = {op for op in range(len(flat.names)) if flat.type(op) == "StopGradient" and _mean_of(flat, op) is not None}
    readers: Dict[int, List[int]] = {op: [] for op in stops}
    if stops:
        for op, inputs in enumerate(flat.inputs):
            for tensor in inputs:
                if flat.producer[tensor] in stops:
                    readers[flat.producer[tensor]].append(op)
    return {
        stop for stop, each in readers.items() if each and all(_is_deviation(flat, op, _mean_of(flat, stop)) for op in each)
    }


def _mean_of(flat: FlatGraph, stop: int) -> Optional[int]:
    """Return the tensor whose mean is stopped."""
    mean = flat.producer[flat.inputs[stop][0]] if flat.inputs[stop] else None
    return flat.inputs[mean][0] if mean is not None and flat.type(mean) == "Mean" and flat.inputs[mean] else None


def _is_deviation(flat: FlatGraph, op: int, tensor: Optional[int]) -> bool:
    return flat.type(op) == "SquaredDifference" and tensor in flat.inputs[op]


def _edge(ops: Ops, name: str, index: int, barrier: BarrierKind) -> Optional[Edge]:
    op = ops.numbers.get(name)
    inputs = ops.flat.inputs[op] if op is not None else ()
    known = 0 <= index < len(inputs) and barrier is not BarrierKind.ZERO_FILLED
    return (op, ops.flat.producer[inputs[index]]) if op is not None and known else None


def _edge_round(ops: Ops, start: Optional[int], variable: VariableAudit) -> Optional[Edge]:
    end = ops.of_variable(variable)
    return None if start is None or end is None else (start, end)


def _call_starts(facts: PictureFacts, ops: Ops) -> Dict[str, Optional[int]]:
    """Return, for each call or loop that is a barrier as a whole, the op where the line to its variables starts."""
    barriers = dict.fromkeys(each for variable in facts.variables for each in variable.cut)
    calls = dict.fromkeys(each.op for each in barriers if _edge(ops, each.op, each.input, each.kind) is None)
    live = sorted(op for op in facts.passing if op < len(ops.flat.names)) if calls else []
    return {call: _call_start(ops, call, live) for call in calls}


def _call_start(ops: Ops, call: str, live: List[int]) -> Optional[int]:
    """Return a call's first live result, else its first live op, else one in the frame of a ``LoopCond``, else the loss."""
    names = ops.flat.names
    for prefix in (f"{call}{SEPARATOR}result", call + SEPARATOR, call[: call.rfind("/") + 1] or call):
        inside = next((op for op in live if names[op].startswith(prefix)), None)
        if inside is not None:
            return inside
    return min(ops.losses, default=None)


def branch_edges(facts: PictureFacts, ops: Ops) -> Dict[Edge, List[Condition]]:
    """Return the edges on which a gradient enters the only branch that lets it through.

    Paths are long, so only a few of each are tried.
    """
    edges: Dict[Edge, List[Condition]] = {}
    tried: Dict[Tuple[Condition, ...], int] = {}
    for variable in (each for each in facts.variables if each.verdict is Verdict.CONDITIONAL):
        tried[variable.conditions] = tried.get(variable.conditions, 0) + 1
        steps = _steps(ops, variable) if tried[variable.conditions] <= _LOOKED_AT else []
        for condition in variable.conditions if steps else ():
            edge = _branch_edge(ops, steps, condition)
            if condition not in edges.setdefault(edge, []):
                edges[edge].append(condition)
    return edges


def _steps(ops: Ops, variable: VariableAudit) -> List[Edge]:
    path = [ops.numbers[name] for name in variable.path]
    return list(zip(path, path[1:]))


def _branch_edge(ops: Ops, steps: List[Edge], condition: Condition) -> Edge:
    """Return the step that enters the branch; in v1, the step to the op that reads the predicate; else the last step."""
    flat, inside = ops.flat, SEPARATOR.join((condition.op, str(condition.branch), ""))
    entering = (each for each in steps if flat.names[each[1]].startswith(inside) > flat.names[each[0]].startswith(inside))
    reading = (each for each in steps if condition.predicate in map(flat.tensor_name, flat.inputs[each[1]]))
    return next(entering, None) or next(reading, None) or steps[-1]
