"""The op that would stand there if one of its inputs were a float: what a soft choice in the place of an index feeds.

The input's type is an attribute of the op, and so the type of all that shares the attribute. An op that takes no floats there
(the condition of a ``Select``, the indices of a ``OneHot``, anything of a ``LogicalAnd``) has no such twin.
"""

from __future__ import annotations

from typing import Any, Iterator, Optional, Sequence, Tuple

from graphcut.analysis.rules.oracle import Question
from graphcut.graph.attrs import entry, parsed
from graphcut.graph.messages import CLASSES

_FLOAT = 1
Typed = Tuple[str, int, int]


def softened(question: Question, known: Any) -> Optional[Question]:
    """The question about the op with floats at input ``question.soft``; ``None`` where it takes none. ``known`` is the
    ``OpDef``."""
    values = parsed(question.attrs)
    inputs, outputs = (list(_typed(args, values)) for args in (known.input_arg, known.output_arg))
    if question.soft is None or len(inputs) != len(question.inputs) or len(outputs) != len(question.outputs):
        return None
    name, place, _ = inputs[question.soft]
    if not _allows_floats(known, name):
        return None
    changed = dict(values)
    changed[name] = _with_float(values.get(name), place)
    return question._replace(
        attrs=tuple(sorted(CLASSES["AttrEntry"](key=key, value=each).SerializeToString() for key, each in changed.items())),
        inputs=_dtypes(question.inputs, inputs, name, place),
        outputs=_dtypes(question.outputs, outputs, name, place),
        zeros=(),
        soft=None,
    )


def _typed(args: Sequence[Any], values: Any) -> Iterator[Typed]:
    """For each tensor of some arguments the attribute that tells its type, its place in it where that is a list (else -1), and
    its type where no attribute does."""
    for arg in args:
        if arg.type_list_attr:
            listed = values[arg.type_list_attr].list.type if arg.type_list_attr in values else ()
            yield from ((arg.type_list_attr, place, 0) for place in range(len(listed)))
            continue
        count = int(values[arg.number_attr].i) if arg.number_attr in values else 1
        yield from ((arg.type_attr, -1, arg.type) for _ in range(count))


def _allows_floats(known: Any, name: str) -> bool:
    attr = next((each for each in known.attr if each.name == name), None)
    if attr is None:
        return False
    return not attr.HasField("allowed_values") or _FLOAT in attr.allowed_values.list.type


def _with_float(value: Any, place: int) -> Any:
    if place < 0 or value is None:
        return parsed((entry("type", type=_FLOAT),))["type"]
    changed = CLASSES["AttrValue"]()
    changed.CopyFrom(value)
    changed.list.type[place] = _FLOAT
    return changed


def _dtypes(dtypes: Tuple[int, ...], typed: Sequence[Typed], name: str, place: int) -> Tuple[int, ...]:
    return tuple(_FLOAT if each[:2] == (name, place) else dtype for dtype, each in zip(dtypes, typed))
