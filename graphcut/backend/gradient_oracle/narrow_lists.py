"""Ask about ops that join or split very many tensors with only a few of them.

An op type says which of its arguments are lists whose length an attribute holds (``number_attr``): those of ``AddN``,
``ConcatV2``, ``Split``. TensorFlow's gradient functions treat all tensors of such a list alike. So a few of each class (zeros
or not, shape, constant) represent the rest; if those few get different answers, the query is repeated for the whole op.
"""

from __future__ import annotations

from typing import AbstractSet, Any, Dict, Hashable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from graphcut.analysis.rules.oracle import GradientQuery, GradientReply
from graphcut.graph.attrs import entry, parse_attrs

_WIDE, _FEW = 64, 4
Spans = List[Tuple[str, int, int]]


class NarrowQuery(NamedTuple):
    """A query with fewer tensors, and the representative of each input and output of the op."""

    question: GradientQuery
    inputs: Tuple[int, ...]
    outputs: Tuple[int, ...]


class _Thinned(NamedTuple):
    """The kept places, the representative of each place, and the new lengths of lists."""

    kept: List[int]
    stands: List[int]
    lengths: Dict[str, int]


def narrow_query(question: GradientQuery, definition: Any) -> Optional[NarrowQuery]:
    """Return the query with a few tensors of each long list; ``None`` if there is none. ``definition`` is the ``OpDef``."""
    if definition is None or max(len(question.inputs), len(question.outputs)) <= _WIDE:
        return None
    values = parse_attrs(question.attrs)
    inputs, outputs = _spans(definition.input_arg, values), _spans(definition.output_arg, values)
    if _end(inputs) != len(question.inputs) or _end(outputs) != len(question.outputs):
        return None
    tied = {name for name, _, _ in inputs} & {name for name, _, _ in outputs}
    sizes = _shorten(inputs, _input_sorts(question), tied)
    output_sizes = _shorten(outputs, question.output_shapes or (None,) * len(question.outputs), tied)
    lengths = {**sizes.lengths, **output_sizes.lengths}
    if not lengths:
        return None
    return NarrowQuery(
        _pick(question, sizes.kept, output_sizes.kept, lengths), tuple(sizes.stands), tuple(output_sizes.stands)
    )


def answers_neighbours_alike(answer: GradientReply, narrow: NarrowQuery) -> bool:
    """Return whether representatives got the same answers as their neighbours."""
    result = answer.gradients
    many = {place for index, place in enumerate(narrow.inputs) if index and place == narrow.inputs[index - 1]}
    return all(_is_like(result[place], result[place - 1]) for place in many if result)


def _is_like(one: Any, other: Any) -> bool:
    return one is other is None or (one is not None and other is not None and one.sparse == other.sparse)


def _spans(args: Sequence[Any], values: Mapping[str, Any]) -> Spans:
    """Return, for each argument, the attribute that holds its length, its start, and its length."""
    spans: Spans = []
    for arg in args:
        if arg.number_attr:
            length = int(values[arg.number_attr].i) if arg.number_attr in values else 0
        else:
            listed = arg.type_list_attr
            length = len(values[listed].list.type) if listed in values else 1
        spans.append((arg.number_attr, _end(spans), length))
    return spans


def _end(spans: Spans) -> int:
    return spans[-1][1] + spans[-1][2] if spans else 0


def _input_sorts(question: GradientQuery) -> Sequence[Hashable]:
    nothing = (None,) * len(question.inputs)
    zeros = frozenset(question.zeros)
    places = enumerate(zip(question.shapes or nothing, question.constants or nothing))
    return [(place in zeros, shape, constant) for place, (shape, constant) in places]


def _shorten(spans: Spans, sorts: Sequence[Hashable], tied: AbstractSet[str]) -> _Thinned:
    long = {name for name, _, length in spans if name and length > _WIDE} - tied
    result = _Thinned([], [], {})
    standing = {
        name: _representatives([sorts[start:][:length] for each, start, length in spans if each == name]) for name in long
    }
    for name, start, length in spans:
        places: Dict[int, int] = {}
        for place, standing_for in enumerate(standing.get(name, range(length))):
            if place == standing_for:
                places[place] = len(result.kept)
                result.kept.append(start + place)
            result.stands.append(places[standing_for])
        if name in long:
            result.lengths[name] = len(places)
    return result


def _representatives(lists: Sequence[Sequence[Hashable]]) -> List[int]:
    """Return the representative of each place in lists of one length: the place itself for the first few of each class."""
    by_sort: Dict[Hashable, List[int]] = {}
    standing = []
    for place, sort in enumerate(zip(*lists)):
        members = by_sort.setdefault(sort, [])
        if len(members) < _FEW:
            members.append(place)
        standing.append(members[-1])
    return standing


def _pick(question: GradientQuery, inputs: Sequence[int], outputs: Sequence[int], lengths: Mapping[str, int]) -> GradientQuery:
    zeros, shapes, output_shapes = frozenset(question.zeros), question.shapes, question.output_shapes
    attrs = {key: entry(key, i=lengths[key]) if key in lengths else None for key in parse_attrs(question.attrs)}
    return question._replace(
        attrs=tuple(sorted(attrs[_key(attr)] or attr for attr in question.attrs)),
        inputs=tuple(question.inputs[place] for place in inputs),
        outputs=tuple(question.outputs[place] for place in outputs),
        zeros=tuple(index for index, place in enumerate(inputs) if place in zeros),
        shapes=None if shapes is None else tuple(shapes[place] for place in inputs),
        constants=tuple(question.constants[place] for place in inputs) if question.constants else (),
        output_shapes=None if output_shapes is None else tuple(output_shapes[place] for place in outputs),
    )


def _key(attr: bytes) -> str:
    return next(iter(parse_attrs((attr,))))
