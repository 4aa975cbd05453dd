"""How many inputs the ops have whose gradient is computed from their surroundings, where the walks read them by place."""

from __future__ import annotations

from graphcut.dag import FlatGraph
from graphcut.errors import GraphcutError, printable

_ONE = ("Enter", "Exit", "NextIteration", "RefEnter", "RefExit", "RefNextIteration", "LoopCond", "Shape", "ReadVariableOp")
INPUTS = {**dict.fromkeys(_ONE, 1), "Switch": 2, "RefSwitch": 2, "ResourceGather": 2, "ResourceGatherNd": 2}


def check(flat: FlatGraph) -> None:
    """Refuse a graph in which such an op has too few inputs or too many; TensorFlow could not have built it."""
    wanted = {kind: INPUTS[each.type] for kind, each in enumerate(flat.kind_table) if each.type in INPUTS}
    for op, kind in enumerate(flat.kinds):
        if kind in wanted and len(flat.inputs[op]) != wanted[kind]:
            raise GraphcutError(
                "op %s (%s) has %d inputs, its type takes %d\nThe file is damaged, or was edited by hand."
                % (printable(flat.names[op]), flat.type(op), len(flat.inputs[op]), wanted[kind])
            )
