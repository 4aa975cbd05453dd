"""Turn barriers and tensors of the graph into edits of the user's source, and edits into suggestions.

A suggestion has a diff if the edited source was audited with the intended result (``confirmed``), or if the source cannot be
traced again and there is only one possible edit. Otherwise it says in words what to do.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from itertools import islice, product
from typing import Callable, Dict, FrozenSet, Iterator, List, Optional, Sequence, Tuple

from graphcut.analysis.barrier_edges import Fence
from graphcut.analysis.idioms import Idiom, Idioms
from graphcut.api.suggest import expressions, tape_edits
from graphcut.api.suggest.confirm import Edit
from graphcut.api.suggest.layer_stops import stops_after_layer
from graphcut.api.suggest.source_edit import Replacement, Source, changed_lines, read_source, unified_diff
from graphcut.graph.flat import SEPARATOR, FlatGraph
from graphcut.graph.loaded import LoadedGraph
from graphcut.results import BarrierKind

_HEADERS = (ast.If, ast.While, ast.For, ast.With, ast.AsyncFor, ast.AsyncWith, ast.FunctionDef, ast.ClassDef, ast.Try)
_WRAPPED = (ast.Call, ast.BinOp, ast.Attribute, ast.Name, ast.Subscript, ast.UnaryOp, ast.IfExp, ast.Compare)
_MOST = 12


@dataclass(frozen=True)
class Candidate:
    """One way to edit the source: an edit per statement, in the order of the barriers, and the barriers that it removes.

    ``owners`` has for each edit the position of the barrier or tensor with which it is shown.
    """

    edits: Tuple[Edit, ...]
    owners: Tuple[int, ...]
    is_whole: bool


@dataclass(frozen=True)
class TapeSource:
    """The position of a variable in a gradient call: the place of the call, the index, and the number of sources."""

    where: Optional[str]
    position: int
    count: int


class SourceReader:
    """Read source files, each once."""

    def __init__(self) -> None:
        self._files: Dict[str, Optional[Source]] = {}

    def __call__(self, where: Optional[str]) -> Optional[Tuple[Source, int]]:
        """Return the source that a place names, and the line."""
        path = (where or "").rpartition(":")[0]
        if path not in self._files:
            read = read_source(where)
            self._files[path] = read[0] if read else None
        source = self._files[path]
        return None if source is None else (source, int((where or "").rpartition(":")[2]))


def opening_candidates(
    traced: LoadedGraph, idioms: Idioms, fences: Sequence[Fence], tape: TapeSource, reader: SourceReader
) -> Iterator[Candidate]:
    """Yield the edits that remove barriers from the source, the likeliest first."""
    flat, rank = traced.flat, _rank_of_choices(traced, fences)
    parts: List[Tuple[int, Source, ast.AST, List[List[Replacement]]]] = []
    covered: Dict[int, FrozenSet[str]] = {}
    lost = False
    for position, fence in enumerate(fences):
        where = tape.where if fence.kind is BarrierKind.NOT_WATCHED else traced.place(fence.op)[0]
        read = reader(where)
        statement = read[0].statement(read[1]) if read else None
        if read is None or statement is None:
            lost = True
            continue
        if flat.type(fence.op) in covered.get(_place(statement), frozenset()):
            continue
        together = [each for each in fences if _is_at(traced, each, read[0].path, statement)] or [fence]
        result, nodes, types = _openings(flat, idioms, rank, read[0], read[1], statement, fence, together, tape)
        for node in nodes:
            line = read[0].statement(node.lineno)  # type: ignore[attr-defined]
            key = _place(line if line is not None else statement)
            covered[key] = covered.get(key, frozenset()) | types
        lost = lost or not result
        if result:
            parts.append((position, read[0], statement, result))
    for turn in range(max((len(each[3]) for each in parts), default=0)):
        edits = tuple(Edit(source, tuple(way[min(turn, len(way) - 1)]), (node,)) for _, source, node, way in parts)
        yield Candidate(edits, tuple(each[0] for each in parts), not lost)


def _rank_of_choices(traced: LoadedGraph, fences: Sequence[Fence]) -> Optional[int]:
    """Return the rank of the tensors from which some barriers choose (``ArgMax``); ``None`` if it is unknown or differs."""
    flat, ranks = traced.flat, set()
    for op in (each.op for each in fences if flat.type(each.op) in ("ArgMax", "ArgMin")):
        tensor = flat.inputs[op][0]
        producer = flat.producer[tensor]
        shape = traced.shapes(producer)[tensor - flat.first_output[producer]]
        ranks.add(None if shape is None else len(shape))
    return ranks.pop() if len(ranks) == 1 else None


def _place(statement: ast.AST) -> int:
    return int(statement.lineno)  # type: ignore[attr-defined]


def _is_at(traced: LoadedGraph, fence: Fence, path: str, statement: ast.stmt) -> bool:
    file, _, line = (traced.place(fence.op)[0] or "").rpartition(":")
    return file == path and statement.lineno <= int(line) <= (statement.end_lineno or statement.lineno)


def _openings(
    flat: FlatGraph,
    idioms: Idioms,
    rank: Optional[int],
    source: Source,
    line: int,
    statement: ast.stmt,
    fence: Fence,
    together: Sequence[Fence],
    tape: TapeSource,
) -> Tuple[List[List[Replacement]], List[ast.AST], FrozenSet[str]]:
    """Return the possible edits of a statement, the nodes whose barriers each edit removes, and their types."""
    if fence.kind is BarrierKind.OUTSIDE_TAPE:
        path, _, taken = (tape.where or "").rpartition(":")
        again = tape_edits.copies(source, statement, int(taken)) if path == source.path else ()
        return [*tape_edits.moves(source, statement), *again], [], frozenset()
    if fence.kind is BarrierKind.NOT_WATCHED:
        return list(tape_edits.watches(source, line, tape.position, tape.count)), [], frozenset()
    tf = source.tensorflow
    kinds = (BarrierKind.CUSTOM_GRADIENT, BarrierKind.STATE, BarrierKind.STOP_ARGUMENT, BarrierKind.PYTHON)
    if tf is None or fence.kind in kinds:
        return [], [], frozenset()
    inverted = any(idioms.of(each.op) is Idiom.INVERTED_STRAIGHT_THROUGH for each in together)
    context = expressions.Context(source, tf, frozenset(flat.type(each.op) for each in together), inverted, rank)
    result, types = expressions.replacements(context, roots(statement), len({each.op for each in together}))
    return [_without_no_op(source, statement, each) for each in result], [statement, *context.inlined], types


def _without_no_op(source: Source, statement: ast.stmt, edit: List[Replacement]) -> List[Replacement]:
    """Return the edit. If it would leave ``k = k``, remove the line instead, unless its block has no other line."""
    if not isinstance(statement, ast.Assign) or len(edit) != 1 or len(source.block(statement)) < 2:
        return edit
    (target, *others), (only,) = statement.targets, edit
    is_whole = (only.start, only.end) == source.span(statement.value)
    if others or not is_whole or not isinstance(target, ast.Name) or only.text != target.id:
        return edit
    start, end = source.lines(statement)
    line = source.data[start:end].decode("utf-8")
    return [Replacement(start, end, "")] if line.strip() == source.of(statement) else edit


def roots(statement: ast.stmt) -> List[ast.AST]:
    """Return the expressions of a statement itself, not of nested statements."""
    children = list(ast.iter_child_nodes(statement))
    if not isinstance(statement, _HEADERS):
        return children
    return [each for each in children if isinstance(each, (ast.expr, ast.withitem))]


@dataclass(frozen=True)
class StopPlace:
    """A tensor to stop, the variable whose value it is, and the layer whose output it is or in which it is created."""

    tensor: int
    variable: str = ""
    layer: str = ""
    around: str = ""


def stopping_candidates(
    traced: LoadedGraph, places: Sequence[StopPlace], reader: SourceReader, builder: Optional[str] = None
) -> Iterator[Candidate]:
    """Yield the edits that put a stop behind each of some tensors: the whole value of a statement first, then parts of it.

    ``builder`` is ``file:line`` of the function that builds the model, whose layers are found by their names.
    """
    ways = [list(islice(_stoppings(traced, each, reader, builder), _MOST)) for each in places]
    alike = [[way[min(turn, len(way) - 1)] for way in ways if way] for turn in range(max(map(len, ways), default=0))]
    others = islice(product(*filter(None, ways)), _MOST) if len(ways) > 1 else ()  # for tensors that share a statement
    for edits in (*alike, *others):
        chosen = list(zip((at for at, way in enumerate(ways) if way), edits))
        merged = _distinct(chosen)
        yield Candidate(tuple(edit for _, edit in merged), tuple(at for at, _ in merged), all(ways))


def _distinct(chosen: Sequence[Tuple[int, Edit]]) -> List[Tuple[int, Edit]]:
    seen: Dict[Tuple[str, Tuple[Replacement, ...]], Tuple[int, Edit]] = {}
    for at, edit in chosen:
        seen.setdefault((edit.source.path, edit.replacements), (at, edit))
    return list(seen.values())


def _stoppings(traced: LoadedGraph, place: StopPlace, reader: SourceReader, builder: Optional[str]) -> Iterator[Edit]:
    variable, built = _identifier(place.variable), reader(builder) if builder and place.layer else None
    yield from stops_after_layer(built[0], place.layer) if built else ()
    frames = [each for each in map(reader, traced.frames(traced.flat.producer[place.tensor])) if each is not None]
    statements = [(source, result) for source, line in frames for result in [source.statement(line)] if result is not None]
    for source, statement in statements:
        value = getattr(statement, "value", None)
        if not variable and _is_single(statement) and isinstance(value, _WRAPPED):
            yield from _stop_edits(source, statement, value)
    for source, statement in statements:
        edits = [edit for part in _parts(statement, variable) for edit in _stop_edits(source, statement, part)]
        if variable and len(edits) > 1:
            yield Edit(source, tuple(change for each in edits for change in each.replacements), (statement,))
        yield from edits


def _identifier(name: str) -> str:
    """Return the last part of a name as a Python identifier: ``kernel`` for ``dense/kernel``."""
    return re.sub(r"\W", "_", re.split(r"[/%s]" % re.escape(SEPARATOR), name)[-1])


def _is_single(statement: ast.stmt) -> bool:
    """Return whether a statement assigns or returns a single value."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Return)) and not any(
        isinstance(each, (ast.Tuple, ast.List)) for each in targets
    )


