"""Find gradients that are zero because the loss reads other pieces of a joined tensor.

``Pack`` or ``ConcatV2`` joins tensors, and later ops read only some of the pieces.

The imaginary part of a real number is such a piece, too. One pass from the loss over the edges that carry, in the order of the
graph, computes for each tensor the region where its gradient can be nonzero (``regions.transfer``). An edge whose region is
empty carries only zeros. A gradient that comes over a loop back-edge counts as nonzero everywhere.
"""

from __future__ import annotations

from typing import AbstractSet, Dict, FrozenSet, Mapping, Sequence, Set, Tuple

from graphcut.analysis.reachability import Walk
from graphcut.analysis.regions.boxes import EVERYTHING, Region, freeze_box, unite_regions
from graphcut.analysis.regions.slicing import StaticOpInfo
from graphcut.analysis.regions.transfer import JOINING, MAKES_COMPLEX, MOVES, PARTING, TAKES_PARTS, Move
from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.graph.attrs import attributes, integers

Edge = Tuple[int, int]


def find_zero_edges(
    rules: PatternLookup, carried: Walk, seeds: Mapping[int, int], stopped: AbstractSet[int], order: Sequence[int]
) -> FrozenSet[Edge]:
    """Return the edges, as op and input, that carry only zeros although their gradient patterns say that they carry.

    Args:
        rules: the rows.
        carried: the walk over what carries, from ``seeds``.
        seeds: the tensors where the walk starts.
        stopped: the ops that count as constants.
        order: all ops, producers first.
    """
    flat = rules.flat
    if not any(all(_reaches_op_of_type(rules, carried, types) for types in pair) for pair in _PAIRS):
        return frozenset()
    regions: Dict[int, Region] = dict.fromkeys(seeds, EVERYTHING)
    back = (flat.inputs[op][index] for op, inputs in flat.loop_inputs.items() for index in inputs)
    regions.update((tensor, EVERYTHING) for tensor in back if carried.reaches(tensor))
    zeros: Set[Edge] = set()
    for op in reversed(order):
        if op not in stopped:
            _regions_of_inputs(rules, op, regions, zeros)
    return frozenset(zeros)


_PAIRS = ((JOINING, PARTING), (TAKES_PARTS, MAKES_COMPLEX))


def _reaches_op_of_type(rules: PatternLookup, carried: Walk, types: AbstractSet[str]) -> bool:
    """Return whether a gradient arrives at an op of one of these types."""
    flat = rules.flat
    kinds = {number for number, kind in enumerate(flat.kind_table) if kind.type in types}
    return bool(kinds) and any(flat.kinds[flat.producer[tensor]] in kinds for tensor in carried.order)


def _regions_of_inputs(rules: PatternLookup, op: int, regions: Dict[int, Region], zeros: Set[Edge]) -> None:
    """Return the regions of an op's inputs, given those of its outputs."""
    flat = rules.flat
    upstream = [(output, regions[tensor]) for output, tensor in enumerate(flat.outputs(op)) if tensor in regions]
    if not upstream:
        return
    kind, carried = flat.type(op), rules.row(op).carries
    limited = kind in PARTING | TAKES_PARTS or any(region is not EVERYTHING for _, region in upstream)
    move = MOVES.get(kind) if limited and rules.is_plain(op) else None
    info = None if move is None else _static_info(rules, op)
    full: Set[int] = set()
    for output, region in upstream:
        for index in carried[output]:
            source = flat.inputs[op][index]
            fresh = EVERYTHING if move is None or info is None else _input_region(info, move, output, index, region)
            if fresh and rules.passing[source]:
                full.add(index)
                source_region = regions.get(source)
                regions[source] = fresh if source_region is None else unite_regions(source_region, fresh)
    if info is not None:
        met = {index for output, _ in upstream for index in carried[output] if rules.passing[flat.inputs[op][index]]}
        zeros.update((op, index) for index in met - full)


def _input_region(info: StaticOpInfo, move: Move, output: int, index: int, region: Region) -> Region:
    """Return the region of an input; empty where only zeros arrive, everything where a damaged op lacks an input or output."""
    try:
        boxes = [move(info, output, index, dict(box)) for box in region]
    except IndexError:
        return EVERYTHING
    fresh = frozenset(freeze_box(box) for box in boxes if box is not None)
    return EVERYTHING if () in fresh else fresh


def _static_info(rules: PatternLookup, op: int) -> StaticOpInfo:
    flat = rules.flat
    inputs = flat.inputs[op]
    constants = (integers(flat.kind_table[flat.kinds[flat.producer[tensor]]]) for tensor in inputs)
    shapes = tuple(map(rules.shape, inputs)), tuple(map(rules.shape, flat.outputs(op)))
    return StaticOpInfo(attributes(flat.kind_table[flat.kinds[op]]), *shapes, tuple(constants))
