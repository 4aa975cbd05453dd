"""Edits of a flat graph: remove stops, treat other barriers as open, stop tensors. Each returns a new graph.

Existing ops and tensors keep their numbers; new ones come last.
"""

from __future__ import annotations

from dataclasses import replace
from typing import AbstractSet, Callable, Dict, Iterable, Iterator, List, Mapping, Sequence, Tuple

from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.graph.attrs import entry
from graphcut.graph.dtypes import base_dtype
from graphcut.graph.flat import Call, FlatGraph, Kind, Shape
from graphcut.graph.messages import CLASSES
from graphcut.graph.writing_ops import written_inputs
from graphcut.results import BarrierKind

ShapeOf = Callable[[int], Shape]
Readers = Mapping[int, Sequence[Tuple[int, int]]]


def remove_stops(flat: FlatGraph, ops: AbstractSet[int]) -> FlatGraph:
    """Return the graph with these ``StopGradient`` and ``PreventGradient`` ops replaced by ``Identity``."""
    table, kinds = list(flat.kind_table), list(flat.kinds)
    new_kinds: Dict[int, int] = {}
    for op in sorted(ops):
        kind = kinds[op]
        if kind not in new_kinds:
            new_kinds[kind] = len(table)
            table.append(replace(table[kind], type="Identity"))
        kinds[op] = new_kinds[kind]
    return replace(flat, kind_table=tuple(table), kinds=kinds)


def open_ops(rules: PatternLookup, ops: AbstractSet[int], stops: AbstractSet[int] = frozenset()) -> FlatGraph:
    """Return the graph as if these ops passed every gradient on to every input.

    A rounding becomes straight-through, a choice becomes soft. Their discrete results then count as numbers, and so does
    everything computed from them, up to the next barrier (see ``barrier_edges``). The ops in ``stops`` are removed as well, so
    they are no such barrier.
    """
    flat, passing = rules.flat, rules.passing
    pass_through = {**flat.pass_through, **{op: tuple(range(len(flat.inputs[op]))) for op in ops}}
    waiting = [tensor for op in sorted(ops) for tensor in flat.outputs(op) if not passing[tensor]]
    opened = set(waiting)
    readers = readers_of(flat, _every) if waiting else {}
    while waiting:
        for op, index in readers.get(waiting.pop(), ()):
            if op in ops or op in stops or _dtype_blocks(rules, op, index):
                pass_through[op] = tuple(sorted({*pass_through.get(op, ()), index}))
                fresh = [each for each in flat.outputs(op) if not passing[each] and each not in opened]
                opened.update(fresh)
                waiting.extend(fresh)
    return replace(flat, pass_through=pass_through, assumed_open=flat.assumed_open.union(opened))


def _dtype_blocks(rules: PatternLookup, op: int, index: int) -> bool:
    """Return whether only the dtype keeps a gradient from this input: a float input would get one."""
    discrete = not any(rules.passing[tensor] for tensor in rules.flat.outputs(op))
    is_explained = discrete or rules.row(op).barriers[index] in (None, BarrierKind.DTYPE)
    return is_explained and rules.soft_barrier(op, index) is None


def _every(op: int, index: int) -> bool:
    return True


def readers_of(flat: FlatGraph, counts: Callable[[int, int], bool]) -> Readers:
    """Return the readers of each tensor: op and input."""
    readers: Dict[int, List[Tuple[int, int]]] = {}
    for op, inputs in enumerate(flat.inputs):
        for index, tensor in enumerate(inputs):
            if counts(op, index):
                readers.setdefault(tensor, []).append((op, index))
    return readers


def insert_stops(flat: FlatGraph, tensors: Iterable[int], shape_of: ShapeOf) -> Tuple[FlatGraph, Dict[int, int]]:
    """Return the graph with a ``StopGradient`` behind each of the tensors, and the stop that replaces each tensor."""
    listed = list(dict.fromkeys(tensors))
    copies = {tensor: len(flat.dtypes) + index for index, tensor in enumerate(listed)}
    ops = list(range(len(flat.names), len(flat.names) + len(listed)))
    kinds = [_stop_kind(base_dtype(flat.dtypes[tensor]), shape_of(tensor)) for tensor in listed]
    table = tuple(dict.fromkeys(kinds))
    places = {kind: len(flat.kind_table) + place for place, kind in enumerate(table)}
    return replace(
        flat,
        names=[*flat.names, *_names(flat, listed)],
        kinds=[*flat.kinds, *[places[kind] for kind in kinds]],
        kind_table=tuple(flat.kind_table) + table,
        inputs=[*_rewire(flat, copies), *[(tensor,) for tensor in listed]],
        controls=[*flat.controls, *[() for _ in listed]],
        first_output=[*flat.first_output, *[len(flat.dtypes) + index + 1 for index in range(len(listed))]],
        producer=[*flat.producer, *ops],
        dtypes=[*flat.dtypes, *[kind.outputs[0] for kind in kinds]],
        contexts=[*flat.contexts, *[flat.contexts[flat.producer[tensor]] for tensor in listed]],
        calls=tuple(_rewired_call(call, copies) for call in flat.calls),
        undifferentiable=flat.undifferentiable.union(copies[tensor] for tensor in listed if tensor in flat.undifferentiable),
        assumed_open=flat.assumed_open.union(copies[tensor] for tensor in listed if tensor in flat.assumed_open),
    ), copies  # fmt: skip


def _stop_kind(dtype: int, shape: Shape) -> Kind:
    message = CLASSES["Shape"](unknown_rank=shape is None)
    for size in shape or ():
        message.dim.add(size=-1 if size is None else size)
    shapes = CLASSES["AttrValue"]()
    shapes.list.shape.append(message)
    shape_entry = CLASSES["AttrEntry"](key="_output_shapes", value=shapes).SerializeToString()
    return Kind("StopGradient", (entry("T", type=dtype), shape_entry), (dtype,))


def _names(flat: FlatGraph, tensors: Sequence[int]) -> Iterator[str]:
    """Return names that no TensorFlow op can have."""
    names = set(flat.names)
    for tensor in tensors:
        op = flat.producer[tensor]
        name = "%s/stop_gradient#%d" % (flat.names[op], tensor - flat.first_output[op])
        while name in names:
            name += "#"
        names.add(name)
        yield name


def _rewire(flat: FlatGraph, copies: Mapping[int, int]) -> Iterator[Tuple[int, ...]]:
    """Yield the inputs of every op, with stops in place of the tensors; an op that writes a variable keeps its reference."""
    for op, inputs in enumerate(flat.inputs):
        if copies.keys().isdisjoint(inputs):
            yield inputs
        else:
            dtypes = [flat.dtypes[tensor] for tensor in inputs]
            first_input = 1 if 0 in written_inputs(flat.type(op), dtypes, flat.kind_table[flat.kinds[op]].outputs) else 0
            yield inputs[:first_input] + _replace_tensors(inputs[first_input:], copies)


def _rewired_call(call: Call, copies: Mapping[int, int]) -> Call:
    predicate = None if call.predicate is None else copies.get(call.predicate, call.predicate)
    returns = tuple(_replace_tensors(each, copies) for each in call.returns)
    return replace(call, inputs=_replace_tensors(call.inputs, copies), predicate=predicate, returns=returns)


def _replace_tensors(tensors: Iterable[int], copies: Mapping[int, int]) -> Tuple[int, ...]:
    return tuple(copies.get(each, each) for each in tensors)
