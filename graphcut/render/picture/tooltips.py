"""The tooltip of a box: name, type, dtype, shape and ``file:line``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Optional, Sequence, Set, Tuple

from graphcut.graph.dtypes import dtype_name
from graphcut.util.source_lines import file_and_line, nearby

if TYPE_CHECKING:
    from graphcut.graph.flat import Shape
    from graphcut.render.picture.ops import Ops
    from graphcut.render.protocols import PictureFacts

_NAMED, _ALL, _FILES = 5, 200, 2


def tips(facts: PictureFacts, ops: Ops, members: Sequence[int]) -> Tuple[Tuple[str, ...], Optional[str]]:
    """Return the lines for a box of these ops, and the place in the user's code of the first op that has one.

    A single op gets all of these lines, several ops only the first names.
    """
    held = [op for op in members if op < len(ops.flat.names)]
    if len(held) != 1:
        more = (f"and {len(members) - _NAMED} more",) if len(members) > _NAMED else ()
        return tuple(ops.name(op) for op in members[:_NAMED]) + more, _place(facts, held)
    (op,) = held
    where = facts.place(op)[0]
    types = (f"{ops.type(op)} -> {_outputs(facts, ops, op)}".rstrip("-> "),)
    return (ops.name(op),) + types + ((nearby(where),) if where else ()), where


def _place(facts: PictureFacts, members: Sequence[int]) -> Optional[str]:
    """Return the place of the first op that has one; for many ops, only the first and last ones are tried."""
    tried = list(members[:_NAMED]) + list(members[-_NAMED:])
    return next((where for where in (facts.place(op)[0] for op in tried) if where), None)


def source_lines(facts: PictureFacts, members: Sequence[int]) -> str:
    """Return the user's lines that a box of ops comes from, such as ``model.py:12-18, loss.py:7``.

    The result is empty if they are in more than two files. For very many ops, only the first and last ones are considered.
    """
    held = [op for op in members if op < len(facts.flat.names)]
    few = len(held) <= _ALL
    tried = held if few else held[:_NAMED] + held[-_NAMED:]
    files: Dict[str, Set[int]] = {}
    for where in (facts.place(op)[0] for op in tried):
        name, _, line = file_and_line(where or "").rpartition(":")
        if line.isdigit():
            files.setdefault(name, set()).add(int(line))
    if not 0 < len(files) <= _FILES:
        return ""
    spans = [f"{name}:{min(lines)}" + (f"-{max(lines)}" if len(lines) > 1 else "") for name, lines in sorted(files.items())]
    return ", ".join(spans) + ("" if few else " …")


def _outputs(facts: PictureFacts, ops: Ops, op: int) -> str:
    dtypes = [ops.flat.dtypes[tensor] for tensor in ops.flat.outputs(op)]
    shapes = tuple(facts.shapes(op)) or (None,) * len(dtypes)
    return ", ".join(dtype_name(dtype) + shape_text(shape) for dtype, shape in zip(dtypes, shapes))


def shape_text(shape: Shape) -> str:
    """Return a shape such as ``[32, ?]``, or an empty text if the rank is unknown."""
    return "" if shape is None else "[%s]" % ", ".join("?" if size is None else str(size) for size in shape)
