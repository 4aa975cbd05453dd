"""Explain missing gradients in TensorFlow's and Keras' own messages: ``graphcut.install()`` and ``uninstall()``."""

from __future__ import annotations

import re
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Tuple

from graphcut.api.audit_step import audits_of
from graphcut.backend import tensorflow_needed
from graphcut.render.text.explain import explain_groups
from graphcut.render.text.missing_gradient import unrecorded_lines
from graphcut.results import WITH_GRADIENT
from graphcut.results.words import at
from graphcut.util.own_frames import remove_own_frames

if TYPE_CHECKING:
    from graphcut.backend.record.missing_gradients import MissingGradient

_OF_NONE = re.compile(r"NoneType|\bNone\b|No gradient defined")
_INSTALLED: List[_Installed] = []
_LOCK = threading.Lock()


def install() -> None:
    """Explain missing gradients where TensorFlow and Keras complain about them, until ``uninstall`` is called.

    The error ``No gradients provided for any variable`` gets the explanation as a note on Python 3.11 and later, and at the
    end of its message before. The warning ``Gradients do not exist for variables`` is followed by it, and so is
    ``tf.clip_by_global_norm`` of a ``None``. An error that a ``None`` causes elsewhere, such as ``gradient.numpy()``, is
    explained when it ends a script, a notebook cell, a thread or a pytest test.

    A traced training step costs the same as before. When code executes eagerly, the first step is recorded, up to 20,000
    ops; if a gradient is missing later, the step after that is recorded, too.

    Raises:
        GraphcutError: TensorFlow is not installed.

    >>> import graphcut
    >>> import tensorflow as tf
    >>> graphcut.install()
    >>> w = tf.Variable([1.0, 2.0], name="w")
    >>> with tf.GradientTape() as tape:
    ...     loss = tf.reduce_sum(tf.round(w))
    >>> try:
    ...     tf.keras.optimizers.SGD().apply_gradients([(tape.gradient(loss, w), w)])
    ... except ValueError as error:
    ...     said = "\\n".join([str(error), *getattr(error, "__notes__", ())])
    >>> "It is cut by not-differentiable at Round" in said
    True
    >>> graphcut.uninstall()
    """
    with tensorflow_needed("to explain missing gradients"):
        from graphcut.backend.record.missing_gradients import MissingGradients
    with _LOCK:
        if not _INSTALLED:
            _INSTALLED.append(_Installed(MissingGradients(_explanation)))


def uninstall() -> None:
    """Undo ``install``; does nothing if ``install`` was not called.

    >>> import graphcut
    >>> graphcut.uninstall()
    """
    with _LOCK:
        while _INSTALLED:
            _INSTALLED.pop().remove()


def explain_error(error: BaseException) -> str:
    """Add to an error the explanation of the missing gradient that caused it, and return it; empty if none did."""
    return _INSTALLED[0].explain(error) if _INSTALLED else ""


class _Installed:
    """The installed hooks, and what was there before."""

    def __init__(self, gradients: Any) -> None:
        self._gradients = gradients
        gradients.start()
        self._hooks: List[Tuple[Any, str, Any, Any]] = []
        self._hook(sys, "excepthook", lambda error_type, error, trace: error)
        if hasattr(threading, "excepthook"):
            self._hook(threading, "excepthook", lambda args: args.exc_value)
        self._notebook: Any = _notebook()
        if self._notebook is not None:
            self._notebook.events.register("post_run_cell", self._after_cell)

    def remove(self) -> None:
        """Remove the hooks. If other code wrapped one of them, the wrapper stays and calls the original function."""
        for owner, name, ours, before in self._hooks:
            if getattr(owner, name) is ours:
                setattr(owner, name, before)
        if self._notebook is not None:
            with suppress(ValueError):
                self._notebook.events.unregister("post_run_cell", self._after_cell)
        self._gradients.stop()

    def _hook(self, owner: Any, name: str, error_of: Callable[..., Optional[BaseException]]) -> None:
        """Explain an error before it is shown."""
        before = getattr(owner, name)

        def hook(*args: Any) -> Any:
            error = error_of(*args)
            text = self.explain(error) if error is not None else ""
            if error is not None:
                remove_own_frames(error)
            answer = before(*args)
            if text and not hasattr(error, "add_note"):
                print(text, file=sys.stderr)
            return answer

        setattr(owner, name, hook)
        self._hooks.append((owner, name, hook, before))

    def _after_cell(self, result: Any = None) -> None:
        """Record that a notebook cell ended and its error was shown."""
        error = getattr(result, "error_in_exec", None)
        text = "" if error is None or _is_explained(error) else self.explain(error)
        if text:
            print(text, file=sys.stderr)

    def explain(self, error: BaseException) -> str:
        """Return the explanation of an error that was caused by a gradient of ``None``, and add it to the error."""
        from graphcut.backend.record.missing_gradient_warnings import add_to

        try:
            missing = self._gradients.last() if _OF_NONE.search(str(error)) else None
            if missing is None or _is_explained(error) or not _is_near(error, missing):
                return ""
            explanation = self._gradients.explanation(None, "error")
            text = "" if explanation is None else str(explanation.text)
            if hasattr(error, "add_note"):
                add_to(error, text)
        except Exception:  # noqa: BLE001 - the user's own error is what counts
            return ""
        return text


def _is_explained(error: BaseException) -> bool:
    texts = [*getattr(error, "__notes__", ()), *error.args]
    return any(isinstance(each, str) and _HEADING in each for each in texts)


def _is_near(error: BaseException, missing: MissingGradient) -> bool:
    """Return whether an error went through the file that took the gradient."""
    path = (missing.where or "").rpartition(":")[0]
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            return True
        trace = trace.tb_next
    return "in user code" in str(error)


def _notebook() -> Any:
    """Return the IPython shell that this runs in, if any."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


_HEADING = "graphcut explains the gradient"


def _explanation(explanation: MissingGradient) -> str:
    """Return the reason, the line and the advice for each group of variables without a gradient."""
    heading = "%s taken at %s:" % (_HEADING, at(explanation.where)) if explanation.where else "%s:" % _HEADING
    gradient = explanation.whole()
    if gradient is None:
        return "\n".join([heading, *unrecorded_lines(explanation.known, explanation.loss_dtypes)])
    (audit,) = audits_of([gradient])
    missing = [each for each in audit.variables if each.verdict not in WITH_GRADIENT] or audit.variables
    return "\n".join([heading, explain_groups(audit, missing)])
