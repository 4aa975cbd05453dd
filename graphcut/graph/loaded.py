"""A loaded graph with its names and variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

from graphcut.graph import attrs
from graphcut.graph.flat import SEPARATOR, FlatGraph, Kind, Shape
from graphcut.graph.metadata import GraphMetadata, Variable
from graphcut.graph.names import Names
from graphcut.graph.variables import root
from graphcut.util.caching import cached_property


class VariableIndex:
    """Index of a graph's variables by name, by the name of a tensor, and by live object.

    The dictionaries are built at the first lookup.

    If several variables match a key, the first one counts. Live objects are compared by identity: ``variables`` keep them
    alive, so an ``id`` is not reused.
    """

    def __init__(self, variables: Sequence[Variable], find_tensor_name: Callable[[Any], str]) -> None:
        self._variables, self._find_tensor_name = variables, find_tensor_name

    def _places(self, keys: Callable[[Variable], Iterable[Any]]) -> Dict[Any, int]:
        """Map each key to the index of the first variable that has it."""
        places: Dict[Any, int] = {}
        for place, each in enumerate(self._variables):
            for key in keys(each):
                places.setdefault(key, place)
        return places

    @cached_property
    def _names(self) -> Dict[str, int]:
        return self._places(lambda each: (each.name,))

    @cached_property
    def _tensors(self) -> Dict[str, int]:
        return self._places(lambda each: each.tensors)

    @cached_property
    def _objects(self) -> Dict[int, int]:
        return self._places(lambda each: map(id, each.objects))

    @cached_property
    def _parts(self) -> Dict[str, List[Variable]]:
        parts: Dict[str, List[Variable]] = {}
        for each in self._variables:
            if each.whole is not None:
                parts.setdefault(each.whole.name, []).append(each)
        return parts

    def by_name(self, name: str) -> Optional[Variable]:
        """Return the variable with exactly that name."""
        return self._at(self._names.get(name))

    def by_key(self, name: str, tensor: str) -> Optional[Variable]:
        """Return the first variable with that name or that tensor."""
        places = [place for place in (self._names.get(name), self._tensors.get(tensor)) if place is not None]
        return self._at(min(places, default=None))

    def by_object(self, *objects: Any) -> Optional[Variable]:
        """Return the first variable that one of these live objects represents."""
        return self._at(min((self._objects[id(each)] for each in objects if id(each) in self._objects), default=None))

    def parts(self, name: str) -> Sequence[Variable]:
        """Return the parts of the partitioned variable of that name."""
        return self._parts.get(name, ())

    def tensor_name(self, value: Any) -> str:
        """Return the name of the tensor in the live graph for a live object; empty if there is none."""
        return self._find_tensor_name(value)

    def _at(self, place: Optional[int]) -> Optional[Variable]:
        return None if place is None else self._variables[place]


@dataclass(frozen=True)
class LoadedGraph:
    """A loaded graph: its ops, origin, variables and names.

    ``edited``: it is the result of a hypothetical edit.
    """

    flat: FlatGraph
    origin: GraphMetadata
    variables: Tuple[Variable, ...]
    names: Names
    index: VariableIndex
    edited: bool = False

    def shapes(self, op: int) -> Tuple[Shape, ...]:
        """Return the static shapes of an op's outputs; ``None`` for unknown ones."""
        flat = self.flat
        name = flat.names[op].rpartition(SEPARATOR)[2]
        live = self.origin.shapes(flat.function(op), name) if self.origin.live is not None else None
        shapes = _shapes(flat.kind_table[flat.kinds[op]], live)
        return self._shape_of_read(op) if shapes == (None,) and flat.type(op) == "ReadVariableOp" else shapes

    def _shape_of_read(self, op: int) -> Tuple[Shape, ...]:
        """Return the shape of the variable that an op reads; a file without shapes of ops may have those of variables."""
        flat = self.flat
        if not flat.inputs[op]:
            return (None,)
        handle = flat.producer[root(flat, flat.inputs[op][0])]
        return _shapes(flat.kind_table[flat.kinds[handle]], None) if flat.type(handle) == "VarHandleOp" else (None,)

    def every_shape(self) -> Iterator[Tuple[Shape, ...]]:
        """Yield the static shapes of the outputs of each op, in order."""
        flat, kinds, shapes = self.flat, self.flat.kind_table, self.origin.shapes
        if self.origin.live is None:
            shapes_of_kinds = [_shapes(kind, None) for kind in kinds]
            yield from map(shapes_of_kinds.__getitem__, flat.kinds)
            return
        functions = [context.function for context in flat.context_table] + [None]
        counts = [len(kind.outputs) for kind in kinds]
        for name, kind, context in zip(flat.names, flat.kinds, flat.contexts):
            own = name if context < 0 else name.rpartition(SEPARATOR)[2]
            shapes_of_op = shapes(functions[context], own) if counts[kind] else ()
            yield (
                shapes_of_op
                if shapes_of_op is not None and len(shapes_of_op) == counts[kind]
                else _shapes(kinds[kind], shapes_of_op)
            )

    def place(self, op: int) -> Tuple[Optional[str], bool]:
        """Return the ``file:line`` of an op, and whether a library made it."""
        return self.origin.where(self.flat.function(op), self.flat.names[op].rpartition(SEPARATOR)[2])

    def frames(self, op: int) -> Tuple[str, ...]:
        """Return the ``file:line`` of each of the user's frames of an op, innermost first; without frames, only the place."""
        finder = getattr(self.origin.where, "frames", None)
        if finder is not None:
            user_frames: Tuple[str, ...] = finder(self.flat.function(op), self.flat.names[op].rpartition(SEPARATOR)[2])
            return user_frames
        where, _ = self.place(op)
        return () if where is None else (where,)


def _shapes(kind: Kind, live: Optional[Tuple[Shape, ...]]) -> Tuple[Shape, ...]:
    """Return the shapes of an op's outputs, from the live graph, else from its attributes."""
    shapes = live or (attrs.output_shapes(kind) if kind.outputs else None) or ()
    return shapes if len(shapes) == len(kind.outputs) else (None,) * len(kind.outputs)
