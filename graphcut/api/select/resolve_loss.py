"""Resolve the loss, the gradient that it starts from, and the tensors that count as constants."""

from __future__ import annotations

import re
from typing import Any, Dict, FrozenSet, Iterator, Mapping, Sequence, Set, Tuple

from graphcut.analysis.request import Loss, Start, StopOps
from graphcut.analysis.rules.constant_zeros import zero_tensors
from graphcut.analysis.rules.trainable_tensors import shape_of
from graphcut.api.select.resolve_variables import as_tuple, components
from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.default_loss import default_loss, is_float
from graphcut.graph.dtypes import COMPLEX_NAMES, RESOURCE, dtype_name, is_discrete
from graphcut.graph.flat import FlatGraph, Shape
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.metadata import GraphMetadata
from graphcut.graph.variables import reads

_REFUSED = frozenset(("string", "resource", "variant"))


def resolve_loss(traced: LoadedGraph, argument: Any, grad_ys: Any = None) -> Loss:
    """Return the loss that ``loss=`` names, or the default one, and what its gradient starts from."""
    if argument is None:
        loss = Loss(*default_loss(traced.flat, traced.names, traced.origin))
        tensors = loss.tensors
    else:
        named = (tensor for key in as_tuple(argument) for tensor in tensors_of(traced, key, "loss"))
        tensors = tuple(_value_of_variable(traced.flat, tensor) for tensor in named)
        loss = Loss(tuple(dict.fromkeys(tensors)), "asked for")
    if not loss.tensors:
        raise GraphcutError("loss= is empty\nName at least one tensor.")
    starts = tuple(_starts(traced, tensors, grad_ys))
    for start in starts:
        _check_dtype(traced, start)
    if not any(start.is_given for start in starts):
        return loss
    zeros = zero_tensors(traced.flat)
    live = frozenset(start.loss for start in starts if not _is_zero(start, zeros))
    return loss._replace(dead=frozenset(loss.tensors) - live, starts=starts)


def _value_of_variable(flat: FlatGraph, tensor: int) -> int:
    """Return the value read from a variable if the tensor is its handle, as ``tf.gradients`` does for a variable."""
    return next(iter(reads(flat, tensor)), tensor) if flat.dtypes[tensor] == RESOURCE else tensor


def _check_dtype(traced: LoadedGraph, start: Start) -> None:
    """Refuse a string loss, and a complex one without ``grad_ys=``, as ``gradients_util._DefaultGradYs`` does."""
    dtype, name = dtype_name(traced.flat.dtypes[start.loss]), printable(traced.flat.tensor_name(start.loss))
    if dtype in _REFUSED or (dtype in COMPLEX_NAMES and not start.is_given):
        advice = "Name a float tensor."
        if dtype in COMPLEX_NAMES:
            advice = "Say with grad_ys= what its gradient starts from, or take a real part, an absolute value or a sum."
        raise LossTypeError(
            "the loss %s is of dtype %s; TensorFlow takes gradients of real numbers only\n%s" % (name, dtype, advice)
        )
    if start.is_given:
        _check_start(traced, start, dtype, name)


class LossTypeError(GraphcutError, TypeError):
    """A string loss, a complex one without ``grad_ys=``, a ``grad_ys=`` of another dtype: TensorFlow's ``TypeError``."""


class LossValueError(GraphcutError, ValueError):
    """A ``grad_ys=`` of another length or shape than the loss: TensorFlow's ``ValueError``."""


def _starts(traced: LoadedGraph, tensors: Sequence[int], argument: Any) -> Iterator[Start]:
    """Yield the initial gradient of each loss; ``grad_ys=`` is a single value, or a list as long as the losses."""
    starts = (
        (None,) * len(tensors) if argument is None else tuple(argument) if isinstance(argument, (list, tuple)) else (argument,)
    )
    if len(starts) != len(tensors):
        raise LossValueError(
            "grad_ys= has %d entries, the loss has %d tensors\nIt takes one entry for each tensor of the loss, None for ones."
            % (len(starts), len(tensors))
        )
    for tensor, key in zip(tensors, starts):
        yield _start(traced, tensor, key)


def _start(traced: LoadedGraph, loss: int, key: Any) -> Start:
    value = None if key is None or isinstance(key, str) else _value(key)
    if key is None or value is not None:
        return Start(loss, value=value)
    tensors = tensors_of(traced, key, "grad_ys")
    if len(tensors) != 1:
        raise GraphcutError("grad_ys= names %s, which has %d outputs\nName one of them." % (printable(str(key)), len(tensors)))
    return Start(loss, tensors[0])


def _value(key: Any) -> Any:
    """Return a key that is a number or array, or the values of an eager tensor; ``None`` for a tensor of a graph."""
    if isinstance(key, (bool, int, float, complex)):
        return key
    if isinstance(key, (list, tuple)):
        from numpy import array

        value = array(key)
        return value.astype("float32") if value.dtype == "float64" else value
    if type(key).__module__.split(".")[0] == "numpy":
        return key
    from graphcut.backend.live import variable_objects

    return variable_objects.values(key)


def _check_start(traced: LoadedGraph, start: Start, dtype: str, name: str) -> None:
    """Raise an error unless dtype and shape are those of the loss; a plain number gets the precision of the loss."""
    dtype_of_start, plain = _dtype_of(traced, start)
    real = not is_discrete(dtype_of_start) and dtype_of_start not in COMPLEX_NAMES
    fits = dtype_of_start in COMPLEX_NAMES if dtype in COMPLEX_NAMES else (real or dtype_of_start.startswith(("int", "uint")))
    if not fits or dtype == "bool" or (not plain and dtype_of_start != dtype and not is_discrete(dtype)):
        raise LossTypeError(
            "grad_ys= is of dtype %s, the loss %s of dtype %s\nGive grad_ys= the dtype of the loss."
            % (dtype_of_start, name, dtype)
        )
    shape, own = _shape_of(traced, start), shape_of(traced.shapes, traced.flat, start.loss)
    if not _is_compatible(shape, own):
        raise LossValueError(
            "grad_ys= is of shape %s, the loss %s of shape %s\nGive grad_ys= the shape of the loss."
            % (list(shape or ()), name, list(own or ()))
        )


