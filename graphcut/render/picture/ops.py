"""Look up the ops of a graph by number, for pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, FrozenSet, List, Mapping, Optional, Tuple

from graphcut.results import VariableAudit

if TYPE_CHECKING:
    from graphcut.graph.flat import FlatGraph
    from graphcut.render.protocols import PictureFacts


@dataclass(frozen=True, eq=False)
class Ops:
    """The ops of a graph: ``numbers`` maps names to numbers, ``variables`` maps ops to audited variables, ``losses`` are ops.

    A variable that is not in the graph has a number beyond those of the ops.
    """

    flat: FlatGraph
    numbers: Mapping[str, int]
    variables: Mapping[int, Tuple[VariableAudit, ...]]
    losses: FrozenSet[int]

    def of_tensor(self, tensor: str) -> Optional[int]:
        """Return the op of ``a/b:0`` or ``a/b``."""
        return self.numbers.get(op_of(tensor))

    def of_variable(self, variable: VariableAudit) -> Optional[int]:
        """Return the op that stands for a variable, or ``None`` if the graph has none."""
        return self.of_tensor(variable.tensor) if variable.tensor else None

    def name(self, op: int) -> str:
        """Return the name of an op, or of a variable that the graph does not hold."""
        return self.flat.names[op] if op < len(self.flat.names) else self.variables[op][0].name

    def type(self, op: int) -> str:
        """Return the type of an op; empty for a variable that the graph does not hold."""
        return self.flat.type(op) if op < len(self.flat.names) else ""


def op_of(tensor: str) -> str:
    """``a/b`` for ``a/b:0`` and for ``a/b``."""
    name, _, output = tensor.rpartition(":")
    return name if name and output.isdigit() else tensor


def variable_op(variable: VariableAudit) -> str:
    """Return the name that a box shows for a variable: that of its op, or the variable's own if it has no op."""
    return op_of(variable.tensor) if variable.tensor else variable.name


def ops(facts: PictureFacts) -> Ops:
    """Return the ops of an audit's graph."""
    numbers = {name: op for op, name in enumerate(facts.flat.names)}
    result = Ops(facts.flat, numbers, {}, frozenset())
    variables: Dict[int, List[VariableAudit]] = {}
    missing = len(numbers)
    for each in facts.variables:
        op = result.of_variable(each)
        variables.setdefault(missing if op is None else op, []).append(each)
        missing += op is None
    losses = frozenset(op for op in map(result.of_tensor, facts.loss) if op is not None)
    return Ops(facts.flat, numbers, {op: tuple(each) for op, each in variables.items()}, losses)
