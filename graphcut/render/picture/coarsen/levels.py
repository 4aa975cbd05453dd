"""Choose the finest level of merging that is small enough to read.

The coarsest level has at most a few dozen boxes for any graph, so no picture has more than ``AT_MOST``.
"""

from __future__ import annotations

from typing import Callable, Hashable, Iterator, Mapping, Optional, Sequence, Tuple

from graphcut.render.picture.coarsen.barrier_groups import namesakes, neighbours, same_kind
from graphcut.render.picture.coarsen.contract import contract_plumbing, without_rows
from graphcut.render.picture.coarsen.merge import (
    Kinds,
    barest,
    by_scope,
    flow_folded,
    fold_behind_barriers,
    sides_of,
    without_cycles,
)
from graphcut.render.picture.quotient import Sketch, without_own_cuts
from graphcut.render.picture.scopes import unnumbered_scope
from graphcut.render.picture.view import AT_MOST, PictureOptions

_FEW, _SOME = 16, 30
Families = Mapping[int, Hashable]


def readable(sketch: Sketch, kinds: Kinds, view: PictureOptions) -> Sketch:
    """Return the finest sketch that is small enough to read.

    Plumbing is merged first, then the ops behind barriers, unbranched rows, numbered layers, scopes (inner ones first) and
    barriers.
    """
    boxes = min(AT_MOST, (AT_MOST if view.detail == "ops" else view.boxes) + len(kinds.keep_separate))
    result = sketch
    for result, enough in _levels(sketch, kinds, view.detail, boxes):
        if len(result) <= enough:
            break
    return without_own_cuts(result)


def _levels(sketch: Sketch, kinds: Kinds, detail: Optional[str], boxes: int) -> Iterator[Tuple[Sketch, int]]:
    if detail == "ops":
        yield sketch, boxes
    sketch = contract_plumbing(sketch, kinds)
    if detail is None and (kinds.is_cut or len(without_rows(sketch, kinds, sketch.nodes)) > _FEW):
        sketch = without_rows(flow_folded(sketch, kinds, sides_of(sketch, kinds, {})), kinds, kinds.live)
    if detail in (None, "ops"):
        yield sketch, boxes if detail else min(_FEW, boxes)
        sketch = without_rows(sketch, kinds, sketch.nodes)
        if detail:
            yield sketch, boxes
        sides = sides_of(sketch, kinds, {})
        yield fold_behind_barriers(sketch, kinds, sides), boxes if detail else min(_SOME, boxes)
        scopes = kinds.scopes(sketch)
        layers = {
            node: unnumbered_scope(scopes[node]) or (scopes[node][:1] if sides[node][0] else node) for node in sketch.nodes
        }
        yield by_scope(sketch, kinds, layers, sides, {}), boxes
    scopes = kinds.scopes(sketch)
    deepest = 0 if detail == "variables" else max(map(len, scopes.values()), default=0)
    result = _sketch_of_scopes(sketch, kinds, scopes, deepest, {}, boxes)
    yield result, boxes
    for related in (neighbours, namesakes, same_kind):
        result = _sketch_of_scopes(sketch, kinds, scopes, deepest, related(result, kinds), boxes)
        yield result, boxes
    result = barest(sketch, kinds, same_kind(sketch, kinds))
    yield result, AT_MOST
    yield without_cycles(result, kinds), boxes


def _sketch_of_scopes(
    sketch: Sketch, kinds: Kinds, scopes: Mapping[int, Tuple[str, ...]], deepest: int, families: Families, boxes: int
) -> Sketch:
    """Return the sketch merged by the deepest scopes that give at most ``boxes`` nodes, else merged without scopes."""
    sides = sides_of(sketch, kinds, families)

    def cut_at(depth: int) -> Sketch:
        return by_scope(sketch, kinds, {node: scope[:depth] for node, scope in scopes.items()}, sides, families)

    return _first_that(cut_at, range(deepest, -1, -1), boxes)


def _first_that(make: Callable[[int], Sketch], depths: Sequence[int], limit: int) -> Sketch:
    """Return the sketch of the first depth with at most ``limit`` nodes, else of the last, by bisection."""
    low, high = 0, len(depths) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if len(make(depths[middle])) <= limit else (middle + 1, high)
    return make(depths[low])