def _parts(statement: ast.stmt, variable: str) -> Iterator[ast.AST]:
    """Yield the expressions in a statement that a tensor, or the value of a variable, may be."""
    whole = getattr(statement, "value", None)
    for root in roots(statement):
        for node in ast.walk(root):
            name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
            is_load = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
            if variable:
                if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and is_load and name in ("", variable):
                    yield node
            elif isinstance(node, (ast.Call, ast.BinOp, ast.Name)) and is_load and node is not whole:
                yield node


def _stop_edits(source: Source, statement: ast.stmt, node: ast.AST) -> Iterator[Edit]:
    tf, parent = source.tensorflow, next(source.parents(node), None)
    is_function = isinstance(parent, ast.Call) and parent.func is node
    if tf is not None and not is_function and source.of(node) != tf:
        start, end = source.span(node)
        yield Edit(source, (Replacement(start, end, f"{tf}.stop_gradient({source.of(node)})"),), (statement,))


def diffs(candidate: Candidate) -> List[Tuple[int, str, str]]:
    """Return, for each edit, its owner, its diff relative to the earlier edits, and the lines that it writes.

    An edit that the earlier ones contain has no diff.
    """
    result: List[Tuple[int, str, str]] = []
    texts: Dict[str, str] = {}
    replacements: Dict[str, List[Replacement]] = {}
    for owner, edit in zip(candidate.owners, candidate.edits):
        source = edit.source
        before = texts.get(source.path, source.text)
        replacements.setdefault(source.path, []).extend(edit.replacements)
        after = source.edited(replacements[source.path])
        if after is not None and after != before:
            texts[source.path] = after
            result.append((owner, unified_diff(source.path, before, after), changed_lines(before, after)))
    return result


Holds = Callable[[Candidate], Optional[bool]]


def best(candidates: Iterator[Candidate], holds: Holds, is_ordered: bool = False) -> Tuple[Optional[Candidate], bool]:
    """Return the first candidate that an audit confirms, and whether one was confirmed.

    If nothing can be audited, it is the only complete candidate, or the first one if ``is_ordered`` says that the others
    serve no better.
    """
    tried: List[Candidate] = []
    for candidate in candidates:
        answer = holds(candidate) if candidate.edits else False
        if answer:
            return candidate, True
        if answer is None:
            tried.append(candidate)
        if len(tried) > (_MOST if is_ordered else 1):
            break
    is_plain = is_ordered or (len(tried) == 1 and tried[0].is_whole)
    return (tried[0], False) if tried and tried[0].edits and is_plain else (None, False)
