"""Select the ops and edges that belong in the picture of a cut.

The picture has the loss, the audited variables and the *live* routes, on which a gradient passes every edge. For each barrier
it has the *lost* route, on which a gradient arrives from the loss and ends, and the data routes *behind* the barrier, down to
the variables that it cuts off, or to a live op if it cuts off none. It omits everything else: constants, shapes, predicates,
initializers and control edges. This module reads verdicts and cuts from the audit and decides none.

Limits: only one shortest lost route is drawn for each barrier.

All searches follow the data edges of the flat graph, including loop back-edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Callable, Container, Dict, Iterable, Iterator, List, Mapping, Set, Tuple

from graphcut.graph.dtypes import DTYPES, REF, is_discrete
from graphcut.graph.flat import FlatGraph
from graphcut.graph.traverse import find_predecessors
from graphcut.render.picture.barrier_marks import BarrierMark, Edge, barred_edges, branch_edges, cut_mark
from graphcut.render.picture.quotient import BEHIND, CUT, LIVE, LOST, PLAIN, EdgeInfo, Sketch, Way
from graphcut.results import BarrierKind, Verdict
from graphcut.results.barrier_kinds import BARRIER_RECORDS

if TYPE_CHECKING:
    from graphcut.render.picture.ops import Ops
    from graphcut.render.protocols import PictureFacts

Barred = Mapping[Edge, List[BarrierMark]]
Beyond = Tuple[Set[int], Set[Edge]]


@dataclass(frozen=True)
class _Kept:
    """The ops to draw, by the reason to draw them.

    ``lost`` maps each op between loss and barrier to the next op towards the loss. ``state`` maps each op that only changes a
    variable, a table or a queue to the op of that object, or to the loss that reads it in a later run. ``ends`` are the edges
    that end a lost route although no barrier is drawn there.
    """

    live: Mapping[int, Tuple[int, ...]]
    behind: Set[int]
    lost: Mapping[int, int]
    state: Mapping[int, int]
    barred: Barred
    ends: Container[Edge]

    def producers_of(self, ops: Ops, consumer: int) -> Iterator[Tuple[int, int]]:
        """Yield the drawn producers of an op, each with the kind of line."""
        live = self.live.get(consumer)
        for producer in dict.fromkeys(producers(ops.flat, consumer)):
            if (consumer, producer) in self.barred:
                yield producer, CUT
            elif (consumer, producer) in self.ends:
                yield producer, BEHIND
            elif live is not None and producer in live:
                yield producer, LIVE
            elif consumer in (self.lost.get(producer), self.state.get(producer)):
                yield producer, LOST
            elif live is None and consumer in self.behind and producer in self.behind:
                yield producer, BEHIND


def routes(facts: PictureFacts, ops: Ops) -> Sketch:
    """Return the ops to draw, in the order of the graph, and the edges between them, from the loss down."""
    kept = _classify_ops(facts, ops, barred_edges(facts, ops))
    barred = kept.barred
    drawn = {*ops.losses, *ops.variables, *kept.live, *kept.behind, *kept.lost, *kept.lost.values(), *kept.state.values()}
    drawn.update(op for edge in barred for op in edge)
    conditions = branch_edges(facts, ops)
    edges: Dict[Tuple[int, int, int], EdgeInfo] = {}
    for way in _all_edges(ops, kept, sorted(drawn)):
        is_loop, is_state = way[2] != CUT and _is_loop(ops, way), kept.state.get(way[1]) == way[0]
        info = EdgeInfo(tuple(barred.get(way[:2], ())), tuple(conditions.get(way[:2], ())), is_loop and not is_state, is_state)
        edges[way] = PLAIN if info == PLAIN else info
    sketch = Sketch({op: (op,) for op in sorted(drawn)}, edges)
    return Sketch(sketch.nodes, {**edges, **dict(_direct_ways(facts, ops, sketch))})


def _direct_ways(facts: PictureFacts, ops: Ops, sketch: Sketch) -> Iterator[Tuple[Way, EdgeInfo]]:
    """Return an edge straight from its barrier for each used variable that no other edge connects to the loss.

    Python code may read the variable, or a call may pass it on. Only unused variables are drawn without an edge.
    """
    used = [op for op, each in ops.variables.items() if not all(one.unused for one in each)]
    reached = _ops_of_loss(sketch, ops.losses) if used else set()
    for op in (op for op in used if op not in reached and ops.losses):
        cuts = [(ops.numbers.get(cut.op), cut) for each in ops.variables[op] for cut in each.cut]
        start, cut = next((each for each in cuts if each[0] in reached), (min(ops.losses), cuts[0][1] if cuts else None))
        if start is not None and cut is not None:
            yield (start, op, CUT), EdgeInfo((cut_mark(facts, ops, cut),))
        elif start is not None:
            yield (start, op, BEHIND), PLAIN


def _ops_of_loss(sketch: Sketch, losses: Iterable[int]) -> Set[int]:
    """Return the ops that are connected to the loss."""
    following = sketch.producers()
    return set(towards([op for op in losses if op in following], following.__getitem__))


def _all_edges(ops: Ops, kept: _Kept, drawn: List[int]) -> Iterator[Tuple[int, int, int]]:
    """Yield the edges of the graph, then the added ones: around a call, and through an assignment."""
    seen = set()
    for consumer in drawn:
        for producer, line in kept.producers_of(ops, consumer):
            seen.add((consumer, producer))
            yield consumer, producer, line
    yield from ((*edge, CUT) for edge in kept.barred if edge not in seen)
    for steps in (kept.lost, kept.state):
        yield from ((consumer, producer, LOST) for producer, consumer in steps.items() if (consumer, producer) not in seen)


def _is_loop(ops: Ops, way: Tuple[int, int, int]) -> bool:
    """Return whether the edge is a loop back-edge."""
    consumer, producer, _ = way
    flat = ops.flat
    if not flat.loop_inputs or consumer >= len(flat.names):
        return False
    ahead = set(range(len(flat.inputs[consumer]))).difference(flat.loop_inputs.get(consumer, ()))
    return not any(flat.producer[flat.inputs[consumer][index]] == producer for index in ahead)


def _classify_ops(facts: PictureFacts, ops: Ops, barred: Barred) -> _Kept:
    live = facts.passing
    whole = {op for (op, _), info in barred.items() if all(BARRIER_RECORDS[each.kind].blocks_whole_op for each in info)}
    closed = whole.difference(live)
    without = {op for op, each in ops.variables.items() if op not in live and any(one.verdict in MISSING for one in each)}
    behind = _ops_behind(ops, live, without, barred, closed)
    barred = _at_every_input(ops, barred, closed, behind)
    ends: Set[Edge] = set()
    lost, state = _ways_to_loss(ops, facts.reached, {*ops.losses, *live}, barred, (behind, ends))
    return _Kept(live, behind, lost, state, barred, ends)


MISSING = (Verdict.RAISES, Verdict.NONE, Verdict.ZERO)


def _at_every_input(ops: Ops, barred: Barred, closed: Set[int], behind: Set[int]) -> Barred:
    """Return the barriers; a barrier that blocks its whole op is repeated for each input that leads to an op behind it."""
    result: Dict[Edge, List[BarrierMark]] = {}
    for (op, producer), info in barred.items():
        leading = [each for each in producers(ops.flat, op) if each in behind] if op in closed else []
        for each in leading or [producer]:
            known = result.setdefault((op, each), [])
            names = {_label_of(one) for one in known}
            known.extend({_label_of(one): one for one in reversed(info) if _label_of(one) not in names}.values())
    return result


def _label_of(mark: BarrierMark) -> Tuple[str, BarrierKind, int]:
    """Return the label of a barrier on an edge; it names the input if only some inputs are cut."""
    return mark.op, mark.kind, mark.input if mark.kind is BarrierKind.INPUT else 0


def _ops_behind(ops: Ops, live: Container[int], without: Set[int], barred: Barred, closed: Set[int]) -> Set[int]:
    """Return the ops on data routes from a barrier to a variable without a gradient.

    If there is no such route, the routes lead to live ops, else to any variable. Loop back-edges and integer tensors are used
    only if there is no other route.
    """
    flat, every = ops.flat, ops.variables
    starts: Dict[int, Set[int]] = {}
    for op, producer in barred:
        starts.setdefault(op, set()).update(producers(flat, op) if op in closed else [producer])

    def ahead(op: int) -> List[int]:
        return [] if op in live else float_producers(flat, op, flat.loop_inputs.get(op, ()))

    def any_ahead(op: int) -> List[int]:
        return [] if op in live else producers(flat, op, flat.loop_inputs.get(op, ()))

    def round_loops(op: int) -> List[int]:
        return [] if op in live else producers(flat, op)

    result: Set[int] = set()
    for step in (ahead, any_ahead, round_loops):
        missed = without.difference(result)
        entries = _entries_of(ops, missed, starts)
        result |= ops_between(sorted(entries), step, missed) if entries else set()
    for goals, step in product((without, live, every), (ahead, any_ahead, round_loops)):
        missing = {each for entries in starts.values() if result.isdisjoint(entries) for each in entries}
        if missing:
            result |= ops_between(sorted(missing), step, goals)
    return result


def _entries_of(ops: Ops, variables: Set[int], starts: Mapping[int, Set[int]]) -> Set[int]:
    """Return the ops where the data routes behind the barriers of these variables start."""
    cuts = {cut.op for op in variables for each in ops.variables[op] for cut in each.cut}
    return {entry for name in cuts for entry in starts.get(ops.numbers.get(name, -1), ())}


def _ways_to_loss(
    ops: Ops, reached: Container[int], targets: Set[int], barred: Barred, beyond: Beyond
) -> Tuple[Dict[int, int], Dict[int, int]]:
    """Return a shortest route from each barrier to a live op or the loss, and what barriers without consumers change.

    The part of a route that the gradient does not reach is added to ``beyond``.
    """
    flat, (behind, _) = ops.flat, beyond
    blocked = {consumer for consumer, _ in barred}

    def open_producers(op: int) -> List[int]:
        result = [each for each in float_producers(flat, op) if each in reached]
        return [each for each in result if (op, each) not in barred] if op in blocked else result

    wanted = [op for op in dict.fromkeys(op for op, _ in barred) if op not in targets]
    lost: Dict[int, int] = {}
    state: Dict[int, int] = {}
    if not wanted:
        return lost, state
    open_ways = towards(sorted(targets), open_producers)
    hidden = [op for op in wanted if op not in open_ways and op not in behind]
    for op in (op for op in wanted if op in open_ways):
        _follow(op, open_ways, lost)
    any_ways = towards(sorted(targets), partial(producers, flat)) if hidden else {}
    for op in hidden:
        if op in any_ways:
            _follow_hidden(op, any_ways, reached, barred, lost, beyond)
        elif (ops.losses or targets) and any(each.role is None for one in barred if one[0] == op for each in barred[one]):
            state[op] = _changed_op(ops, op, targets, any_ways)
            _follow_hidden(state[op], any_ways, reached, barred, lost, beyond)
    return lost, state


def _changed_op(ops: Ops, op: int, targets: Set[int], ways: Mapping[int, int]) -> int:
    """Return the op whose state is changed by an op that leads to no loss.

    It is the variable, table or queue of the op's first input if the loss reads that, else the loss, which reads it in some
    other way.
    """
    seen = [op] + producers(ops.flat, op)[:1]
    while seen[-1] != seen[-2] and seen[-1] not in ways and len(producers(ops.flat, seen[-1])) == 1:
        seen.append(producers(ops.flat, seen[-1])[0])
    return seen[-1] if seen[-1] in ways else min(ops.losses or targets)


def _follow(op: int, ways: Mapping[int, int], taken: Dict[int, int]) -> None:
    """Add to ``taken`` the steps from ``op`` to the end of its route, or to the first op that is in ``taken`` already."""
    while ways[op] != op and op not in taken:
        taken[op] = ways[op]
        op = ways[op]


def _follow_hidden(
    op: int, ways: Mapping[int, int], reached: Container[int], barred: Barred, taken: Dict[int, int], beyond: Beyond
) -> None:
    """Add the steps that the gradient takes along a route to ``taken``, and the rest of the route to ``beyond``."""
    behind, ends = beyond
    path = [op]
    while ways[path[-1]] != path[-1]:
        path.append(ways[path[-1]])
    ahead = path[::-1]
    for at, edge in enumerate(zip(ahead, ahead[1:])):
        if edge in barred or edge[1] not in reached:
            behind.update(ahead[at + 1 :])
            ends.add(edge)
            return
        taken.setdefault(edge[1], edge[0])


Step = Callable[[int], Iterable[int]]
_PLAIN = frozenset(dtype for dtype, name in DTYPES.items() if not is_discrete(name))


def producers(flat: FlatGraph, op: int, without: Container[int] = ()) -> List[int]:
    """Return the ops whose outputs ``op`` reads, once for each tensor, except at the inputs in ``without``.

    The result is empty for a number beyond those of the ops.
    """
    if op >= len(flat.names):
        return []
    producer = flat.producer
    if not without:
        return [producer[tensor] for tensor in flat.inputs[op]]
    return [producer[tensor] for at, tensor in enumerate(flat.inputs[op]) if at not in without]


def float_producers(flat: FlatGraph, op: int, without: Container[int] = ()) -> List[int]:
    """Return the ``producers`` of the tensors whose dtype can carry a gradient."""
    if op >= len(flat.names):
        return []
    producer, dtypes, plain = flat.producer, flat.dtypes, _PLAIN
    if not without:
        return [producer[tensor] for tensor in flat.inputs[op] if dtypes[tensor] % REF in plain]
    given = [tensor for at, tensor in enumerate(flat.inputs[op]) if at not in without]
    return [producer[tensor] for tensor in given if dtypes[tensor] % REF in plain]


def towards(targets: Iterable[int], step: Step) -> Dict[int, int]:
    """Map each op that ``step`` reaches from ``targets`` to the next op on a shortest route back, each target to itself."""
    return find_predecessors(targets, step)


def ops_between(starts: Iterable[int], step: Step, ends: Container[int]) -> Set[int]:
    """Return the ops on all routes by ``step`` from ``starts`` to ``ends``, both included."""
    result = list(dict.fromkeys(starts))
    seen, back = set(result), {}  # type: Set[int], Dict[int, List[int]]
    for op in result:
        for other in step(op):
            back.setdefault(other, []).append(op)
            if other not in seen:
                seen.add(other)
                result.append(other)
    return set(towards([op for op in result if op in ends], lambda op: back.get(op, ())))
