"""Stop one use of a value: ``value = tf.stop_gradient(h) @ w`` where another loss of the step learns through ``h``.

A stop behind the whole value would take the gradient of the other loss. The value is known by the name that a statement
assigns it to, its uses by the later statements of the function that read the name and compute what this loss reads. An audit
of the edited source decides.
"""

from __future__ import annotations

import ast
from itertools import islice, product
from typing import TYPE_CHECKING, Dict, Iterator, List, Optional, Sequence, Tuple

from graphcut.analysis.graph_edits import readers_of
from graphcut.api.suggest.confirm import Edit
from graphcut.api.suggest.source_changes import Candidate, SourceReader, diffs
from graphcut.api.suggest.source_edit import FUNCTIONS, Replacement, Source
from graphcut.graph.traverse import find_reachable
from graphcut.results import Suggestion

if TYPE_CHECKING:
    from typing import Protocol

    from graphcut.api.audit import Audit
    from graphcut.api.suggest.other_losses import LostGradients

    class Judge(Protocol):
        """Judge edits. ``lossy`` takes a part of a kept gradient, ``losses`` are what other losses lose by it."""

        lossy: Optional[Candidate]
        losses: Sequence[LostGradients]
        note: str

        def __call__(self, candidate: Candidate) -> Optional[bool]: ...


_MOST = 12  # edits that are audited


def suggest_stopped_uses(audit: Audit, tensors: Sequence[int], reader: SourceReader, judge: Judge) -> List[Suggestion]:
    """Return the stops of some uses of one of the tensors that a judge confirms; empty if there are none.

    An edit that takes a part of a kept variable's gradient is the second choice.
    """
    pairs = ((tensor, candidate) for tensor in tensors for candidate in _candidates(audit, tensor, reader))
    tried: Dict[int, Tuple[int, Candidate]] = {}
    for tensor, candidate in islice(pairs, _MOST):
        if judge(candidate):
            return _suggestions(audit, tensor, candidate, _NOTE)
        tried[id(candidate)] = tensor, candidate
    if judge.lossy is None or judge.losses or id(judge.lossy) not in tried:
        return []
    return _suggestions(audit, *tried[id(judge.lossy)], f"{_NOTE}; {judge.note}")


_NOTE = "only this use is stopped: the other losses of the step learn through the others"


def _suggestions(audit: Audit, tensor: int, candidate: Candidate, note: str) -> List[Suggestion]:
    flat = audit._request.traced.flat
    places = [f"{each.source.path}:{getattr(each.nodes[0], 'lineno', 0)}" for each in candidate.edits]
    return [
        Suggestion(
            tensor=flat.tensor_name(tensor),
            op=flat.names[flat.producer[tensor]],
            where=places[owner],
            code=code,
            diff=diff,
            confirmed=True,
            note="" if owner else note,
        )
        for owner, diff, code in diffs(candidate)
    ]


def _candidates(audit: Audit, tensor: int, reader: SourceReader) -> Iterator[Candidate]:
    """Yield the edits that stop the uses of a tensor before the loss: single reads of its name, then all in a statement."""
    traced = audit._request.traced
    for source, statement in _statements(audit, traced.flat.producer[tensor], reader):
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        function = next((each for each in source.parents(statement) if isinstance(each, FUNCTIONS)), None)
        if source.tensorflow is None or len(targets) != 1 or not isinstance(targets[0], ast.Name) or function is None:
            continue
        name = targets[0].id
        uses = _uses(audit, tensor, source, statement, function, name, reader)
        ways = [[*([(node,) for node in nodes] if len(nodes) > 1 else []), nodes] for nodes in uses.values()]
        for chosen in product(*ways) if ways else ():
            edits = [Edit(source, _stops(source, nodes), (use,)) for use, nodes in zip(uses, chosen)]
            yield Candidate(tuple(edits), tuple(range(len(edits))), True)


def _stops(source: Source, nodes: Sequence[ast.AST]) -> Tuple[Replacement, ...]:
    return tuple(Replacement(*source.span(node), f"{source.tensorflow}.stop_gradient({source.of(node)})") for node in nodes)


def _statements(audit: Audit, op: int, reader: SourceReader) -> Iterator[Tuple[Source, ast.stmt]]:
    """Yield the statements in the user's code that an op comes from, innermost first."""
    for read in map(reader, audit._request.traced.frames(op)):
        statement = read[0].statement(read[1]) if read else None
        if read is not None and statement is not None:
            yield read[0], statement


def _uses(
    audit: Audit, tensor: int, source: Source, statement: ast.stmt, function: ast.AST, name: str, reader: SourceReader
) -> Dict[ast.stmt, Tuple[ast.AST, ...]]:
    """Return the statements of a function that read a name and compute what the loss reads, with the reads."""
    flat, losses = audit._request.traced.flat, audit._findings.flow.losses
    feeding = {flat.producer[each] for each in find_reachable(losses, lambda each: flat.inputs[flat.producer[each]])}
    readers = readers_of(flat, lambda op, index: op in feeding)
    result: Dict[ast.stmt, Tuple[ast.AST, ...]] = {}
    waiting, seen = [tensor], {tensor}
    for each in waiting:
        for op, _ in readers.get(each, ()):
            inside = [
                known
                for place, known in _statements(audit, op, reader)
                if place is source and function in place.parents(known)
            ]
            use = inside[0] if inside else None
            nodes = _loads(use, name) if use is not None and use is not statement else ()
            if use is not None and nodes:
                result[use] = nodes
            elif use is None or use is statement:
                fresh = [output for output in flat.outputs(op) if output not in seen]
                seen.update(fresh)
                waiting += fresh
    return result


def _loads(statement: ast.stmt, name: str) -> Tuple[ast.AST, ...]:
    nodes = ast.walk(statement)
    return tuple(each for each in nodes if isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load))
