"""Find the models and modules to which a function refers, and which of their variables are trainable.

Keras freezes a layer without changing its variables: only the model's own list of trainable variables omits them.
"""

from __future__ import annotations

import sys
from typing import AbstractSet, Any, Dict, Iterable, Iterator, List, Sequence, Tuple

import tensorflow as tf

from graphcut.backend.live.function_identity import content
from graphcut.backend.live.variable_objects import variable_of
from graphcut.graph.stack_frames import is_library

_TRAINING = ("fit", "train_on_batch")


def trainable_flags(source: Any, around: Iterable[Any] = ()) -> Dict[int, Tuple[Any, bool]]:
    """Return the variables of all owners as Keras objects, and whether each is trainable.

    The keys are the identities of the ``tf.Variable`` objects.

    Args:
        source: a function or a model.
        around: more models and layers that belong to it.
    """
    result: Dict[int, Tuple[Any, bool]] = {}
    known = owners(source)
    own = {id(each) for each in known}
    for owner in known + [each for each in around if id(each) not in own and _is_owner(each)]:
        trained = {id(variable_of(each)) for each in listed_variables(owner, "trainable_variables")}
        for each in listed_variables(owner, "variables"):
            key = id(variable_of(each))
            result[key] = (each, key in trained or key in result and result[key][1])
    return result


def owners(source: Any) -> List[Any]:
    """Return the objects of a function that list their trainable variables.

    They are the function itself, the object that it is a method of, and what it refers to.
    """
    around = [source, getattr(source, "__self__", None), *referenced_values(getattr(source, "python_function", source))]
    return [each for each in around if _is_owner(each)]


def _is_owner(value: Any) -> bool:
    """Return whether a value is a model, layer or module with variables, even if all of them are frozen."""
    return not isinstance(value, type) and bool(
        listed_variables(value, "trainable_variables") or listed_variables(value, "non_trainable_variables")
    )


def referenced_values(function: Any) -> Iterator[Any]:
    """Yield the values of the free and global names in a Python function."""
    function = getattr(function, "__func__", function)
    names, known = getattr(getattr(function, "__code__", None), "co_names", ()), getattr(function, "__globals__", {})
    yield from (content(cell) for cell in getattr(function, "__closure__", None) or ())
    yield from (known[name] for name in names if name in known)


def models_in_training() -> List[Any]:
    """Return the Keras models whose ``fit`` or ``train_on_batch`` is running now."""
    owners = [frame.f_locals["self"] for frame in _frames() if frame.f_code.co_name in _TRAINING and "self" in frame.f_locals]
    return [each for each in owners if _is_layer(each)]


def is_running(names: Sequence[str]) -> bool:
    """Return whether a function with one of these names is running."""
    return any(frame.f_code.co_name in names for frame in _frames())


def _frames() -> Iterator[Any]:
    frame: Any = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def layers_in_use() -> List[Any]:
    """Return the Keras models and layers that the running code names or is a method of."""
    result: Dict[int, Any] = {}
    for frame in _frames():
        if is_library(frame.f_code.co_filename):
            values = [frame.f_locals[name] for name in ("self", "model") if name in frame.f_locals]
        else:
            known = frame.f_globals
            values = [*frame.f_locals.values(), *(known[name] for name in frame.f_code.co_names if name in known)]
        result.update((id(each), each) for each in values if _is_layer(each))
    return list(result.values())


def _is_layer(value: Any) -> bool:
    """Return whether an object is a Keras layer or model."""
    kind = type(value)
    return all(hasattr(kind, each) for each in ("add_weight", "losses", "trainable_variables")) and not isinstance(value, type)


def listed_variables(owner: Any, attribute: str) -> List[Any]:
    """Return the variables that a model lists; none if it is not built yet, or cannot list them."""
    try:
        result = getattr(owner, attribute, ())
    except Exception:  # noqa: BLE001 - Keras raises ValueError, TensorFlow's wrapper of a dict TypeError, a user's class anything
        return []
    return list(result) if isinstance(result, (list, tuple)) else []


def layers_to_freeze(model: Any, variables: Iterable[Any]) -> List[str]:
    """Return the names of the outermost layers that train exactly these variables; empty if no layers do."""
    wanted = {id(variable_of(each)) for each in variables}
    layers = list(_trained_within(model, wanted))
    trained = {id(variable_of(each)) for layer in layers for each in listed_variables(layer, "trainable_variables")}
    return [layer.name for layer in layers] if trained == wanted else []


def _trained_within(layer: Any, wanted: AbstractSet[int]) -> Iterator[Any]:
    """Yield the outermost layers that train some of these variables and no others."""
    trained = {id(variable_of(each)) for each in listed_variables(layer, "trainable_variables")}
    if trained and trained <= wanted:
        yield layer
    elif trained & wanted and hasattr(layer, "_flatten_layers"):
        for inner in layer._flatten_layers(recursive=False, include_self=False):
            yield from _trained_within(inner, wanted)


def input_specs(model: Any) -> Tuple[Any, ...]:
    """Return the inputs of a Keras model that was built from them, as a ``tf.TensorSpec`` or a list or dict of these.

    The result is empty if the model has no such inputs.
    """
    if not hasattr(model, "train_on_batch"):  # of every Keras; ``train_step`` came with TensorFlow 2.2
        return ()
    try:
        inputs = model.input
    except (AttributeError, ValueError, RuntimeError):
        inputs = listed_variables(model, "inputs") or None
        inputs = inputs[0] if inputs and len(inputs) == 1 else inputs
    return () if inputs is None else (tf.nest.map_structure(_spec, inputs),)


def _spec(tensor: Any) -> Any:
    if hasattr(tensor, "type_spec"):
        return tensor.type_spec
    sparse = getattr(tensor, "sparse", False)
    return (tf.SparseTensorSpec if sparse else tf.TensorSpec)(tensor.shape, tensor.dtype)