def _dtype_of(traced: LoadedGraph, start: Start) -> Tuple[str, bool]:
    """Return the dtype of a start, and whether it is a plain number."""
    if start.tensor is not None:
        return dtype_name(traced.flat.dtypes[start.tensor]), False
    dtype = {bool: "bool", int: "int32", float: "float32", complex: "complex64"}.get(type(start.value))
    return dtype or str(start.value.dtype), dtype is not None


def _shape_of(traced: LoadedGraph, start: Start) -> Shape:
    if start.tensor is not None:
        return shape_of(traced.shapes, traced.flat, start.tensor)
    return tuple(getattr(start.value, "shape", ()))


def _is_compatible(shape: Shape, own: Shape) -> bool:
    """Return whether a gradient fits a loss of another shape; gradient functions may broadcast single elements."""
    if shape is None or own is None:
        return True
    sizes = zip(reversed(shape), [*reversed(own), *[1] * len(shape)])
    return all(one in (None, 1, other) or other is None for one, other in sizes)


def _is_zero(start: Start, zeros: FrozenSet[int]) -> bool:
    if start.tensor is not None:
        return start.tensor in zeros
    value = start.value
    return value is not None and not (value.any() if hasattr(value, "any") else value)


def tensors_of(traced: LoadedGraph, key: Any, argument: str) -> Tuple[int, ...]:
    """Return the tensors that a tensor, a name or an output's key means; ``argument`` is the name of the argument."""
    names = (each if isinstance(each, str) else _name(traced, each, argument) for each in components(key))
    outputs = _outputs(traced.origin)
    return tuple(tensor for name in names for tensor in _require(traced, outputs.get(name, name), outputs, argument))


def _outputs(origin: GraphMetadata) -> Mapping[str, str]:
    """Return the tensors of the outputs by key; with several signatures, only keys that one of them has."""
    if not origin.signatures:
        return origin.outputs
    tensors: Dict[str, Set[str]] = {}
    for outputs in origin.signatures.values():
        for key, name in outputs.items():
            tensors.setdefault(key, set()).add(name)
    return {key: min(names) for key, names in tensors.items() if len(names) == 1}


def output_keys(traced: LoadedGraph, tensors: Sequence[int]) -> Tuple[str, ...]:
    """Return the output key of each tensor; empty if it is not an output, or the user gave it no key."""
    keys: Dict[int, str] = {}
    for key, name in _outputs(traced.origin).items():
        if not _POSITION.match(key):
            for tensor in traced.names.tensors(name):
                keys.setdefault(tensor, key)
    return tuple(keys.get(tensor, "") for tensor in tensors)


_POSITION = re.compile(r"(output)?(\d+)?$")  # the names that ``backend.live.trace`` gives to unnamed outputs


def _require(traced: LoadedGraph, name: str, outputs: Mapping[str, str], argument: str) -> Tuple[int, ...]:
    """Return the tensors of a name. An error lists near names, outputs first."""
    names, origin = traced.names, traced.origin
    if not outputs or names.ops(name.rpartition(":")[0] or name) or names.ops(name):
        return names.require(name, argument)
    several = [signature for signature, keys in origin.signatures.items() if name in keys]
    if several:
        raise GraphcutError(
            "%s is an output of several signatures: %s\nPick one with signature="
            % (printable(name), ", ".join(map(printable, several[:6])))
        )
    numbered = origin.step is not None  # a step returns gradients, not losses, under numbers
    keys = [key for key in outputs if not (numbered and _POSITION.match(key))]
    keys = [key for key in keys if argument != "loss" or is_float(names, outputs[key])]
    near = near_names(name, keys) or near_names(name, names.candidates())
    shown = ", ".join(printable(key) for key in keys[:6])
    raise GraphcutError(
        "no tensor or output named %s%s\n%s= takes tensors and outputs%s"
        % (printable(name), near, argument, shown and ": " + shown)
    )


def _name(traced: LoadedGraph, key: Any, argument: str) -> str:
    from graphcut.backend.live import variable_objects

    inner = variable_objects.variable_of(key)
    variable = traced.index.by_object(inner)
    name = traced.index.tensor_name(inner) or (variable.tensors[0] if variable is not None and variable.tensors else "")
    name = name or ("" if variable_objects.is_variable(key) else getattr(key, "name", ""))
    if not isinstance(name, str) or not name:
        raise GraphcutError(
            "%s= was given a value of type %s that is not a tensor of this graph\nIt takes tensors and names."
            % (argument, type(key).__name__)
        )
    return name


def stop_ops(traced: LoadedGraph, argument: Any) -> StopOps:
    """Return the ops that ``stop_gradients=`` stops, each with all its outputs (``gradients_util._StopOps``).

    A function call named there is not stopped: ``_GradientsHelper`` looks up no gradient function for it and then takes
    ``SymbolicGradient``, as for any function without one. The exit of a v1 loop stops its whole loop variable: the gradient
    of a loop's ``Switch`` is ``None`` until one has come from the exit (``_SwitchGrad``).
    """
    flat = traced.flat
    keys = () if argument is None else as_tuple(argument)
    ops = {flat.producer[tensor] for key in keys for tensor in tensors_of(traced, key, "stop_gradients")}
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
    return StopOps(frozenset(ops), frozenset(symbolic))
