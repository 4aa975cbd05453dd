"""Reproduce what ``fit`` does with a Keras model: how it builds the model, and which variables it trains.

``fit`` builds a model with an unknown batch size. It does not train what ``trainable`` says at that moment: Keras 2 restores
the state that ``compile`` recorded (``RespectCompiledTrainableState``), and every Keras continues to use a trace of the step
that was made earlier.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import tensorflow as tf
from tensorflow.python.eager import def_function
from tensorflow.python.framework import func_graph

from graphcut.backend.live.models import listed_variables, referenced_values
from graphcut.backend.live.variable_objects import handle_of, variable_of
from graphcut.backend.record import variable_writes
from graphcut.backend.record.restore_objects import lift_variable, roots, undone
from graphcut.errors import GraphcutError, printable
from graphcut.util.text import join_first

_FUNCTION = def_function.Function
_DATA = ("x", "y", "sample_weight")
_SHOWN = 3


def is_compiled_model(step: Any) -> bool:
    """Return whether this is a Keras model with a ``train_step`` of its own, compiled or not."""
    return hasattr(step, "train_step") and hasattr(step, "compile")


class StepArguments(NamedTuple):
    """One batch for a model's step: ``(x, y, sample_weight)``, or fewer. ``is_bare``: ``fit`` passes ``x`` without a tuple."""

    parts: Tuple[Any, ...]
    is_bare: bool

    def data(self, parts: Tuple[Any, ...]) -> Any:
        """Return what ``fit`` passes to ``train_step`` for these parts."""
        return parts[0] if self.is_bare else parts


