"""Rewrite an op to take a float at one input, as it would if a soft choice replaced the index there.

The dtype of the input is an attribute of the op, so all inputs and outputs that share the attribute change with it. An op that
takes no floats there (the condition of a ``Select``, the indices of a ``OneHot``, any input of a ``LogicalAnd``) has no such
twin.
"""

from __future__ import annotations

from typing import AbstractSet, Any, Iterator, Optional, Sequence, Tuple

from graphcut.analysis.rules.oracle import GradientQuery
from graphcut.graph.attrs import entry, parse_attrs
from graphcut.graph.messages import CLASSES
from graphcut.graph.op_outputs import Output

_FLOAT = 1
Typed = Tuple[str, int]


def soften(
    question: GradientQuery, inputs: Sequence[Output], outputs: Sequence[Output], floats: AbstractSet[str]
) -> Optional[GradientQuery]:
    """Return the query for the op with floats at input ``question.soft``; ``None`` if the op takes no floats there.

    ``inputs`` and ``outputs`` are the arguments of the op type, ``floats`` the attributes of dtypes that allow floats.
    """
    values = parse_attrs(question.attrs)
    taken, results = list(_type_attributes(inputs, values)), list(_type_attributes(outputs, values))
    if question.soft is None or len(taken) != len(question.inputs) or len(results) != len(question.outputs):
        return None
    name, place = taken[question.soft]
    if name not in floats:
        return None
    changed = dict(values)
    changed[name] = _with_float(values.get(name), place)
    return question._replace(
        attrs=tuple(sorted(CLASSES["AttrEntry"](key=key, value=each).SerializeToString() for key, each in changed.items())),
        inputs=_dtypes(question.inputs, taken, name, place),
        outputs=_dtypes(question.outputs, results, name, place),
        zeros=(),
        soft=None,
    )


def _type_attributes(args: Sequence[Output], values: Any) -> Iterator[Typed]:
    """Return, for each tensor of some arguments, the attribute that sets its dtype and its position in that attribute.

    The attribute is empty if none sets the dtype. The position is -1 if the attribute is not a list.
    """
    for arg in args:
        if arg.dtype.startswith("["):
            name = arg.dtype[1:-1]
            listed = values[name].list.type if name in values else ()
            yield from ((name, place) for place in range(len(listed)))
            continue
        count = int(values[arg.number].i) if arg.number in values else 1
        yield from (("" if arg.dtype.isdigit() else arg.dtype, -1) for _ in range(count))


def _with_float(value: Any, place: int) -> Any:
    if place < 0 or value is None:
        return parse_attrs((entry("type", type=_FLOAT),))["type"]
    changed = CLASSES["AttrValue"]()
    changed.CopyFrom(value)
    changed.list.type[place] = _FLOAT
    return changed


def _dtypes(dtypes: Tuple[int, ...], typed: Sequence[Typed], name: str, place: int) -> Tuple[int, ...]:
    return tuple(_FLOAT if each == (name, place) else dtype for dtype, each in zip(dtypes, typed))
