"""Edits that pass the gradient of a code on to the value that it was chosen for.

A lookup takes the row of a table that is nearest to a value, as in a VQ-VAE (van den Oord, Vinyals, Kavukcuoglu 2017). No
gradient passes the choice. With ``z + tf.stop_gradient(q - z)`` in place of the code ``q``, the loss reads the same number,
and its gradient goes on to ``z``. If that takes the only gradient of the table, ``q + (z - tf.stop_gradient(z))`` passes it to
both.

The names of ``q`` and ``z`` are found in the functions around the choice: what is computed from it, and what it is computed
from. The audit of the edited source decides: both have the same shape, and ``q`` is a row chosen for ``z``.
"""

from __future__ import annotations

import ast
from itertools import islice
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from graphcut.analysis.idioms import Idioms
from graphcut.api.suggest.confirm import Edit, Rows, confirm
from graphcut.api.suggest.other_losses import LostGradients, other_losses
from graphcut.api.suggest.source_changes import Candidate, SourceReader, diffs
from graphcut.api.suggest.source_edit import FUNCTIONS, Replacement, Source, is_named
from graphcut.graph.flat import Shape
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.targets import Target
from graphcut.graph.traverse import find_reachable
from graphcut.results import WITH_GRADIENT, Suggestion

if TYPE_CHECKING:
    from graphcut.api.audit import Audit

_CHOICES = frozenset(["ArgMin", "ArgMax"])
_NAMES = ("argmin", "argmax", "arg_min", "arg_max")
_SUMS = frozenset(["Add", "AddV2"])
_MOST = 16  # edits of each form in one function that are audited
_NOTE = "a straight-through estimator: the value is that of {code}, and its gradient goes on to {latent}"
_BOTH = (
    "the value is that of {code}, and its gradient goes on to {latent} as well. A VQ-VAE writes "
    "{latent} + tf.stop_gradient({code} - {latent}) and trains the table with a loss term of its own: "
    "tf.reduce_mean(tf.square(tf.stop_gradient({latent}) - {code}))"
)


class _Use(NamedTuple):
    """A place in a function where a code could be replaced, the name of the code, and of the value it was chosen for."""

    source: Source
    statement: ast.stmt
    nodes: Tuple[ast.AST, ...]
    code: str
    latent: str
    is_line: bool


def suggest_straight_through(audit: Audit, target: Target, reader: SourceReader) -> Optional[Suggestion]:
    """Return the edit that passes the gradient of a lookup on to a variable; ``None`` if there is no lookup or no edit."""
    traced = audit._request.traced
    if traced.edited:
        return None
    losses, judge = audit._findings.flow.losses, _Judge(audit, target.variable.name)
    idioms, others = Idioms(traced, losses), other_losses(audit)
    if idioms.has_inverted_estimator():
        return None  # to swap its two values is less
    for op in filter(idioms.may_be_lookup, _choices_of(traced, losses, target)):
        uses = list(_uses(traced, op, reader))
        for note, text in ((_NOTE, "{latent} + {tf}.stop_gradient({code} - {latent})"), (_BOTH, _TO_BOTH)):
            for use in uses:
                candidate = Candidate((_edit(use, text),), (0,), True)
                if confirm(audit, candidate.edits, judge, others):
                    return _suggestion(traced, op, use, candidate, note)
    return None


_TO_BOTH = "{code} + ({latent} - {tf}.stop_gradient({latent}))"


def _suggestion(traced: LoadedGraph, op: int, use: _Use, candidate: Candidate, note: str) -> Suggestion:
    ((_, diff, code),) = diffs(candidate)
    return Suggestion(
        tensor=traced.flat.tensor_name(traced.flat.first_output[op]),
        op=traced.flat.names[op],
        where=f"{use.source.path}:{use.statement.lineno}",
        code=code,
        diff=diff,
        confirmed=True,
        note=note.format(code=use.code, latent=use.latent),
    )


def _choices_of(traced: LoadedGraph, losses: Sequence[int], target: Target) -> List[int]:
    """Return the ops before the loss that choose the largest or smallest of numbers that depend on a variable."""
    flat = traced.flat

    def above(tensors: Sequence[int]) -> Set[int]:
        return find_reachable(tensors, lambda tensor: flat.inputs[flat.producer[tensor]])

    made = {flat.producer[tensor] for tensor in above(losses)}
    choices = sorted(op for op in made if flat.type(op) in _CHOICES)
    return [op for op in choices if not above(flat.inputs[op][:1]).isdisjoint(target.tensors)]


