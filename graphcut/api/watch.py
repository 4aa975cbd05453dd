"""Audit code while it runs: one audit for each gradient that it computes."""

from __future__ import annotations

from typing import Any, Callable, Optional, Tuple

from graphcut.analysis.tape_record import GradientCall
from graphcut.api.audit import Audit
from graphcut.api.audit_step import audits_of, name_trainers, share_updates
from graphcut.api.step_audits import StepAudits
from graphcut.backend import tensorflow_needed
from graphcut.util.source_lines import nearby


class watch:
    """A context manager that watches the gradients that code computes; the code itself runs once, unchanged.

    ``audits`` holds one ``Audit`` for each gradient call, in the order of the first calls. The calls are those of
    ``GradientTape.gradient``, ``jacobian`` and ``batch_jacobian``, ``tf.gradients``, an optimizer's ``minimize`` and Keras'
    ``fit``. A repeated call gets an audit of its own only if its graph or its answer differs. ``audit.recorded`` says for
    each variable whether TensorFlow returned a tensor.

    Raises:
        GraphcutError: TensorFlow is not installed.

    >>> import graphcut
    >>> import tensorflow as tf
    >>> w = tf.Variable([1.0, 2.0], name="w")
    >>> with graphcut.watch() as watched:
    ...     with tf.GradientTape() as tape:
    ...         loss = tf.reduce_sum(tf.stop_gradient(w) ** 2)
    ...     gradient = tape.gradient(loss, w)
    >>> watched.audits[0]["w"].verdict, watched.audits[0].recorded
    (<Verdict.NONE: 'none'>, (False,))
    """

    def __init__(self, on_gradient: Optional[Callable[[int, bool], None]] = None) -> None:
        with tensorflow_needed("to watch code"):
            from graphcut.backend.record import watch_gradients
        listeners = () if on_gradient is None else (on_gradient,)
        self._context = watch_gradients.GradientWatch(*listeners)
        self._watch: Any = self._context.watch
        self._audits: Tuple[Audit, ...] = StepAudits()
        self._state = -1, 0

    def __enter__(self) -> watch:
        self._context.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)

    def __repr__(self) -> str:
        audits = self.audits
        if not audits:
            return "graphcut.watch(): no gradient yet"
        return "graphcut.watch(): %d gradient%s\n%s" % (len(audits), "s" * (len(audits) > 1), audits)

    @property
    def audits(self) -> Tuple[Audit, ...]:
        """The audits so far, one for each gradient call, in the order of the first calls."""
        state = self._watch.count, self._watch.revision
        if self._state != state:
            self._state = state
            calls = tuple(share_updates(tuple(self._watch.gradients_in_order())))
            self._audits = StepAudits(name_trainers(tuple(audits_of(calls, failed=self._note_failure))))
        return self._audits

    def _note_failure(self, gradient: GradientCall, error: Exception) -> None:
        self._watch.eager.problems.append("the gradient at %s: %s" % (nearby(gradient.where or "?"), error))

    @property
    def unasked(self) -> Tuple[str, ...]:
        """The places of gradient calls without a variable, such as Keras 2 makes for a model that is entirely frozen."""
        return tuple(dict.fromkeys(nearby(each or "?") for each in self._watch.unasked))

    @property
    def problems(self) -> Tuple[str, ...]:
        """The last few problems: gradients that could not be audited, or whose ops could not all be recorded."""
        return tuple(self._watch.eager.problems)
