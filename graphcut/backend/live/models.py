"""The models and modules whose variables a function is about, and which of those are trainable.

Keras freezes a layer without telling its variables: only the model's own list of trainable variables leaves them out.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Tuple

from graphcut.backend.live.function_identity import content
from graphcut.backend.live.variable_objects import variable_of


def owned(source: Any) -> Dict[int, Tuple[Any, bool]]:
    """The variables of all owners, as Keras holds them, and whether they are trained; by the ``tf.Variable``'s identity."""
    found: Dict[int, Tuple[Any, bool]] = {}
    for owner in owners(source):
        trained = {id(variable_of(each)) for each in listed(owner, "trainable_variables")}
        for each in listed(owner, "variables"):
            key = id(variable_of(each))
            found[key] = (each, key in trained or key in found and found[key][1])
    return found


def owners(source: Any) -> List[Any]:
    """What the function is, what it is a method of, and what it refers to: those that have trainable variables."""
    around = [source, getattr(source, "__self__", None), *referred(getattr(source, "python_function", source))]
    return [each for each in around if listed(each, "trainable_variables")]


def referred(function: Any) -> Iterator[Any]:
    """The values of the free and global names in a Python function."""
    function = getattr(function, "__func__", function)
    names, known = getattr(getattr(function, "__code__", None), "co_names", ()), getattr(function, "__globals__", {})
    yield from (content(cell) for cell in getattr(function, "__closure__", None) or ())
    yield from (known[name] for name in names if name in known)


def listed(owner: Any, attribute: str) -> List[Any]:
    """The variables that a model lists; none where it is not built yet."""
    try:
        found = getattr(owner, attribute, ())
    except ValueError:
        return []
    return list(found) if isinstance(found, (list, tuple)) else []
