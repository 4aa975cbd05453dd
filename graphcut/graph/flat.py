"""The flat graph: every op of a graph, with function bodies expanded, as columns.

An *op* is an index into the columns, and a *tensor* is a number, too: the outputs of op ``i`` are the tensors
``first_output[i]`` to ``first_output[i + 1] - 1``. The analysis works on these columns; the DAG is for people and networkx.

The body of each call is expanded in place, one copy for each call. An op ``MatMul`` of the body that the op ``call``
runs is named ``call!MatMul`` (``cond!then!MatMul``, ``loop!body!MatMul``); TensorFlow forbids ``!`` and ``#`` in names. Each
argument is a node ``_Arg``, each result a node ``_Retval``, and each loop variable a node ``_LoopVar``, so unrelated outputs
stay unconnected. The call's own node keeps only its control edges.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import Collection, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from graphcut.util.caching import cached_weakly

SEPARATOR = "!"

Shape = Optional[Tuple[Optional[int], ...]]


@dataclass(frozen=True)
class Kind:
    """The common properties of ops of one kind: type, serialized attributes (``AttrEntry`` bytes), dtypes of the outputs."""

    type: str
    attrs: Tuple[bytes, ...]
    outputs: Tuple[int, ...]


@dataclass(frozen=True)
class Call:
    """A call, conditional or loop that was expanded.

    ``op`` is its own node; ``inputs`` are the tensors passed to the bodies; ``predicate`` is the tensor that picks the branch;
    ``branches`` are labelled function names; ``variables`` (only of loops) and ``results`` are ops; ``arguments`` and
    ``returns`` hold, for each branch, the ``_Arg`` ops and the tensors returned.
    """

    op: int
    type: str
    inputs: Tuple[int, ...]
    predicate: Optional[int]
    branches: Tuple[Tuple[str, str], ...]
    variables: Tuple[int, ...]
    results: Tuple[int, ...]
    arguments: Tuple[Tuple[int, ...], ...] = ()
    returns: Tuple[Tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Context:
    """One expanded copy of a function body: the call it belongs to, the function, and the label of the branch."""

    call: int
    function: str
    label: str


@dataclass(frozen=True, eq=False)
class FlatGraph:
    """A graph as columns; see the module's docstring.

    ``contexts[i]`` is the index of the ``Context`` that op ``i`` lives in, -1 for the graph itself. ``loop_inputs`` maps the
    ops at the head of a loop to the inputs that are loop back-edges, ``shared`` maps the handles of variables to their shared
    names. ``undifferentiable`` holds the variant tensors whose elements are known to have no gradient (a TensorList of
    integers). ``pass_through`` and ``assumed_open`` are the assumptions of an edit (see ``graph_edits``): the inputs that ops
    pass every gradient on to, and the tensors that carry a gradient whatever their dtype.
    """

    names: Sequence[str]
    kinds: Sequence[int]
    kind_table: Sequence[Kind]
    inputs: Sequence[Tuple[int, ...]]
    controls: Sequence[Tuple[int, ...]]
    first_output: Sequence[int]
    producer: Sequence[int]
    dtypes: Sequence[int]
    contexts: Sequence[int]
    context_table: Sequence[Context]
    calls: Sequence[Call]
    loop_inputs: Dict[int, Tuple[int, ...]]
    shared: Mapping[int, str] = field(default_factory=dict)
    undifferentiable: FrozenSet[int] = frozenset()
    pass_through: Mapping[int, Tuple[int, ...]] = field(default_factory=dict)
    assumed_open: FrozenSet[int] = frozenset()

    def type(self, op: int) -> str:
        """Return the op's type, such as ``MatMul``."""
        return self.kind_table[self.kinds[op]].type

    def outputs(self, op: int) -> range:
        """Return the op's output tensors."""
        return range(self.first_output[op], self.first_output[op + 1])

    def tensor_name(self, tensor: int) -> str:
        """Return the name of a tensor, such as ``op:0``."""
        op = self.producer[tensor]
        return "%s:%d" % (self.names[op], tensor - self.first_output[op])

    def function(self, op: int) -> Optional[str]:
        """Return the name of the function whose body the op came from, ``None`` for the graph itself."""
        context = self.contexts[op]
        return None if context < 0 else self.context_table[context].function


def ops_of_kinds(flat: FlatGraph, kinds: Collection[int]) -> Sequence[int]:
    """Return the ops of some kinds, in the graph's order, without a look at the others."""
    runs = [_ops_by_kind(flat)[kind] for kind in kinds]
    return runs[0] if len(runs) == 1 else sorted(chain.from_iterable(runs))


@cached_weakly
def _ops_by_kind(flat: FlatGraph) -> Sequence[Sequence[int]]:
    ops: List[List[int]] = [[] for _ in flat.kind_table]
    for op, kind in enumerate(flat.kinds):
        ops[kind].append(op)
    return ops