def _uses(traced: LoadedGraph, op: int, reader: SourceReader) -> Iterator[_Use]:
    """Yield the places where the code could be replaced, in the innermost function first."""
    for read in map(reader, traced.frames(op)):
        statement = read[0].statement(read[1]) if read else None
        if read is not None and statement is not None and read[0].tensorflow is not None:
            yield from islice(_uses_in_function(read[0], statement), _MOST)


def _uses_in_function(source: Source, statement: ast.stmt) -> Iterator[_Use]:
    function = next((each for each in source.parents(statement) if isinstance(each, FUNCTIONS)), None)
    if not isinstance(function, ast.FunctionDef):
        return
    body = [each for each in ast.walk(function) if isinstance(each, ast.stmt) and each is not function]
    body = sorted((each for each in body if not isinstance(each, FUNCTIONS)), key=lambda each: each.lineno)
    latents = _latents(function, statement, body)
    if isinstance(statement, ast.Return) and statement.value is not None and not is_named(statement.value, *_NAMES):
        yield from (_Use(source, statement, (statement.value,), _free_name(source), each, False) for each in latents)
    codes = _codes(statement, body)
    for value in _returned_values(body, codes):
        result = next(each for each in source.parents(value) if isinstance(each, ast.Return))
        yield from (_Use(source, result, (value,), _free_name(source), each, False) for each in latents)
    returned = {name for each in body if isinstance(each, ast.Return) for name in codes if _loads(each, name)}
    for code, made in sorted(codes.items(), key=lambda each: each[0] not in returned):
        readers = [each for each in body if each.lineno > made.lineno and _loads(each, code)]
        returns = [each for each in readers if isinstance(each, ast.Return)]
        for latent in (each for each in latents if each != code):
            for each in returns:
                loads = _loads(each, code)
                single = [(node,) for node in loads if len(loads) > 1]
                yield from (_Use(source, each, nodes, code, latent, False) for nodes in [*single, loads])
            yield _Use(source, made, (), code, latent, True)
            others = (each for each in reversed(readers) if isinstance(each, (ast.Assign, ast.AugAssign, ast.Expr)))
            yield from (_Use(source, each, _loads(each, code), code, latent, False) for each in others)


def _returned_values(body: Sequence[ast.stmt], codes: Iterable[str]) -> Iterator[ast.expr]:
    """Yield the expressions that a function returns and that read one of some names, other than the names themselves."""
    for each in body:
        value = each.value if isinstance(each, ast.Return) else None
        for part in value.elts if isinstance(value, ast.Tuple) else [value] if value is not None else ():
            is_gradient = is_named(part, "gradient", "jacobian", "batch_jacobian")
            if not isinstance(part, ast.Name) and not is_gradient and any(_loads(part, name) for name in codes):
                yield part


def _free_name(source: Source) -> str:
    return next(each for each in ("code", *["code_%d" % at for at in range(2, 100)]) if each not in source.names)


def _codes(statement: ast.stmt, body: Sequence[ast.stmt]) -> Dict[str, ast.stmt]:
    """Return the names that are computed from a statement, with the last statement that assigns each; nearest first."""
    names: Dict[str, ast.stmt] = dict.fromkeys(_stores(statement), statement)
    for each in body:
        if each.lineno > statement.lineno and isinstance(each, ast.Assign) and any(_loads(each, name) for name in names):
            names.update(dict.fromkeys(_stores(each), each))
    return names


def _latents(function: ast.FunctionDef, statement: ast.stmt, body: Sequence[ast.stmt]) -> List[str]:
    """Return the local names that a statement is computed from: arguments first, then the nearest."""
    arguments = [each.arg for each in (*function.args.args, *function.args.kwonlyargs) if each.arg not in ("self", "cls")]
    assigned: Dict[str, List[ast.stmt]] = {}
    for each in body:
        for name in _stores(each) if each.lineno < statement.lineno else ():
            assigned.setdefault(name, []).append(each)
    result: Dict[str, None] = {}
    waiting: List[ast.stmt] = [statement]
    for each in waiting:
        for node in ast.walk(each):
            name = getattr(node, "id", "") if isinstance(getattr(node, "ctx", None), ast.Load) else ""
            if name in result or (name not in assigned and name not in arguments):
                continue
            result[name] = None
            waiting += [known for known in assigned.get(name, ()) if known not in waiting]
    return sorted(result, key=lambda name: name not in arguments)


