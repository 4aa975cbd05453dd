"""Edits around a ``tf.GradientTape``: move or copy lines into its block, or watch a tensor."""

from __future__ import annotations

import ast
from typing import FrozenSet, Iterator, List, Optional, Sequence

from graphcut.api.suggest.source_edit import FUNCTIONS, Replacement, Source, argument, function_name

_MOVABLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr)
_TAKES = ("gradient", "jacobian", "batch_jacobian")
_DEEPEST = 6


def moves(source: Source, statement: ast.stmt) -> Iterator[List[Replacement]]:
    """Yield edits that move a statement into the block of the tape near it, with more and more of the lines that it needs."""
    block = source.block(statement)
    tapes = [each for each in block if isinstance(each, ast.With) and _is_tape(source, each)]
    if not isinstance(statement, _MOVABLE) or not tapes:
        return
    at = block.index(statement)
    tape = next((each for each in tapes if block.index(each) > at), tapes[-1])
    start, end = block.index(tape), at
    between = block[at + 1 : start] if at < start else block[start + 1 : at]
    before = block[:at] if at < start else between
    seen = None
    for depth in range(_DEEPEST):
        moved = _needed_statements(statement, before, depth)
        if at < start:
            moved |= _dependent(moved, block[:start])
        if moved != seen and all(isinstance(each, _MOVABLE) for each in moved):
            yield _move_lines(source, [each for each in block if each in moved], tape, inside_first=end < start)
        seen = moved


def copies(source: Source, statement: ast.stmt, line: int) -> Iterator[List[Replacement]]:
    """Yield the edits that compute a statement once more in the block of the tape whose gradient is taken at a line.

    A line that the block of another tape needs, too, cannot move out of it.
    """
    taking = source.statement(line)
    block = source.block(statement)
    for tape in _tapes_at(source, taking) if isinstance(statement, ast.Assign) else ():
        if statement.lineno >= tape.lineno or tape.body[0].lineno == tape.lineno:
            continue
        seen = None
        for depth in range(_DEEPEST):
            copied = _needed_statements(statement, block[: block.index(statement)], depth)
            if copied != seen and all(isinstance(each, ast.Assign) for each in copied):
                text = "".join(_indent(source, each, tape) for each in block if each in copied)
                place = source.lines(tape.body[0])[0]
                yield [Replacement(place, place, text)]
            seen = copied


def _tapes_at(source: Source, taking: Optional[ast.stmt]) -> Iterator[ast.With]:
    """Yield the blocks of the tapes whose gradient a statement takes."""
    for call in ast.walk(taking) if taking is not None else ():
        if isinstance(call, ast.Call) and function_name(call) in _TAKES and isinstance(call.func, ast.Attribute):
            tape = _tape_of(source, call, call.func.value)
            if tape is not None:
                yield tape


def _is_tape(source: Source, node: ast.With) -> bool:
    """Return whether a ``with`` block is that of a tape, by its context manager or because its gradient is taken."""
    if any(
        isinstance(each.context_expr, ast.Call) and function_name(each.context_expr) == "GradientTape" for each in node.items
    ):
        return True
    scope = next((each for each in source.parents(node) if isinstance(each, FUNCTIONS)), source.tree)
    names = [each.optional_vars.id for each in node.items if isinstance(each.optional_vars, ast.Name)]
    calls = (each for each in ast.walk(scope) if isinstance(each, ast.Call) and function_name(each) in _TAKES)
    return any(isinstance(each.func, ast.Attribute) and getattr(each.func.value, "id", None) in names for each in calls)


def _needed_statements(statement: ast.stmt, before: Sequence[ast.stmt], depth: int) -> FrozenSet[ast.stmt]:
    """Return the statement and those before it that it is computed from, ``depth`` assignments back."""
    result = {statement}
    for _ in range(depth):
        names = {name for each in result for name in _names(each, ast.Load)}
        result |= {each for each in before if isinstance(each, _MOVABLE) and names & _names(each, ast.Store)}
    return frozenset(result)


def _dependent(moved: FrozenSet[ast.stmt], before: Sequence[ast.stmt]) -> FrozenSet[ast.stmt]:
    """Return the statements before the tape that depend on the moved ones and have to move, too."""
    result = set(moved)
    for each in before:
        earlier = {name for other in result if other.lineno < each.lineno for name in _names(other, ast.Store)}
        if earlier & _names(each, ast.Load):
            result.add(each)
    return frozenset(result)


def _names(node: ast.AST, context: type) -> FrozenSet[str]:
    return frozenset(each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, context))


def _move_lines(source: Source, statements: Sequence[ast.stmt], tape: ast.With, inside_first: bool) -> List[Replacement]:
    """Return the edit that moves lines to the start or the end of the tape's block."""
    text = "".join(_indent(source, each, tape) for each in statements)
    cuts = [Replacement(*source.lines(each), "") for each in statements]
    place = source.lines(tape.body[0])[0] if inside_first else source.lines(tape.body[-1])[1]
    return [*cuts, Replacement(place, place, text)]


def _indent(source: Source, statement: ast.stmt, tape: ast.With) -> str:
    """Return the lines of a statement, indented as the block of a tape."""
    start, end = source.lines(statement)
    indent, own = " " * tape.body[0].col_offset, " " * statement.col_offset
    lines = source.data[start:end].decode("utf-8").splitlines(keepends=True)
    return "".join(indent + line[len(own) :] if line.startswith(own) else line for line in lines)


def watches(source: Source, line: int, position: int, count: int) -> Iterator[List[Replacement]]:
    """Yield edits that make the tape of a gradient call watch one of its sources, given its index and their number."""
    statement = source.statement(line)
    for call in ast.walk(statement) if statement is not None else ():
        if isinstance(call, ast.Call) and function_name(call) in _TAKES and isinstance(call.func, ast.Attribute):
            watched = _source(argument(call, 1, "sources"), position, count)
            tape = _tape_of(source, call, call.func.value)
            if watched is not None and tape is not None:
                text = f"{source.of(call.func.value)}.watch({source.of(watched)})\n"
                yield from _watch_lines(source, tape, watched, text)


def _source(node: Optional[ast.expr], position: int, count: int) -> Optional[ast.expr]:
    """Return the expression of one of the sources."""
    if isinstance(node, (ast.List, ast.Tuple)) and len(node.elts) == count:
        return node.elts[position]
    plain = isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and count == 1
    return node if plain else None


def _tape_of(source: Source, node: ast.AST, name: ast.AST) -> Optional[ast.With]:
    """Return the block of the tape of that name, in the function that takes the gradient."""
    scope = next((each for each in source.parents(node) if isinstance(each, FUNCTIONS)), source.tree)
    for each in ast.walk(scope):
        if isinstance(each, ast.With) and _is_tape(source, each):
            names = [item.optional_vars for item in each.items if item.optional_vars is not None]
            if any(isinstance(other, ast.Name) and other.id == getattr(name, "id", None) for other in names):
                return each
    return None


def _watch_lines(source: Source, tape: ast.With, watched: ast.expr, text: str) -> Iterator[List[Replacement]]:
    """Yield the ``watch`` line for the start of the block, or after the line there that creates the watched tensor."""
    indent, name = " " * tape.body[0].col_offset, getattr(watched, "id", None)
    assignments = [each for each in tape.body if isinstance(each, ast.Assign) and name in _names(each, ast.Store)]
    place = source.lines(assignments[-1])[1] if assignments else source.lines(tape.body[0])[0]
    if tape.body[0].lineno > tape.lineno:
        yield [Replacement(place, place, indent + text)]
