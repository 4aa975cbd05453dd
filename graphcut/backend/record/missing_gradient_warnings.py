"""Wrap the functions with which TensorFlow and Keras complain about missing gradients, to add the reason.

They run after the gradient call, so nothing is wrapped until a gradient is missing; by then the optimizers are loaded. Only
the optimizers of TensorFlow 1 take the gradient and complain in one method, so that is wrapped from the start.
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from typing import Any, Callable, Iterable, Iterator, List, NamedTuple, Optional, Sequence

import tensorflow as tf
from tensorflow.python.ops import clip_ops
from tensorflow.python.training import optimizer as v1

from graphcut.backend.record.patches import Patch, put, take
from graphcut.util.own_frames import remove_own_frames

_LIBRARIES = ("keras", "tf_keras", "tensorflow")
_FILTERS = ("filter_empty_gradients", "_filter_grads")  # of Keras 2; until TF 2.1
_COMPLAINT = "No gradients provided for any variable"
_PAIR = 2
_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")


class Explanation(NamedTuple):
    """The explanation of a missing gradient, and the ``file:line`` where it was taken."""

    text: str
    where: Optional[str]


Explain = Callable[[Optional[Sequence[Any]], str], Optional[Explanation]]


class Complaints:
    """The wrappers, each applied once, and all removed together.

    ``explain`` returns why variables have no gradient, for an ``"error"`` or a ``"warning"``, or ``None`` if there is nothing
    to explain.
    """

    def __init__(self, explain: Explain) -> None:
        self._explain = explain
        self._applied: List[Patch] = []

    def start(self) -> None:
        """Wrap the functions that may already be running when a gradient is missing."""
        self._apply([Patch(v1.Optimizer, name, self._of_optimizer) for name in ("minimize", "apply_gradients")])

    def apply(self) -> None:
        """Wrap the functions that are not wrapped yet."""
        self._apply(self._patches())

    def _apply(self, patches: Iterable[Patch]) -> None:
        names = {(id(each.owner), each.name) for each in self._applied}
        for each in patches:
            if (id(each.owner), each.name) not in names:
                put(each)
                self._applied.append(each)

    def restore(self) -> None:
        """Restore the original functions."""
        while self._applied:
            take(self._applied.pop())

    def _patches(self) -> Iterator[Patch]:
        for name in _FILTERS:
            for module in _modules("optimizer"):
                if callable(vars(module).get(name)):
                    yield Patch(module, name, functools.partial(self._of_pairs, vars(module).get("logging")))
        for module in _modules("optimizers.base_optimizer"):
            if hasattr(module, "BaseOptimizer") and "_filter_empty_gradients" in vars(module.BaseOptimizer):
                yield Patch(module.BaseOptimizer, "_filter_empty_gradients", self._of_lists)
        for module in (clip_ops, tf, tf.compat.v1, tf.compat.v2):
            if "clip_by_global_norm" in vars(module):
                yield Patch(module, "clip_by_global_norm", self._of_norm)
        yield from autograph_patches()

    def _of_pairs(self, logging: Any, original: Any) -> Any:
        """Wrap the function that removes the pairs without a gradient and logs them."""

        @functools.wraps(original)
        def wrapper(grads_and_vars: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            listed = list(grads_and_vars)
            missing = [pair[1] for pair in listed if _is_pair(pair) and pair[0] is None]
            try:
                answer = original(listed, *args, **kwargs)
            except BaseException as error:
                self._add(error, missing)
                remove_own_frames(error)
                raise
            self._warn(missing, getattr(logging, "warning", None))
            return answer

        return wrapper

    def _of_lists(self, original: Any) -> Any:
        """Wrap the same function of Keras 3, which warns."""

        @functools.wraps(original)
        def wrapper(optimizer: Any, grads: Any, variables: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            gradients, sources = list(grads), list(variables)
            missing = [variable for gradient, variable in zip(gradients, sources) if gradient is None]
            try:
                answer = original(optimizer, gradients, sources, *args, **kwargs)
            except BaseException as error:
                self._add(error, missing)
                remove_own_frames(error)
                raise
            self._warn(missing, None)
            return answer

        return wrapper

    def _of_norm(self, original: Any) -> Any:
        """Wrap the clipping of gradients, which passes a ``None`` on silently."""

        @functools.wraps(original)
        def wrapper(t_list: Any, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            try:
                answer = original(t_list, *args, **kwargs)
            except BaseException as error:
                remove_own_frames(error)
                raise
            if isinstance(t_list, (list, tuple)) and any(each is None for each in t_list):
                self._warn(None, None)
            return answer

        return wrapper

    def _of_optimizer(self, original: Any) -> Any:
        """Wrap a method of TensorFlow 1's optimizers, which raise."""

        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            try:
                return original(*args, **kwargs)
            except BaseException as error:
                self._add(error, None)
                remove_own_frames(error)
                raise

        return wrapper

    def _add(self, error: BaseException, variables: Optional[Sequence[Any]]) -> None:
        """Add the reason to an error that says that every gradient is missing."""
        is_complaint = isinstance(error, ValueError) and _COMPLAINT in str(error)
        result = self._explain(variables, "error") if is_complaint else None
        if result is not None:
            add_to(error, result.text)

    def _warn(self, variables: Optional[Sequence[Any]], log: Optional[Callable[..., None]]) -> None:
        """Add the reason after a warning that some gradients are missing, by the same means as the warning."""
        result = self._explain(variables, "warning") if variables is None or variables else None
        if result is None:
            return
        if log is not None:
            log("%s", result.text)
            return
        path, _, line = (result.where or "").rpartition(":")
        warnings.warn_explicit(result.text, UserWarning, path or "graphcut", int(line) if line.isdigit() else 1)


