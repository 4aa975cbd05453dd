"""Trace a step. Its ``tf.function``s are traced again, because a traced function takes no gradients in Python."""

from __future__ import annotations

import functools
import warnings
from dataclasses import replace
from typing import Any, Callable, ContextManager, Dict, FrozenSet, Iterator, List, Mapping, Optional, Sequence, Tuple

import tensorflow as tf
from tensorflow.python.eager import def_function
from tensorflow.python.util import tf_decorator

from graphcut.analysis.tape_record import GradientCall, Source
from graphcut.backend.live.eager_context import soft_placement
from graphcut.backend.live.gradient_registry import TracedGradients
from graphcut.backend.live.models import listed_variables, trainable_flags
from graphcut.backend.live.plain_code import as_run_eagerly, is_plain, trace_either_way
from graphcut.backend.live.trace import example, hold, release
from graphcut.backend.live.trace_errors import double_arguments, error_line, explain_errors, label_of
from graphcut.backend.live.variable_objects import function_variables
from graphcut.backend.record import keras_fit, variable_writes
from graphcut.backend.record.gradient_calls import StepRecord, current_record, record_gradients
from graphcut.backend.record.nested_graphs import join_outer_graph
from graphcut.backend.record.patches import Patch, Patches
from graphcut.backend.record.restore_objects import lift_variable, roots, same_collections, same_random_states, undone
from graphcut.errors import GraphcutError, printable
from graphcut.util.text import join_first

_FUNCTION = def_function.Function
_LISTED = 8


Judge = Callable[[GradientCall], Sequence[bool]]


