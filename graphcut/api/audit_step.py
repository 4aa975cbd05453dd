"""Audit a training step: one audit for each gradient that it computes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Callable, Dict, FrozenSet, Hashable, Iterator, List, Mapping, Optional, Sequence, Tuple

from graphcut.analysis.left_out import StepFacts
from graphcut.analysis.recorded_answers import RecordedAnswers
from graphcut.analysis.request import AuditRequest, Loss, StopOps
from graphcut.analysis.rules.constant_zeros import zero_tensors
from graphcut.analysis.tape_record import GradientCall, Source, Start, Tape
from graphcut.analysis.tape_replay import replay_tape
from graphcut.api import load
from graphcut.api.audit import Audit
from graphcut.api.select.resolve_loss import stop_ops
from graphcut.api.select.resolve_variables import reusable, targets
from graphcut.api.step_audits import StepAudits
from graphcut.api.suggest.confirm import Retrace
from graphcut.api.tensor_spec import refuse_specs
from graphcut.backend import tensorflow_needed
from graphcut.errors import GraphcutError, printable
from graphcut.graph.dtypes import RESOURCE
from graphcut.graph.loaded import LoadedGraph
from graphcut.graph.targets import Target, unique
from graphcut.render.text.headings import headings
from graphcut.results import WITH_GRADIENT, BarrierKind, VariableAudit, Verdict, replace_fields
from graphcut.util.gc import collector_paused
from graphcut.util.progress import show_progress
from graphcut.util.source_lines import nearby


def _check_step(step: Any) -> None:
    """Raise an error if the argument cannot be a step."""
    if isinstance(step, str):
        load.refuse_function_name(step)
    if not callable(step):
        raise GraphcutError(
            "a value of type %s was given, which is not a training step\n"
            "graphcut.audit_step reads a function that takes gradients or a compiled Keras model, graphcut.audit a graph."
            % type(step).__name__
        )


class NoGradientError(GraphcutError):
    """Raised for a step that computes no gradient."""


def audit_step(step: Any, *args: Any, variables: Any = None, **kwargs: Any) -> Tuple[Audit, ...]:
    """Audit a training step: return one audit for each gradient that its code computes, in order.

    The step is traced and never run. If a loop or a replica repeats a gradient call, with the loss from the same line, the
    same variables and the same answers, it is one audit.

    Args:
        step: a ``tf.function``, a function or method that uses ``tf.GradientTape`` or ``tf.gradients`` or an optimizer,
            or a compiled Keras model (from TensorFlow 2.2 on).
        *args: its example arguments: arrays, tensors or ``tf.TensorSpec``. For a model, its inputs and targets, or a dataset.
        variables: variables, tensors, layers, names or patterns to audit, in place of those in each gradient call. A variable
            that is not in the call has no recorded answer.
        **kwargs: example arguments by name.

    Returns:
        A tuple of ``Audit``. ``audit.loss`` is the target of the gradient call, ``audit.variables`` are its sources, and
        ``audit.recorded`` says for each whether TensorFlow returned a tensor.

    Raises:
        GraphcutError: the step cannot be traced or computes no gradient, or TensorFlow is not installed.

    >>> import graphcut
    >>> import tensorflow as tf
    >>> def step(x):
    ...     with tf.GradientTape() as tape:
    ...         tape.watch(x)
    ...         loss = tf.reduce_sum(x * tf.stop_gradient(x))
    ...     return tape.gradient(loss, [x])
    >>> (audit,) = graphcut.audit_step(step, tf.TensorSpec([2, 3]))
    >>> audit.recorded, audit.variables[0].verdict, audit.stops[0].role
    ((True,), <Verdict.FLOWS: 'flows'>, <Role.BYPASSED: 'bypassed'>)
    """
    _check_step(step)
    variables = reusable(variables)
    refuse_specs(args, kwargs)
    with tensorflow_needed("to trace a step"):
        from graphcut.backend.record import trace_step
    with show_progress() as say:
        say("tracing %s" % load.title(step))
        calls = tuple(share_updates(trace_step.gradients(step, args, kwargs, _have_gradients)))
        if not calls:
            raise NoGradientError("the step takes no gradient\n" + (_OLD_MODEL if _is_old_model(step) else _NO_CALL))
        say("auditing %d gradients" % len(calls))
        audits = StepAudits(name_trainers(tuple(audits_of(calls, variables))))
    for index, each in enumerate(audits):
        again = partial(audit_step, step, *args, variables=variables, **kwargs)
        gradient_at = each._retrace.gradient_at if each._retrace else None
        each._retrace = Retrace(step, again, index, gradient_at, siblings=tuple(audits))
    return audits


Failed = Callable[[GradientCall, Exception], None]


def audits_of(calls: Sequence[GradientCall], variables: Any = None, failed: Optional[Failed] = None) -> Iterator[Audit]:
    """Yield the audits of recorded gradients, in order; if ``variables`` is given, of these instead of those in the calls.

    ``failed`` is called with each gradient that could not be audited, and the reason; without ``failed``, the error is raised.
    """
    from graphcut.backend.record import eager_ops, gradient_calls

    with collector_paused(), gradient_calls.suspend_recording(), eager_ops.suspend_eager_ops():
        yield from list(_distinct(calls, variables, failed))


_NO_CALL = "It must call GradientTape.gradient, tf.gradients or an optimizer's minimize."
_OLD_MODEL = "A Keras model has a train_step from TensorFlow 2.2 on; here audit a function that calls it under a GradientTape."


def _is_old_model(step: Any) -> bool:
    return hasattr(step, "fit") and hasattr(step, "compile") and not hasattr(step, "train_step")


def _distinct(calls: Sequence[GradientCall], variables: Any, failed: Optional[Failed]) -> Iterator[Audit]:
    """Yield the audits of the gradients; leave out repetitions of a call with the same loss and the same answers.

    The answers alone do not show whether two calls in a loop take the same gradient, because a gradient that is always zero is
    a tensor as well. So each call is audited and compared with every earlier one.
    """
    seen: Dict[Hashable, List[FrozenSet[Hashable]]] = {}
    asked = frozenset(id(variable) for each in calls for source in each.sources for variable in source.facts.objects)
    for each in calls:
        try:
            audit, places, outcome = _audit(each, variables, asked)
        except Exception as error:  # noqa: BLE001 - one gradient does not keep the others from being audited
            if failed is None:
                raise
            failed(each, error)
            continue
        outcomes = seen.setdefault((each.call, places), [])
        if not any(outcome <= other for other in outcomes):
            outcomes.append(outcome)
            yield audit


def share_updates(calls: Sequence[GradientCall]) -> Iterator[GradientCall]:
    """Yield the gradients; if one is ``None`` for a variable that another one trains, it does not count as updating it."""
    live = {source.identity for each in calls for source, answer in zip(each.sources, each.answers or ()) if answer}
    for each in calls:
        pairs = zip(each.sources, each.answers or (True,) * len(each.sources))
        mute = [bool(source.updated) and not answer and source.identity in live for source, answer in pairs]
        sources = (replace(source, updated=None) if other else source for source, other in zip(each.sources, mute))
        yield replace(each, sources=tuple(sources))


def name_trainers(audits: Sequence[Audit]) -> Sequence[Audit]:
    """Add to each variable without a gradient of its loss the other losses that train it; return the audits."""
    heads = headings(audits) if len(audits) > 1 else ()
    trainers: Dict[int, List[str]] = {}
    for head, each in zip(heads, audits):
        for target, row in zip(each._targets, each.variables):
            if row.is_updated and row.verdict in WITH_GRADIENT and target.variable.objects:
                trainers.setdefault(id(target.variable.objects[-1]), []).append(head)
    for each in audits if trainers else ():
        each.variables = tuple(map(partial(_with_trainers, trainers), each._targets, each.variables))
    return audits


def _with_trainers(trainers: Mapping[int, Sequence[str]], target: Target, row: VariableAudit) -> VariableAudit:
    losses = trainers.get(id(target.variable.objects[-1]), ()) if target.variable.objects else ()
    if not losses or row.verdict in WITH_GRADIENT:
        return row
    return replace_fields(row, is_updated=True, trained_by=tuple(dict.fromkeys(losses)))


def _audit(call: GradientCall, variables: Any, every: FrozenSet[int]) -> Tuple[Audit, Hashable, FrozenSet[Hashable]]:
    """Return the audit of a gradient, the places in the code that compute its loss, and the outcome of each variable.

    ``every`` has the ``id`` of each variable that any gradient of the step asks for.
    """
    from graphcut.backend.gradient_oracle import version_probes
    from graphcut.backend.record import open_gradient as graphs

    traced = load.open_graph(*graphs.open_gradient(call))
    rows = [_target(traced, each) for each in call.sources]
    listed = unique(rows) if variables is None else targets(traced, variables)
    loss = _loss(traced, call)
    stopped = _stop_outside(traced, call, stop_ops(traced, call.stops))
    if call.tape is not None:
        asked, trainable = _requested_tensors(call.tape, unique([*rows, *listed])), version_probes.surroundings().trainable
        unread = {tensor for tensor in loss.tensors if asked.get(tensor)} if version_probes.reads_targets() else ()
        starts = [tensor for tensor in loss.tensors if tensor not in unread]
        stopped = replay_tape(traced, call.tape, starts, asked, trainable)
    loss = loss._replace(together=tuple(tensor for row in unique(rows) for tensor in row.tensors))
    facts = graphs.step_facts(call, traced.variables, every)
    audit = Audit(AuditRequest(traced, loss, stopped), listed, _answers(call, rows, listed, facts), facts)
    audit._retrace = Retrace(None, tuple, gradient_at=call.where)
    places = tuple(traced.place(traced.flat.producer[tensor])[0] for tensor in loss.tensors)
    return audit, places, _outcome(call, rows, dict(zip(map(_key, listed), audit.variables)))


def _have_gradients(call: GradientCall) -> Tuple[bool, ...]:
    """Return, for each source of a gradient call in progress, whether the verdicts say that it gets a gradient."""
    from graphcut.backend.record import eager_ops, gradient_calls

    with collector_paused(), gradient_calls.suspend_recording(), eager_ops.suspend_eager_ops():
        audit, _, _ = _audit(replace(call, answers=None), None, frozenset())
        verdicts = {_key(target): row.verdict for target, row in zip(audit._targets, audit.variables)}
        return tuple(verdicts[_key(_target(audit._traced, each))] is not Verdict.NONE for each in call.sources)


def _outcome(call: GradientCall, rows: Sequence[Target], rows_by_key: Mapping[Hashable, VariableAudit]) -> FrozenSet[Hashable]:
    """Return the verdicts of the sources, to compare gradient calls. A tensor belongs to one call only."""
    keys = (source.identity if source.is_variable else ("tensor", place) for place, source in enumerate(call.sources))
    asked = {_key(row): each for each, row in zip(keys, rows)}
    return frozenset((asked.get(key, each.name), each.verdict) for key, each in rows_by_key.items())


def _stop_outside(traced: LoadedGraph, call: GradientCall, stopped: StopOps) -> StopOps:
    """Return the stops, extended by the ops that ``tf.gradients`` does not reach: those outside the function that calls it."""
    names = traced.names
    tensors = [tensor for name in call.outside for tensor in names.tensors(name)]
    handles = [tensor for tensor in tensors if traced.flat.dtypes[tensor] == RESOURCE]
    ops = {traced.flat.producer[tensor] for tensor in tensors if tensor not in handles}
    return stopped._replace(
        ops=stopped.ops | ops,
        reasons=dict.fromkeys(ops, BarrierKind.OUTSIDE_TAPE),
        unwatched=dict.fromkeys(handles, BarrierKind.OUTSIDE_TAPE),
    )


def _requested_tensors(tape: Tape, rows: Sequence[Target]) -> Dict[int, Optional[BarrierKind]]:
    """Return the requested tensors, each with the barrier ``not-watched`` if a tape watches it only on request."""
    with_barriers = [(row, None if tape.automatic and row.variable.trainable else BarrierKind.NOT_WATCHED) for row in rows]
    return {tensor: barrier for row, barrier in with_barriers for tensor in row.tensors}


_BEFORE = "; the tape recorded before the step began, outside of what was traced: its answer decides"


def _loss(traced: LoadedGraph, call: GradientCall) -> Loss:
    tensors = dict.fromkeys(tensor for name in call.targets for tensor in traced.names.require(name, "loss"))
    at = " at %s" % nearby(call.where) if call.where else ""
    raised = "; after it the step raises %s" % call.raised if call.raised else ""
    raised += "; it raises %s" % printable(" ".join(call.error.split()), 250)[1:-1] if call.error else ""
    before = _BEFORE if call.tape is not None and call.tape.began_before else ""
    raised += "; " + call.changed if call.changed else ""
    zeros = zero_tensors(traced.flat) if any(isinstance(start, str) for _, start in call.starts) else frozenset()
    started = [name for name, start in call.starts if not _is_zero(traced, start, zeros)]
    live = {tensor for name in started for tensor in traced.names.tensors(name)}
    dead = frozenset(tensor for tensor in tensors if tensor not in live)
    return Loss(tuple(tensors), "what %s is taken of%s%s" % (call.api, at, raised + before), dead, where=call.where)


def _is_zero(traced: LoadedGraph, start: Start, zeros: FrozenSet[int]) -> bool:
    """Return whether the gradient of a target starts from zeros."""
    return any(tensor in zeros for tensor in traced.names.tensors(start)) if isinstance(start, str) else start is True


def _target(traced: LoadedGraph, source: Source) -> Target:
    """Return the row of a source; a variable has its unique name in the graph."""
    match = traced.index.by_object(*source.facts.objects) if source.is_variable else None
    variable = source.facts if match is None else match
    return Target(variable, tuple(tensor for name in variable.tensors for tensor in traced.names.tensors(name)))


def _answers(call: GradientCall, rows: Sequence[Target], listed: Sequence[Target], facts: StepFacts) -> RecordedAnswers:
    """Return the answers in the order of the rows.

    A source given twice is one row; a source that was not asked for has no answer.
    """
    by_key = {_key(row): source for row, source in zip(rows, call.sources)}
    asked = [by_key.get(_key(each)) for each in listed]
    updates = tuple(facts.is_updated(row) if each is None else each.updated for row, each in zip(listed, asked))
    got_gradient = tuple(None if each is None else each.optimizer_got_gradient for each in asked)
    if call.answers is None:
        return RecordedAnswers((None,) * len(listed), call.zeros, call.error, updates, got_gradient)
    result: Dict[Hashable, bool] = {}
    for row, answer in zip(rows, call.answers):
        result[_key(row)] = result.get(_key(row), False) or answer
    answered = tuple(result.get(_key(each)) for each in listed)
    decides = call.tape is not None and call.tape.began_before
    return RecordedAnswers(answered, call.zeros, "", updates, got_gradient, decides=decides)


def _key(target: Target) -> Hashable:
    return target.tensors or id(target.variable.objects[-1])


# AutoGraph leaves these alone (``autograph_artifact``, before TF 2.2 ``__ag_compiled``): a step may audit another.
setattr(audit_step, "autograph_info__", {})  # noqa: B010
setattr(audit_step, "__ag_compiled", True)  # noqa: B010
