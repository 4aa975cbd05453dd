"""The loss that is meant when none is named, and how it was found."""

from __future__ import annotations

from typing import List, Optional, Tuple

from graphcut.dag import FlatGraph
from graphcut.errors import GraphcutError, printable
from graphcut.reading.backward import FLOATS, differentiated
from graphcut.reading.names import Names
from graphcut.reading.source import Origin

Chosen = Tuple[Tuple[int, ...], str]


def default_loss(flat: FlatGraph, names: Names, origin: Origin) -> Chosen:
    """The tensors of the loss and the words that say how it was chosen; an error with the candidates where none is."""
    return (
        _only_output(names, origin)
        or _differentiated(flat, names)
        or _collected(names, origin)
        or _refused(flat, names, origin)
    )


def _only_output(names: Names, origin: Origin) -> Optional[Chosen]:
    tensors = [tensor for name in origin.outputs.values() for tensor in names.tensors(name)]
    floats = [tensor for tensor in dict.fromkeys(tensors) if names.flat.dtypes[tensor] % 100 in FLOATS]
    if len(floats) == 1:
        return tuple(floats), "the only float output"
    return (tuple(tensors), "the only output") if len(tensors) == 1 else None


def _differentiated(flat: FlatGraph, names: Names) -> Optional[Chosen]:
    losses = differentiated(flat, names)
    if len(losses) > 1:
        shown = ", ".join(printable(flat.tensor_name(each[0])) for each in losses[:6])
        raise GraphcutError("the graph takes the gradients of %d losses\nName one with loss=: %s" % (len(losses), shown))
    return (losses[0], "the graph's own backward part") if losses else None


def _collected(names: Names, origin: Origin) -> Optional[Chosen]:
    tensors = [tensor for name in origin.collected for tensor in names.tensors(name)]
    return (tuple(tensors), "the losses collection") if tensors else None


_STEP = "\nA step that takes its gradients itself is for graphcut.audit_step."


def _refused(flat: FlatGraph, names: Names, origin: Origin) -> Chosen:
    outputs = ["%s (%s)" % (printable(key), name) for key, name in origin.outputs.items()]
    named = outputs or [printable(flat.tensor_name(tensor)) for tensor in ends(flat)]
    shown = ", ".join(named[:6]) + (" and %d more" % (len(named) - 6) if len(named) > 6 else "")
    step = _STEP if origin.label.startswith("function ") else ""
    raise GraphcutError(
        "no loss was named and none can be told from %s\nName it with loss=; candidates: %s%s"
        % (printable(origin.label), shown or "none, nothing here is a float", step)
    )


def ends(flat: FlatGraph) -> List[int]:
    """The float tensors outside of functions that nothing reads, those with *loss* in their name first, then the latest."""
    read = {tensor for inputs in flat.inputs for tensor in inputs}
    outside = (op for op, context in enumerate(flat.contexts) if context < 0 and flat.inputs[op])
    made = [op for op in outside if not flat.type(op).startswith("ReadVariable")]
    free = [flat.first[op] for op in made if flat.outputs(op) and flat.first[op] not in read]
    floats = [tensor for tensor in reversed(free) if flat.dtypes[tensor] in FLOATS]
    return sorted(floats, key=lambda tensor: "loss" not in flat.names[flat.producer[tensor]].lower())
