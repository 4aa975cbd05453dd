"""A Keras callback, ``AuditCallback``, that audits the gradients of ``fit``.

>>> import numpy as np
>>> import tensorflow as tf
>>> from graphcut.keras import AuditCallback
>>> layers = tf.keras.layers
>>> model = tf.keras.Sequential([layers.Dense(2, name="a"), layers.Lambda(tf.round), layers.Dense(1, name="b")])
>>> model.compile("sgd", "mse")
>>> callback = AuditCallback(must_train="*b/*", frozen="*a/*")
>>> history = model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0, callbacks=[callback])
>>> [audit.verdict.value for audit in callback.audits[0]]
['none', 'none', 'flows', 'flows']
"""

from __future__ import annotations

import logging
import warnings
from fnmatch import fnmatchcase
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from graphcut.api.audit import Audit
from graphcut.api.select.resolve_variables import Scopes, as_tuple, key_name
from graphcut.api.watch import watch
from graphcut.backend import tensorflow_needed
from graphcut.contracts.source_audits import variables_of
from graphcut.errors import GraphcutError, close_names, did_you_mean, printable
from graphcut.render.text.explain import explain_groups
from graphcut.results import WITH_GRADIENT, VariableAudit

with tensorflow_needed("for a Keras callback"):
    from graphcut.backend.record.first_batch import FirstBatch

__all__ = ["AuditCallback"]

_Found = List[Tuple[Audit, VariableAudit]]


def _raise(text: str) -> None:
    raise GraphcutError(text)


def _warn(text: str) -> None:
    warnings.warn(text, UserWarning, stacklevel=2)


def _log(text: str) -> None:
    logging.getLogger("graphcut").warning("%s", text)


_WAYS: Dict[str, Callable[[str], None]] = {"warn": _warn, "raise": _raise, "log": _log}


class AuditCallback(FirstBatch):
    """Audit the gradients that ``fit`` takes, in the graph that it traces anyway, before the second batch.

    ``audits`` has the audits of the gradients that the first batch took.

    Args:
        must_train: variables that must get a gradient: objects, names, patterns, layers, or a list of these. By default, every
            variable whose gradient ``fit`` takes.
        frozen: variables that must get no gradient.
        on_problem: ``"warn"``, ``"raise"`` a ``GraphcutError``, which ends ``fit``, or ``"log"`` to the logger ``graphcut``.

    Raises:
        GraphcutError: ``on_problem`` is something else, or TensorFlow is older than 2.2.
    """

    def __init__(self, must_train: Any = None, frozen: Any = (), on_problem: str = "warn") -> None:
        super().__init__()
        if on_problem not in _WAYS:
            raise GraphcutError('on_problem must be "warn", "raise" or "log", not %r' % (on_problem,))
        self.must_train, self.frozen, self.on_problem = must_train, frozen, on_problem
        self.audits: Tuple[Audit, ...] = ()

    def watch_batch(self) -> watch:
        """Return a context in which the batch is watched."""
        return watch()

    def finish_batch(self, watched: watch, error: Optional[BaseException]) -> None:
        """Audit the gradients that the batch took, and report what is wrong."""
        try:
            self.audits = watched.audits
            problems = list(self._problems()) if self.audits or error is None else []
        except Exception as failed:  # noqa: BLE001 - a fault of graphcut does not end the training
            problems = ["the first batch of fit cannot be audited: %s" % failed]
        if problems:
            _WAYS[self.on_problem]("graphcut: " + "\n\n".join(problems))

    def _problems(self) -> Iterator[str]:
        if not self.audits:
            frozen = ": the model has no trainable weights" * (not self.model.trainable_weights)
            yield "the first batch of fit took no gradient" + frozen
        for key in as_tuple(self.frozen):
            result = _audited_variables(self.audits, key)
            reached = [(audit, each) for audit, each in result if each.verdict in WITH_GRADIENT]
            if reached:
                yield "%s must get no gradient, but gets one:\n%s" % (_key_text(key), _explained(reached))
            elif not result:
                yield from filter(None, [self._unknown("frozen", key)])
        for key in ["*"] if self.must_train is None else as_tuple(self.must_train):
            yield from self._untrained(key)

    def _untrained(self, key: Any) -> Iterator[str]:
        result = _audited_variables(self.audits, key)
        reached = {each.name for _, each in result if each.verdict in WITH_GRADIENT}
        missing = [(audit, each) for audit, each in result if each.name not in reached]
        missing = missing if self.must_train is not None else [each for each in missing if not self._is_frozen(each[1])]
        if missing:
            what = "these variables" if self.must_train is None else _key_text(key)
            yield "%s must get a gradient and %s not:\n%s" % (
                what, "do" if self.must_train is None else "does", _explained(missing)
            )  # fmt: skip
        elif not result and self.audits and self.must_train is not None:
            name = _key_text(key)
            advice = ": set trainable = True on its layer before compile()" * self._is_untrainable(key)
            text = "%s must get a gradient, but fit takes no gradient of it%s" % (name, advice)
            yield self._unknown("must_train", key) or text

    def _is_untrainable(self, key: Any) -> bool:
        """Return whether a key matches weights of the model and all of them are frozen."""
        if not isinstance(key, str):
            objects = [id(each) for each in getattr(key, "weights", [key])]
            frozen = [id(each) for each in self.model.non_trainable_weights]
            return bool(objects) and all(each in frozen for each in objects)
        return self._matches(self.model.weights, key) and not self._matches(self.model.trainable_weights, key)

    @staticmethod
    def _matches(weights: Any, key: str) -> bool:
        names = _weight_names(weights)
        return bool(Scopes(names).inside(key)) or any(fnmatchcase(each, key) for each in names)

    def _is_frozen(self, variable: VariableAudit) -> bool:
        return any(
            each.name == variable.name for key in as_tuple(self.frozen) for _, each in _audited_variables(self.audits, key)
        )

    def _unknown(self, argument: str, key: Any) -> str:
        """Return the message for a name that matches no variable of the model, else an empty text."""
        if not isinstance(key, str):
            return ""
        if self._matches(self.model.weights, key):
            return ""
        names = _weight_names(self.model.weights)
        scopes = Scopes(names)
        near = did_you_mean(close_names(key, [*scopes.names(), *names]))
        return "%s=%s matches no variable of the model%s" % (argument, _key_text(key), near)


def _weight_names(weights: Any) -> List[str]:
    """Return the paths and names of Keras weights."""
    attributes = (str(getattr(each, word, "")) for each in weights for word in ("path", "name"))
    return [each.partition(":")[0] for each in attributes]


def _audited_variables(audits: Tuple[Audit, ...], key: Any) -> _Found:
    """Return the variables that a key matches, each with its audit; audits without such a variable are skipped."""
    result: _Found = []
    for audit in audits:
        try:
            result += [(audit, each) for each in variables_of(audit, key)]
        except (GraphcutError, KeyError):
            continue
    return result


def _explained(result: _Found) -> str:
    (audit, _), *_ = result
    return explain_groups(audit, [each for other, each in result if other is audit])


def _key_text(key: Any) -> str:
    return printable(key_name(key))