def add_to(error: BaseException, text: str) -> None:
    """Add a text to an error: as a note from Python 3.11 on, else to its message."""
    notes = getattr(error, "__notes__", ())
    if not text or text in notes or any(isinstance(each, str) and text in each for each in error.args):
        return
    if hasattr(error, "add_note"):
        error.add_note(text)
    elif error.args and isinstance(error.args[0], str):
        error.args = ("%s\n\n%s" % (error.args[0], text), *error.args[1:])


def _is_pair(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) == _PAIR


def _modules(part: str) -> List[Any]:
    """Return the loaded modules of TensorFlow and Keras whose names contain a word."""
    modules = [(name, module) for name, module in list(sys.modules.items()) if part in name]
    return [module for name, module in modules if name.partition(".")[0] in _LIBRARIES and hasattr(module, "__dict__")]


def autograph_patches() -> Iterator[Patch]:
    """Yield the patch for the error that AutoGraph raises in place of an error in converted code.

    The patched error keeps the notes, and its message lists no wrapper of graphcut among the frames.
    """
    try:
        from tensorflow.python.autograph.pyct import error_utils as module
    except ImportError:
        from tensorflow.python.autograph.pyct import errors as module

    def converting(original: Any) -> Any:
        @functools.wraps(original)
        def to_exception(metadata: Any, source_error: Any, *args: Any, **kwargs: Any) -> Any:
            frames = getattr(metadata, "translated_stack", ())
            if any(map(_is_own, frames)):
                metadata.translated_stack = tuple(each for each in frames if not _is_own(each))
            made = original(metadata, source_error, *args, **kwargs)
            for note in getattr(source_error, "__notes__", ()):
                add_to(made, note)
            return made

        return to_exception

    owner = getattr(module, "ErrorMetadataBase", None)
    if owner is not None and "to_exception" in vars(owner):
        yield Patch(owner, "to_exception", converting)


def _is_own(frame: Any) -> bool:
    """Return whether a frame is one of graphcut's wrappers."""
    return str(getattr(frame, "filename", "")).startswith(_FOLDER)
