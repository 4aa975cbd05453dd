"""Find signs that a graph was changed after it was built: it was *optimized* or *frozen*.

Optimizers (Grappler, and the compilers behind it) remove every ``StopGradient`` (``grappler/optimizers/model_pruner.cc``) and
add ops that have no gradient; freezing replaces variables by constants. An unchanged graph has none of these signs, but an
optimized graph need not have any either.
"""

from __future__ import annotations

import re
from typing import Iterator, NamedTuple, Optional, Tuple

from graphcut.graph.flat import FlatGraph, ops_of_kinds
from graphcut.util.caching import cached_weakly

OPTIMIZED, FROZEN = "optimized", "frozen"
_TYPES = re.compile(r"_Fused|_Mkl|_ITEX|_Itex|TRTEngineOp|_?Xla(Launch|Run|Compile)")
_PARTS = ("Optimizer", "ConstantFold", "AutoMixedPrecision", "Func/")
_NAMES = re.compile(
    r"(?:^|[/!])ConstantFolding(?:Ctrl)?/"
    r"|(?:Layout|Arithmetic|Loop|Dependency|ScopedAllocator)Optimizer(?:/|-|$)"
    r"|-AutoMixedPrecision(?:/|$)"
    r"|(?:^|[/!])Func/.*/(?:input|output|output_control_node)/_\d+$"
)
_READ = re.compile(r"ReadVariableOp(?:_\d+)?(/resource)?$")


class Sign(NamedTuple):
    """An op that shows what was done to its graph: ``OPTIMIZED`` or ``FROZEN``."""

    op: int
    done: str


@cached_weakly
def signs(flat: FlatGraph) -> Tuple[Sign, ...]:
    """Return the first op for each sign, often none; each graph is searched once."""
    optimized, frozen = _first(_optimizer_signs(flat)), _first(_freezing_signs(flat))
    groups = ((optimized, OPTIMIZED), (frozen, FROZEN))
    return tuple(Sign(op, done) for op, done in groups if op is not None)


def _first(ops: Iterator[int]) -> Optional[int]:
    return next(ops, None)


def _optimizer_signs(flat: FlatGraph) -> Iterator[int]:
    kinds = {
        number
        for number, kind in enumerate(flat.kind_table)
        if _TYPES.match(kind.type) or any(map(_is_grappler_s, kind.attrs))
    }
    yield from ops_of_kinds(flat, kinds)
    names = "\n".join(flat.names)
    if any(part in names for part in _PARTS):
        yield from (op for op, name in enumerate(flat.names) if _NAMES.search(name))


def _is_grappler_s(attr: bytes) -> bool:
    """Return whether Grappler left an attribute behind; attributes that disable Grappler come from the graph's author."""
    return attr[2:].startswith(b"_grappler") and b"do_not" not in attr


def _freezing_signs(flat: FlatGraph) -> Iterator[int]:
    kinds = {number for number, kind in enumerate(flat.kind_table) if kind.type in ("Const", "Identity")}
    for op in ops_of_kinds(flat, kinds):
        if _READ.search(flat.names[op]) or _reads_constant(flat, op, flat.names[op]):
            yield op


def _reads_constant(flat: FlatGraph, op: int, name: str) -> bool:
    """Return whether an op is the ``w/read`` of a constant ``w``."""
    if not name.endswith("/read") or not flat.inputs[op]:
        return False
    source = flat.producer[flat.inputs[op][0]]
    return flat.type(source) == "Const" and flat.names[source] == name[: -len("/read")]