def step_arguments(model: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> StepArguments:
    """Return the arguments of a model's step from those that a user would pass to ``fit``.

    A dataset stands for one of its batches, a tuple for the parts of one; ``x``, ``y`` and ``sample_weight`` may be named.
    """
    named = dict(kwargs)
    values = list(args)
    for name in _DATA[len(values) :]:
        if name not in named and not any(each in named for each in _DATA[len(values) :]):
            break
        values.append(named.pop(name, None))
    if named:
        raise GraphcutError(
            "a model's step takes no argument %s\nPass its inputs, targets and weights: graphcut.audit_step(model, x, y)."
            % printable(next(iter(named)))
        )
    if len(values) != 1:
        _check_complete(model, values)
        return StepArguments(tuple(values), all(each is None for each in values[1:]) and _passes_bare(values[0]))
    batch = _batch(values[0])
    is_bare = not isinstance(batch, tuple) and (batch is not values[0] or _passes_bare(batch))
    values = list(batch) if isinstance(batch, tuple) and not _takes_tuple(model, batch) else [batch]
    _check_complete(model, values)
    return StepArguments(tuple(values), is_bare)


def _passes_bare(x: Any) -> bool:
    """Return whether ``fit`` of this Keras passes inputs without targets as they are, not in a tuple."""
    pack = getattr(tf.keras.utils, "pack_x_y_sample_weight", None)  # from TensorFlow 2.4 on
    return pack is not None and not isinstance(x, (tuple, list)) and not isinstance(pack(x), tuple)


def _batch(data: Any) -> Any:
    """Return one batch of a dataset, or its shapes and dtypes if they are known; return anything else unchanged."""
    if isinstance(data, tf.data.Dataset):
        spec = data.element_spec
        has_rank = all(getattr(each, "shape", tf.TensorShape([])).rank is not None for each in tf.nest.flatten(spec))
        return spec if has_rank else next(iter(data))
    if hasattr(data, "on_epoch_end") and hasattr(data, "__getitem__"):
        return data[0]
    if isinstance(data, Iterator):
        raise GraphcutError(
            "expected one batch, got a value of type %s\nGive one batch: graphcut.audit_step(model, x, y)."
            % type(data).__name__
        )
    return data


def _takes_tuple(model: Any, batch: Sequence[Any]) -> bool:
    """Return whether a tuple holds the inputs of a model with several inputs, not inputs and targets."""
    try:
        inputs = model.inputs
    except (AttributeError, ValueError):
        return False
    return isinstance(inputs, (list, tuple)) and len(inputs) == len(batch) > 1


def _check_complete(model: Any, values: Sequence[Any]) -> None:
    """Raise an error if an argument that the model's step needs is missing."""
    if not values:
        raise GraphcutError(
            "x and y are missing: a model is audited with its inputs and targets\nCall graphcut.audit_step(model, x, y)."
        )
    compiled = getattr(model, "loss", None) or getattr(getattr(model, "_compile_loss", None), "_user_loss", None)
    own = has_own_step(model) or hasattr(type(model), "compute_loss") and _is_users_method(model, "compute_loss")
    if compiled is not None and not own and (len(values) < 2 or values[1] is None):
        raise GraphcutError(
            "y is missing: the model was compiled with the loss %s, which needs targets\n"
            "Call graphcut.audit_step(model, x, y), or give a dataset of pairs (x, y)." % _loss_name(compiled)
        )


def _loss_name(loss: Any) -> str:
    """Return the name of a loss for messages."""
    if hasattr(loss, "items"):  # Keras 3 wraps dicts
        return "{%s}" % ", ".join("%s: %s" % (printable(str(key)), _loss_name(each)) for key, each in loss.items())
    if isinstance(loss, (list, tuple)):
        return "[%s]" % ", ".join(map(_loss_name, loss))
    return printable(loss if isinstance(loss, str) else str(getattr(loss, "__name__", type(loss).__name__)))


def _is_users_method(model: Any, name: str) -> bool:
    """Return whether a method of a model is the user's, not Keras'."""
    method = getattr(type(model), name, None)
    return not str(getattr(method, "__module__", "")).partition(".")[0].startswith(("keras", "tf_keras", "tensorflow"))


def lists_keras_variables(model: Any) -> bool:
    """Return whether a model tracks only Keras variables, and no ``tf.Variable`` in an attribute, as in Keras 3."""
    return any(not isinstance(each, tf.Variable) for each in listed_variables(model, "variables"))


def strategy_of(model: Any) -> Any:
    """Return the distribution strategy of a model."""
    return getattr(model, "distribute_strategy", None) or tf.distribute.get_strategy()


def layers_of(model: Any) -> List[Any]:
    """Return a model and all layers in it."""
    return list(model._flatten_layers()) if hasattr(model, "_flatten_layers") else [model]


def build(model: Any, inputs: Any) -> None:
    """Make the variables of a model that has none yet, as its ``fit`` does.

    A model that cannot be called creates them while its step is traced.
    """
    if all(layer.built for layer in layers_of(model)):
        return
    graph = func_graph.FuncGraph("graphcut")
    with undone(model), strategy_of(model).scope(), graph.as_default(), tf.variable_creator_scope(lift_variable):
        try:
            model(tf.nest.map_structure(lambda each: _placeholder(_spec(each)), inputs))
        except Exception:  # noqa: BLE001 - the user's code may raise anything
            return


def _placeholder(spec: Any) -> Any:
    return tf.compat.v1.placeholder(spec.dtype, spec.shape) if isinstance(spec, tf.TensorSpec) else spec


@contextmanager
def fit_trainability(model: Any) -> Iterator[str]:
    """Set the variables of a model trainable as ``fit`` does; yield the differences from the current state, in words."""
    compiled, current = getattr(model, "_compiled_trainable_state", None) or {}, {}
    now = _trainable(model)
    if hasattr(model, "_get_trainable_state") and hasattr(model, "_set_trainable_state"):
        current = model._get_trainable_state()
    differs = any(layer in current and trained != current[layer] for layer, trained in compiled.items())
    if differs:
        model._set_trainable_state(compiled)
    else:
        _set_as_traced(model, _graphs(_traced_by(model)), list(vars(model).values()))
    try:
        yield _words(model, now, "call compile() again")
    finally:
        if differs:
            model._set_trainable_state(current)


@contextmanager
def trace_trainability(step: Any, specs: Sequence[Any]) -> Iterator[str]:
    """Do the same for a ``tf.function`` that was traced with such arguments, and the models to which it refers."""
    graphs = _graphs([step] if isinstance(step, _FUNCTION) else [], specs)
    objects = roots(step) if graphs else []
    now = [(each, _trainable(each)) for each in objects if hasattr(each, "_flatten_layers")]
    for model, _ in now:
        _set_as_traced(model, graphs, objects)
    yield "; ".join(filter(None, (_words(model, before, "the trace of then goes on") for model, before in now)))


@contextmanager
def as_traced(function: Any) -> Iterator[str]:
    """Set the models of a ``tf.function`` trainable as they were when it was traced, and restore them afterwards.

    It yields the differences from the current state, in words.
    """
    flags: List[Tuple[Any, bool]] = []
    words = ""
    try:
        graphs = _graphs([function])
        objects = roots(function) if graphs else []
        for model in [each for each in objects if hasattr(each, "_flatten_layers")]:
            flags += [(each, each._trainable) for each in flagged_objects(model)]
            now = _trainable(model)
            _set_as_traced(model, graphs, [*objects, *vars(model).values()])
            words = words or _words(model, now, "the trace of then goes on; call compile() again")
    except Exception:  # noqa: BLE001 - whatever a model of the user's is like, its code goes on
        words = ""
    try:
        yield words
    finally:
        for each, trainable in reversed(flags):
            each._trainable = trainable


def flagged_objects(model: Any) -> List[Any]:
    """Return the layers and variables of a model that can be frozen."""
    return [each for layer in layers_of(model) for each in _with_flags(layer)]


def _with_flags(layer: Any) -> List[Any]:
    """Return a layer and those of its variables that can be frozen."""
    return [each for each in (layer, *_of_layer(layer)) if hasattr(each, "_trainable") and not isinstance(each, tf.Variable)]


def has_own_step(model: Any) -> bool:
    """Return whether the ``train_step`` of a model is the user's."""
    return _is_users_method(model, "train_step")


def open_batch_size(args: Sequence[Any]) -> Any:
    """Return example arguments with an unknown batch size, as in ``fit``."""
    return tf.nest.map_structure(_spec, list(args))


def _spec(value: Any) -> Any:
    """Return the shape and dtype of an array or dense tensor, with an unknown first size."""
    if hasattr(value, "value_type") or not hasattr(value, "dtype") or not hasattr(value, "shape"):
        return value
    shape = tf.TensorShape(value.shape)
    sizes = None if shape.rank is None else [None, *shape.as_list()[1:]][: shape.rank]
    return tf.TensorSpec(sizes, tf.as_dtype(value.dtype))


def _trainable(model: Any) -> FrozenSet[int]:
    return frozenset(id(each) for each in listed_variables(model, "trainable_variables"))


def _words(model: Any, before: FrozenSet[int], advice: str) -> str:
    """Return a sentence on the variables whose ``trainable`` changed since, if any."""
    now = _trainable(model)
    names = name_patterns([(name_of(each), (id(each) in before) != (id(each) in now)) for each in _own_variables(model)])
    return "`trainable` changed for %s since; %s" % (join_first(names, _SHOWN), advice) if names else ""


def name_of(variable: Any) -> str:
    """Return the name of a Keras variable."""
    name = str(getattr(variable, "path", None) or variable.name)
    return name.rpartition(":")[0] or name


def name_patterns(named: Sequence[Tuple[str, bool]]) -> List[str]:
    """Return the marked names; if all names of a scope are marked, a pattern for them."""
    scopes: Dict[str, List[bool]] = {}
    for name, marked in named:
        scopes.setdefault(name.rpartition("/")[0], []).append(marked)
    whole = {scope for scope, marks in scopes.items() if scope and all(marks)}
    patterns = (
        name if name.rpartition("/")[0] not in whole else name.rpartition("/")[0] + "/*" for name, marked in named if marked
    )
    return list(dict.fromkeys(patterns))


def _own_variables(model: Any) -> List[Any]:
    """Return the variables that the layers of a model train unless they are frozen."""
    result = [each for layer in layers_of(model) for each in _of_layer(layer)]
    return list({id(each): each for each in result}.values())


def _of_layer(layer: Any) -> List[Any]:
    return list(getattr(layer, "_trainable_variables", None) or getattr(layer, "_trainable_weights", None) or ())


def _traced_by(model: Any) -> List[Any]:
    """Return the ``tf.function``s that ``fit`` uses for a model, after it ran."""
    result, waiting = [], [(getattr(model, "train_tf_function", None), 4), (getattr(model, "train_function", None), 4)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, _FUNCTION):
            result.append(value)
        elif depth and hasattr(value, "__code__"):
            waiting += [(each, depth - 1) for each in referenced_values(value)]
    return result


def _graphs(functions: Sequence[Any], specs: Optional[Sequence[Any]] = None) -> List[Any]:
    """Return the traced graphs of ``tf.function``s, for arguments like these if any are given."""
    listing: List[Sequence[Any]] = [getattr(each, "_list_all_concrete_functions", tuple)() for each in functions]
    concrete = [each for result in listing for each in result]
    return [each.graph for each in concrete if specs is None or _is_for(each, specs)]


def _is_for(concrete: Any, specs: Sequence[Any]) -> bool:
    """Return whether a call with arguments of these shapes and dtypes uses a trace."""
    known = [each for each in tf.nest.flatten(concrete.structured_input_signature) if isinstance(each, tf.TensorSpec)]
    asked = [each for each in specs if hasattr(each, "shape") and hasattr(each, "dtype")]
    return len(known) == len(asked) and all(
        a.dtype == tf.as_dtype(b.dtype) and a.shape.is_compatible_with(b.shape) for a, b in zip(known, asked)
    )


def _set_as_traced(model: Any, graphs: Sequence[Any], around: Sequence[Any]) -> None:
    """Set the variables of a model trainable as they were when a step was traced; ``around`` are optimizers and others."""
    if not graphs:
        return
    now, written = _trainable(model), frozenset().union(*map(variable_writes.written_variables, graphs))
    optimizers = _optimizers(around)
    wanted: Dict[int, bool] = {}
    for each in _own_variables(model):
        wrote = id(handle_of(variable_of(each))) in written
        settled = any(_is_known(optimizer, each) == wrote for optimizer in optimizers) if optimizers else wrote
        wanted[id(each)] = wrote if settled else id(each) in now
    if frozenset(key for key, each in wanted.items() if each) != now.intersection(wanted):
        _set_trainable(model, wanted)


def _set_trainable(model: Any, wanted: Dict[int, bool]) -> None:
    for layer in layers_of(model):
        inside = [wanted[id(each)] for each in _own_variables(layer)]
        own = [wanted[id(each)] for each in _of_layer(layer)]
        if inside and (any(inside) or own):
            layer._trainable = any(inside)
        for each in _of_layer(layer):
            if hasattr(each, "_trainable") and not isinstance(each, tf.Variable):
                each._trainable = wanted[id(each)]


def _optimizers(around: Sequence[Any]) -> List[Any]:
    """Return the optimizers among some objects that list the variables that they were built with."""
    result = [each for each in around if hasattr(each, "apply_gradients")]
    result += [each.inner_optimizer for each in result if hasattr(each, "inner_optimizer")]
    return [each for each in result if _count(each)]


def _count(optimizer: Any) -> int:
    return len(getattr(optimizer, "_index_dict", None) or getattr(optimizer, "_trainable_variables", None) or ())


def _is_known(optimizer: Any, variable: Any) -> bool:
    """Return whether an optimizer was built with a variable."""
    if getattr(optimizer, "_index_dict", None):
        return optimizer._var_key(variable) in optimizer._index_dict
    return any(variable_of(each) is variable_of(variable) for each in optimizer._trainable_variables)
