"""The loss that the user means, and the tensors that count as constants."""

from __future__ import annotations

from typing import Any, FrozenSet, Mapping, NamedTuple, Optional, Tuple

from graphcut.dag import dtype_name
from graphcut.errors import GraphcutError, near_names, printable
from graphcut.reading.losses import default_loss
from graphcut.sources import Traced
from graphcut.targets import components, listed
from graphcut.terms import BarrierKind

_REFUSED = frozenset(("string", "complex64", "complex128", "resource", "variant"))


class Loss(NamedTuple):
    """The tensors of the loss (several are summed), and the words that say how it was chosen; ``dead`` are those whose
    gradient starts from zeros."""

    tensors: Tuple[int, ...]
    source: str
    dead: FrozenSet[int] = frozenset()


def chosen(traced: Traced, asked: Any) -> Loss:
    """The loss that ``loss=`` names, or the default one."""
    if asked is None:
        loss = Loss(*default_loss(traced.flat, traced.names, traced.origin))
    else:
        loss = Loss(
            tuple(dict.fromkeys(tensor for key in listed(asked) for tensor in tensors_of(traced, key, "loss"))),
            "asked for",
        )
    if not loss.tensors:
        raise GraphcutError("loss= was given no tensor\nName at least one.")
    for tensor in loss.tensors:
        _check_dtype(traced, tensor)
    return loss


def _check_dtype(traced: Traced, tensor: int) -> None:
    """As ``gradients_util._DefaultGradYs``: a complex or string loss has no gradient to start from."""
    dtype = dtype_name(traced.flat.dtypes[tensor])
    if dtype in _REFUSED:
        name = printable(traced.flat.tensor_name(tensor))
        advice = "Take a real part, an absolute value or a sum." if dtype.startswith("complex") else "Name a float tensor."
        raise LossTypeError(
            "the loss %s is of dtype %s; TensorFlow takes gradients of real numbers alone\n%s" % (name, dtype, advice)
        )


class LossTypeError(GraphcutError, TypeError):
    """A complex or string loss: TensorFlow's ``TypeError``."""


def tensors_of(traced: Traced, key: Any, asked: str) -> Tuple[int, ...]:
    """The tensors that a tensor, a name or an output's key means; ``asked`` is the argument that it was given for."""
    names = (each if isinstance(each, str) else _name(traced, each, asked) for each in components(key))
    outputs = traced.origin.outputs
    return tuple(tensor for name in names for tensor in _required(traced, outputs.get(name, name), asked))


def _required(traced: Traced, name: str, asked: str) -> Tuple[int, ...]:
    """The tensors of a name; an error names what is near, outputs first."""
    outputs, names = traced.origin.outputs, traced.names
    if not outputs or names.ops(name.rpartition(":")[0] or name) or names.ops(name):
        return names.required(name, asked)
    near = near_names(name, outputs) or near_names(name, names.candidates())
    shown = ", ".join(printable(key) for key in list(outputs)[:6])
    raise GraphcutError(
        "no tensor or output named %s%s\n%s= takes tensors and outputs: %s" % (printable(name), near, asked, shown)
    )


def _name(traced: Traced, key: Any, asked: str) -> str:
    from graphcut.tracing import objects

    inner = objects.variable_of(key)
    variable = traced.index.by_object(inner)
    name = traced.index.tensor_name(inner) or (variable.tensors[0] if variable is not None and variable.tensors else "")
    name = name or ("" if objects.is_variable(key) else getattr(key, "name", ""))
    if not isinstance(name, str) or not name:
        raise GraphcutError(
            "%s= was given a value of type %s that is no tensor of this graph\nIt takes tensors and names."
            % (asked, type(key).__name__)
        )
    return name


class Stopped(NamedTuple):
    """The ops whose outputs count as constants, and the calls whose gradient is taken by ``SymbolicGradient`` instead.

    ``reasons`` tells the barrier of an op where that is not ``stop_gradients=``; ``None``: it bears none of its own.
    ``unwatched`` are tensors that get no gradient whatever reads them, each with the barrier that is named, if any is.
    ``idle`` are those of ``ops`` that a tape would record if it watched what they read.
    """

    ops: FrozenSet[int] = frozenset()
    symbolic: FrozenSet[int] = frozenset()
    reasons: Mapping[int, Optional[BarrierKind]] = {}
    unwatched: Mapping[int, Optional[BarrierKind]] = {}
    idle: FrozenSet[int] = frozenset()


def stop_ops(traced: Traced, asked: Any) -> Stopped:
    """What ``stop_gradients=`` stops: the whole op, all its outputs included (``gradients_util._StopOps``).

    A function call named there is not stopped: ``_GradientsHelper`` looks up no gradient function for it and then takes
    ``SymbolicGradient``, as for any function without one. The exit of a v1 loop stops its whole loop variable: the gradient
    of a loop's ``Switch`` is ``None`` until one has come from the exit (``_SwitchGrad``).
    """
    flat = traced.flat
    ops = {flat.producer[tensor] for key in listed(asked) for tensor in tensors_of(traced, key, "stop_gradients")}
    symbolic = {op for op in ops if flat.type(op) in traced.origin.opaque}
    ops -= symbolic
    for call in flat.calls if ops else ():
        if ops.intersection(call.results):
            ops.difference_update(call.results)
            if call.variables or call.predicate is not None:
                ops.update(call.results)
            else:
                symbolic.add(call.op)
    exits = [op for op in ops if flat.type(op) in ("Exit", "RefExit")]
    ops.update(flat.producer[flat.inputs[op][0]] for op in exits)
    return Stopped(frozenset(ops), frozenset(symbolic))