def gradients(step: Any, args: Sequence[Any], kwargs: Mapping[str, Any], judge: Judge) -> Tuple[GradientCall, ...]:
    """Return the gradients that a step takes, in order, by tracing it with these arguments. The step does not run.

    ``judge`` says for each source of a gradient whether it gets one.
    """
    model = step if keras_fit.is_compiled_model(step) else None
    with same_random_states(), same_collections(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Gradients do not exist for variables")  # the audit says so, and why
        step, args, kwargs = _of_model(step, args, kwargs)
        with undone(step if model is None else model), _trainable_as_run(model, step, (args, kwargs)) as changed:
            if model is not None and not keras_fit.has_own_step(model):
                _check_trainable(model)
            return _gradients(step, args, kwargs, model, changed, judge)


def _trainable_as_run(model: Any, step: Any, values: Any) -> ContextManager[str]:
    """Set the variables trainable as in a run of the step; yield the differences from the current state, in words."""
    return keras_fit.trace_trainability(step, tf.nest.flatten(values)) if model is None else keras_fit.fit_trainability(model)


def _gradients(
    step: Any, args: Sequence[Any], kwargs: Mapping[str, Any], model: Any, changed: str, judge: Judge
) -> Tuple[GradientCall, ...]:
    with record_gradients() as record, _PATCHES.apply():
        record.is_plain = is_plain(step) if model is None else bool(getattr(model, "run_eagerly", False))
        record.judge = lambda call: judge(join_outer_graph(call))
        registered = TracedGradients()
        record.kept.append(registered)
        errors: List[GraphcutError] = []
        partial: Optional[List[GradientCall]] = None
        for way in _tracing_attempts(step, args, kwargs):
            try:
                trace_either_way(functools.partial(way, step, args, kwargs, record))
            except GraphcutError as error:
                errors.append(error)
            if record.error is not None or (record.finished is not None and not _is_partial(record.finished)):
                break
            partial, record.finished = record.finished or partial, None
        else:
            if partial is None and model is not None:
                _check_trainable(model)
            if partial is None:
                raise errors[0]
        record.finished = record.finished or partial
        taken = record.gradients if record.finished is None else record.finished
        halted = record.finished is None or any(each.raised for each in taken)
        graphs = {id(graph): graph for graph in ([] if halted else [record.root, *[each.graph for each in taken]])}
        record.kept += [
            function_variables(graph) for graph in {id(g): g for g in [record.root, *_graphs_with_gradients(taken)]}.values()
        ]
        trained, written = (
            trainable_flags(step, roots(step)),
            frozenset().union(*map(variable_writes.written_variables, graphs.values())),
        )
        flags = record.optimizer_calls.gradient_flags()
        source_lists = (tuple(_complete_sources(each.sources, trained, None if halted else written, flags)) for each in taken)
        objects, reads = record.kept, tuple(record.reads)
        facts: Dict[str, Any] = {
            "owner": objects,
            "reads": reads,
            "owned": trained,
            "written": None if halted or not (written or flags) else written.union(key for key, got in flags.items() if got),
            "of_model": model is not None and keras_fit.lists_keras_variables(model),
        }
        for graph in {id(graph): graph for graph in [record.root, *_graphs_with_gradients(taken)]}.values():
            registered.find(graph)
        complete = (
            replace(each, sources=sources, changed=each.changed or changed, **facts)
            for each, sources in zip(taken, source_lists)
        )
        if model is not None and not any(each.sources for each in taken):
            _check_trainable(model)
        return tuple(map(join_outer_graph, complete))


def _graphs_with_gradients(taken: Sequence[GradientCall]) -> Iterator[Any]:
    """Yield the graphs in which gradients were taken, and their outer graphs."""
    for each in taken:
        yield each.graph
        yield from (graph for graph, _ in each.outer_graphs)


def _check_trainable(model: Any) -> None:
    """Raise an error if a model has nothing to train."""
    if listed_variables(model, "trainable_variables"):
        return
    names = [keras_fit.name_of(each) for each in listed_variables(model, "variables")]
    if not names:
        raise GraphcutError("this model has no variables\nAdd a layer that has weights.")
    shown = join_first([printable(each)[1:-1] for each in names], _LISTED)
    raise GraphcutError(
        "no variable of this model is trainable: %s\n"
        "Set trainable = True on the layers that should learn, then call compile() again." % shown
    )


def _tracing_attempts(step: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Sequence[Any]:
    """Return the ways to trace a step: as a function; without arguments, it may also build a graph of placeholders."""
    if args or kwargs or hasattr(step, "python_function"):
        return (_as_function,)
    return (_as_function, _in_graph) if tf.executing_eagerly() else (_in_graph, _as_function)


def _as_function(step: Any, args: Sequence[Any], kwargs: Mapping[str, Any], record: StepRecord) -> None:
    function = _traced_function(step, record)
    record.kept.append(function)
    with soft_placement(), explain_errors(label_of(step), double_arguments(step, args, kwargs)):
        asked = list(args), dict(kwargs)
        arguments, named = tf.nest.map_structure(example, asked if hasattr(step, "python_function") else hold(asked))
        record.kept.append(function.get_concrete_function(*arguments, **named))


def _in_graph(step: Any, args: Sequence[Any], kwargs: Mapping[str, Any], record: StepRecord) -> None:
    with soft_placement(), tf.Graph().as_default() as graph, explain_errors(label_of(step)):
        record.kept.append(graph)
        record.begin()
        record.kept.append(step())
        record.end()


def _complete_sources(
    sources: Sequence[Source], trained: Mapping[int, Any], written: Optional[FrozenSet[int]], flags: Mapping[int, bool]
) -> Iterator[Source]:
    """Yield the sources with the facts that are known after the trace.

    They are whether a model trains the variable, whether the step writes it, and whether an optimizer received its gradient.
    For a step that raises, what it writes is unknown (``None``).
    """
    for source in sources:
        variables = [trained[id(each)][1] for each in source.facts.objects if id(each) in trained]
        facts = source.facts._replace(trainable=variables[0]) if variables else source.facts
        got_gradient = flags.get(source.identity) if source.is_variable else None
        known_to = source.is_variable and written is not None and bool(written or flags)
        updated = bool(got_gradient) or source.handle in (written or ()) if known_to else None
        yield replace(source, facts=facts, updated=updated, optimizer_got_gradient=got_gradient)


def _of_model(step: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tuple[Any, Sequence[Any], Mapping[str, Any]]:
    """Return the ``train_step`` of a Keras model and its arguments, from those of ``fit``; any other step unchanged."""
    if not keras_fit.is_compiled_model(step):
        return step, args, kwargs
    if getattr(step, "optimizer", None) is None:
        raise GraphcutError(
            "this model was not compiled\nCall model.compile(optimizer, loss) first, or audit a step of your own."
        )
    batch = keras_fit.step_arguments(step, args, kwargs)
    keras_fit.build(step, batch.parts[0])
    built = all(layer.built for layer in keras_fit.layers_of(step))
    return _train_step(step, batch), batch.parts if built else keras_fit.open_batch_size(batch.parts), {}


def _train_step(model: Any, batch: keras_fit.StepArguments) -> Any:
    """Return the step of a model as ``fit`` runs it for such a batch: in each replica of its strategy."""
    strategy = keras_fit.strategy_of(model)

    def train_step(*data: Any) -> Any:
        with strategy.scope():
            return strategy.run(model.train_step, args=(batch.data(data),))

    return train_step if hasattr(strategy, "run") else lambda *data: model.train_step(batch.data(data))


def _traced_function(step: Any, record: StepRecord) -> Any:
    """Return a new ``tf.function`` of the step that tells ``record`` when a trace begins and ends.

    If the step raises after it has taken a gradient, its trace is completed nevertheless, and its gradients are audited.
    Otherwise the variables that an optimizer created in it would never be initialized.
    """
    python = getattr(step, "python_function", step)
    python = as_run_eagerly(python) if record.is_plain else python

    def begun(*args: Any, **kwargs: Any) -> Any:
        record.begin()
        try:
            with tf.variable_creator_scope(lift_variable):
                answer = begun.__wrapped__(*release(args), **release(kwargs))  # type: ignore[attr-defined]
        except Exception as error:  # noqa: BLE001 - the user's code may raise anything
            if not record.gradients or record.error is not None:
                raise
            record.gradients[-1] = replace(record.gradients[-1], raised=error_line(error))
            answer = None
        record.end()
        return answer

    decorated = tf_decorator.make_decorator(python, begun)
    return clone(step, decorated) if hasattr(step, "python_function") else tf.function(decorated)


def _is_partial(taken: Sequence[GradientCall]) -> bool:
    """Return whether a step raised after complete gradients, so another way of tracing it may get further.

    After a ``None``, the step would raise when it runs, too.
    """
    return any(each.raised for each in taken) and all(all(each.answers or ()) for each in taken)


def clone(function: Any, python: Any) -> Any:
    """Return a copy of this ``tf.function`` without traces."""
    if hasattr(function, "_clone"):
        return function._clone(python)
    return _FUNCTION(
        python or function._python_function, function._name, function.input_signature, function._autograph,
        function._experimental_autograph_options,
    )  # fmt: skip


def _called(original: Any) -> Any:
    """Return the wrapper of a ``tf.function``'s call."""

    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        record = current_record()
        if record is None or record.root is None or id(self) in record.clones:
            return original(self, *args, **kwargs)
        return original(_afresh(record, self), *args, **kwargs)

    return wrapper


def _afresh(record: StepRecord, function: Any) -> Any:
    clones: Dict[int, Any] = record.clones
    traced = next((clone for clone, source in clones.values() if source is function), None)
    if traced is None:
        traced = clone(function, None)
        clones[id(traced)] = (traced, function)
    return traced


def _patches() -> Iterator[Patch]:
    yield Patch(_FUNCTION, "__call__", _called)


_PATCHES = Patches(lambda: tuple(_patches()))
