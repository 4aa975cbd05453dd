"""Record what each optimizer of a step receives: variables, each with a gradient or with ``None``.

Only the outermost call counts: ``apply_gradients`` of Keras 3 calls ``apply``, and a wrapping optimizer calls the inner one.
"""

from __future__ import annotations

import functools
import sys
import threading
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from tensorflow.python.training import optimizer as v1

from graphcut.backend.live.variable_objects import variable_of
from graphcut.backend.record.patches import Patch
from graphcut.util.own_frames import remove_own_frames

_LOCAL = threading.local()
_LIBRARIES = ("keras", "tf_keras", "tensorflow")
Given = Dict[int, bool]
Pairs = Sequence[Tuple[Any, Any]]


class OptimizerCalls:
    """What the optimizers received in one trace."""

    def __init__(self) -> None:
        self._pairs: List[Tuple[Any, bool]] = []

    def note(self, pairs: Pairs) -> None:
        """Record that an optimizer receives gradients, or ``None``, for these variables."""
        whole = (each for each in pairs if isinstance(each, (tuple, list)) and len(each) == 2)
        self._pairs += [(variable_of(variable), gradient is not None) for gradient, variable in whole]

    def gradient_flags(self) -> Given:
        """Return whether an optimizer ever received a gradient, by the ``id`` of each variable that one received."""
        result: Given = {}
        for variable, gradient in self._pairs:
            result[id(variable)] = result.get(id(variable), False) or gradient
        return result


def patches(noting: Callable[[], Optional[OptimizerCalls]]) -> Iterator[Patch]:
    """Yield the patches that record optimizers; ``noting`` returns the record of the current trace."""
    for owner in {id(each): each for each in _optimizers()}.values():
        for name, key, pairs_of in _WAYS:
            if name in vars(owner):
                yield Patch(owner, name, functools.partial(_wrapped, key, pairs_of, noting))


def _optimizers() -> Iterator[type]:
    """Yield the loaded classes of optimizers, of TensorFlow and of every Keras."""
    yield v1.Optimizer
    for name, module in list(sys.modules.items()):
        if "optimizer" in name and name.partition(".")[0].startswith(_LIBRARIES):
            for each in list(getattr(module, "__dict__", {}).values()):
                if isinstance(each, type) and each.__module__ == name and hasattr(each, "apply_gradients"):
                    yield each


def _wrapped(key: str, pairs_of: Any, noting: Callable[[], Optional[OptimizerCalls]], original: Any) -> Any:
    @functools.wraps(original)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # of pytest and IPython
        result = None if getattr(_LOCAL, "inside", False) else noting()
        gradients = args[0] if args else kwargs.get(key)
        is_noted = False
        try:
            if result is None or not isinstance(gradients, Iterable):
                return original(self, *args, **kwargs)
            is_noted, listed = True, list(gradients)
            result.note(pairs_of(self, listed, args, kwargs))
            _LOCAL.inside = True
            return original(self, listed, *args[1:], **{name: each for name, each in kwargs.items() if name != key})
        except BaseException as error:
            remove_own_frames(error)
            raise
        finally:
            if is_noted:
                _LOCAL.inside = False

    return wrapper


def _of_pairs(optimizer: Any, pairs: Pairs, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Pairs:
    """Return the gradients and variables passed to ``apply_gradients``."""
    return pairs


def _of_lists(optimizer: Any, gradients: Sequence[Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Pairs:
    """Return the gradients and variables passed to ``apply``; a built optimizer knows the variables."""
    named = args[1] if len(args) > 1 else kwargs.get("trainable_variables")
    return list(zip(gradients, getattr(optimizer, "_trainable_variables", ()) if named is None else named))


_WAYS = (("apply_gradients", "grads_and_vars", _of_pairs), ("apply", "grads", _of_lists))