def _stores(statement: ast.stmt) -> List[str]:
    """Return the names that an assignment binds."""
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return []
    nodes = ast.walk(statement)
    return [each.id for each in nodes if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)]


def _loads(statement: ast.AST, name: str) -> Tuple[ast.AST, ...]:
    nodes = ast.walk(statement)
    return tuple(each for each in nodes if isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Load))


def _edit(use: _Use, text: str) -> Edit:
    source = use.source
    value = text.format(code=use.code, latent=use.latent, tf=source.tensorflow)
    indent = " " * use.statement.col_offset
    start, end = source.lines(use.statement)
    if use.is_line:
        return Edit(source, (Replacement(end, end, f"{indent}{use.code} = {value}\n"),), (use.statement,))
    if isinstance(use.nodes[0], ast.Name) and use.nodes[0].id == use.code:
        changes = [Replacement(*source.span(each), value if _is_whole(source, each) else f"({value})") for each in use.nodes]
        return Edit(source, tuple(changes), (use.statement,))
    line = Replacement(start, start, f"{indent}{use.code} = {source.of(use.nodes[0])}\n")
    return Edit(source, (line, Replacement(*source.span(use.nodes[0]), value)), (use.statement,))


def _is_whole(source: Source, node: ast.AST) -> bool:
    """Return whether a node needs no brackets: it is returned, assigned, or an argument or item by itself."""
    parent = next(source.parents(node), None)
    is_function = isinstance(parent, ast.Call) and parent.func is node
    return isinstance(parent, (ast.Return, ast.Assign, ast.Call, ast.Tuple, ast.List, ast.keyword)) and not is_function


class _Judge:
    """Judge edits: the variable has a gradient, all others have theirs, and there is one more estimator of a lookup."""

    def __init__(self, audit: Audit, name: str) -> None:
        self._name, self._count = name, _count_estimators(audit)

    def __call__(self, pairs: Rows, after: Any, losses: Sequence[LostGradients]) -> bool:
        """Return whether an edit holds."""
        needed = [new for row, new in pairs if row.name == self._name or row.verdict in WITH_GRADIENT]
        if not needed or any(not each.is_part for each in losses):
            return False
        if any(new is None or new.verdict not in WITH_GRADIENT for new in needed):
            return False
        return _count_estimators(after) > self._count


def _count_estimators(audit: Any) -> int:
    """Return how many stops make a straight-through estimator of the row of a table that is nearest to a value."""
    traced, losses = audit._request.traced, audit._findings.flow.losses
    idioms = Idioms(traced, losses)
    stops = (op for op in range(len(traced.flat.names)) if traced.flat.type(op) == "StopGradient")
    pairs = [pair for pair in (_estimator(traced, op) for op in stops) if pair is not None]
    return sum(_is_alike(traced, *pair) and idioms.is_nearest(*pair) for pair in pairs)


def _estimator(traced: LoadedGraph, stop: int) -> Optional[Tuple[int, int]]:
    """Return the code and the value it was chosen for, of ``z + stop(q - z)`` or ``q + z - stop(z)``."""
    flat, (inner,) = traced.flat, traced.flat.inputs[stop]
    if flat.type(flat.producer[inner]) == "Sub":
        code, latent = flat.inputs[flat.producer[inner]]
        return code, latent
    kept = [op for op, inputs in enumerate(flat.inputs) if inputs == (inner, flat.first_output[stop])]
    zeros = {flat.first_output[op] for op in kept if flat.type(op) == "Sub"}
    sums = (op for op, inputs in enumerate(flat.inputs) if flat.type(op) in _SUMS and zeros.intersection(inputs[1:]))
    return next(((flat.inputs[op][0], inner) for op in sums), None)


def _is_alike(traced: LoadedGraph, one: int, other: int) -> bool:
    """Return whether two tensors can have the same shape, so none is broadcast."""
    shapes = [_shape(traced, each) for each in (one, other)]
    if shapes[0] is None or shapes[1] is None:
        return True
    pairs = zip(*shapes)
    return len(shapes[0]) == len(shapes[1]) and all(a == b or None in (a, b) for a, b in pairs)


def _shape(traced: LoadedGraph, tensor: int) -> Shape:
    op = traced.flat.producer[tensor]
    return traced.shapes(op)[tensor - traced.flat.first_output[op]]
