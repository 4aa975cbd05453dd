"""The kinds of op in a graph, and where each output of a kind begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import AbstractSet, Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from graphcut.graph import op_outputs
from graphcut.graph.attrs import parse_attrs, text
from graphcut.graph.flat import Kind
from graphcut.graph.flatten import calls
from graphcut.graph.flatten.node_bytes import NAMES, NodeFields, read_nodes
from graphcut.graph.messages import parse_nodes
from graphcut.graph.op_types import HANDLES
from graphcut.util.text import numeral

_LOOP_END = ("NextIteration", "RefNextIteration")
_LOOP_HEAD = ("Merge", "RefMerge")
_MOST_OUTPUTS = 10000
# limits of the form cache: this many forms, plus one for this many nodes, as debug information may be unique to an op
_FORMS_OF_NODES = 100
_SHARED_NAME = NAMES[3]
Layout = Tuple[Tuple[str, Tuple[int, ...]], ...]


@dataclass
class Kinds:
    """The kinds of op found so far, shared by all bodies of one graph, and the facts that determine an op's outputs."""

    op_defs: Callable[[str], Optional[op_outputs.Signature]]
    functions: Mapping[str, Any]
    opaque: AbstractSet[str] = frozenset()
    table: List[Kind] = field(default_factory=list)
    index: Dict[Any, int] = field(default_factory=dict)
    layouts: List[Layout] = field(default_factory=list)
    loop_ends: Set[int] = field(default_factory=set)
    loop_heads: Set[int] = field(default_factory=set)
    sizes: List[int] = field(default_factory=list)
    opens: List[bool] = field(default_factory=list)
    is_special: List[bool] = field(default_factory=list)
    unknown: Set[str] = field(default_factory=set)
    outputs: int = 0
    forms: Dict[bytes, int] = field(default_factory=dict)

    def read(self, nodes: Sequence[bytes]) -> Iterator[NodeFields]:
        """Yield the name, the kind (``UNKNOWN``: protobuf must read it), the inputs and new attributes of each node."""
        return read_nodes(nodes, self.forms, _FORMS_OF_NODES + len(nodes) // _FORMS_OF_NODES, self._plain_kind)

    def _plain_kind(self, op_type: str, attrs: Tuple[bytes, ...]) -> Optional[int]:
        kind = self.index.get((op_type, attrs))
        return None if kind is None or self.opens[kind] or op_type in self.unknown else kind

    def of_attrs(self, op_type: str, attrs: Tuple[bytes, ...]) -> int:
        """Return the index of the kind of a node. It is cached by the attributes, without those that name a single op."""
        kind = self.index.get((op_type, attrs))
        if kind is None:
            key = (op_type, tuple([attr for attr in attrs if not attr.startswith(NAMES)]))
            kind = self.index.get(key)
            kind = self._add(key, self._layout(*key)) if kind is None else kind
        return kind

    def of_outputs(self, op_type: str, outputs: Tuple[int, ...], attrs: Tuple[bytes, ...] = ()) -> int:
        """Return the index of the kind of a node that graphcut adds: ``_Arg``, ``_Retval``, ``_LoopVar``."""
        key = (op_type, attrs, outputs)
        number = self.index.get(key)
        return self._add(key, (("output", outputs),)) if number is None else number

    def of_unknown(self, node: Any, outputs: int) -> int:
        """Return the index of the kind of a node with an unknown type and this number of outputs that are read."""
        key = (node.op, tuple(node.attr), outputs)
        layout = guess_layout(parse_attrs(tuple(node.attr)), outputs)
        number = self.index.get(key)
        return self._add(key, layout) if number is None else number

    def _add(self, key: Any, layout: Layout) -> int:
        outputs = tuple(dtype for _, dtypes in layout for dtype in dtypes)
        self.index[key] = len(self.table)
        if key[0] in _LOOP_END:
            self.loop_ends.add(len(self.table))
        if key[0] in _LOOP_HEAD:
            self.loop_heads.add(len(self.table))
        self.outputs += len(outputs)
        calls.check_outputs(self.outputs, len(self.table))
        self.table.append(Kind(key[0], key[1], outputs))
        self.layouts.append(layout)
        self.sizes.append(len(outputs))
        self.opens.append(key[0] not in self.opaque and calls.is_call(key[0], self.functions))
        self.is_special.append(self.opens[-1] or key[0] in HANDLES or key[0] in self.unknown)
        return self.index[key]

    def _layout(self, op_type: str, attrs: Tuple[bytes, ...]) -> Layout:
        if op_type in self.functions:
            return tuple((arg.name, (arg.type,)) for arg in self.functions[op_type].signature.output_arg)
        signature = self.op_defs(op_type) or op_outputs.find_signature(op_type)
        if signature is None:
            self.unknown.add(op_type)
            return guess_layout(parse_attrs(attrs), 1)
        return op_outputs.layout(signature, {} if signature.is_fixed else parse_attrs(attrs))


def shared_name(op_type: str, attrs: Tuple[bytes, ...]) -> str:
    """Return the shared name of a variable's handle; empty if it has none."""
    for attr in attrs:
        if attr.startswith(_SHARED_NAME):
            value = attr[len(_SHARED_NAME) :]
            # a short string as TensorFlow writes it, nested fields; protobuf reads anything else
            if len(value) > 4 and value[0] == value[2] == 18 and value[1] == len(value) - 2 == value[3] + 2 < 128:
                return value[4:].decode("utf-8", "replace")
    return text(Kind(op_type, attrs, ()), "shared_name")


def guess_layout(values: Mapping[str, Any], outputs: int) -> Layout:
    """Return outputs of the dtype in ``T`` or ``dtype``, else of an unknown dtype; nothing more is known about such a type."""
    for name in ("Tout", "T", "dtype"):
        listed = tuple(values[name].list.type) if name in values else ()
        if len(listed) >= outputs:
            return (("output", listed),)
        if name in values and values[name].type:
            return (("output", (values[name].type,) * outputs),)
    return (("output", (0,) * outputs),)


def unknown_outputs(data: Sequence[bytes], unknown: AbstractSet[str]) -> Dict[str, int]:
    """Return, by name, the number of outputs that are read of each node whose type is in ``unknown``."""
    nodes = list(parse_nodes(data)) if unknown else []
    used = {node.name: 1 for node in nodes if node.op in unknown}
    for read in (read for node in nodes for read in node.input) if used else ():
        name, _, rest = read.partition(":")
        number = numeral(rest.rpartition(":")[2]) if name in used else None
        if number is not None and number < _MOST_OUTPUTS:
            used[name] = max(used[name], number + 1)
    return used
