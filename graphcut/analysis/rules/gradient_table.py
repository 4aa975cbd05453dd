"""The gradients of TensorFlow's ops as a table: the answers of TensorFlow 1.15 to 2.21.

``tools/make_gradient_table.py`` generates ``gradient_table.json`` by asking each version. For each op type the table has one
entry per group of versions with equal answers. ``gradient`` of an entry is ``"unregistered"``, ``"none"`` (registered without
a gradient), ``"rule"`` (the gradient comes from what surrounds the op), or ``"function"``. Then ``rows`` hold what the
function answers: the values of attributes for which a row holds (``when``), and a word for each input *argument*, so that a
row serves any number of tensors. A question that no row answers counts as one that could not be asked: the analysis assumes
that the gradient carries.

The words: ``-`` no gradient; else the numbers of the output arguments that the gradient carries from (``=`` after one: each
tensor of a list from its own), ``z`` none of them; then ``s`` sparse, ``p`` passed on unchanged, ``m`` independent of the
upstream gradient. After ``/`` comes the word for tensors of a list that can carry no gradient. ``!`` alone: TensorFlow raises.
"""

from __future__ import annotations

import json
import os
import re
from copy import copy
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from graphcut.analysis.rules.float_twins import soften
from graphcut.analysis.rules.op_overlay import OpOverlay
from graphcut.analysis.rules.oracle import (
    ROOM,
    AskGradient,
    GradientQuery,
    GradientReply,
    InputAnswer,
    InputGradient,
    TensorFlowBehavior,
    weight,
)
from graphcut.errors import GraphcutError, near_names, printable
from graphcut.graph.attrs import integers, parse_attrs
from graphcut.graph.dtypes import REF, base_dtype
from graphcut.graph.flat import Kind, Shape
from graphcut.graph.metadata import GraphMetadata
from graphcut.graph.op_outputs import Output, arguments
from graphcut.graph.op_types import GRADIENT_TYPE
from graphcut.util.caching import BoundedCache

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gradient_table.json")
_WORD = re.compile(r"(z|[0-9=,]*)([spm]*)$")
_MOST = 10**6
Words = Sequence[str]


def lengths(args: Sequence[Output], values: Mapping[str, Any]) -> List[int]:
    """Return how many tensors each argument has."""
    return [len(_dtypes(arg, values)) for arg in args]


def _dtypes(arg: Output, values: Mapping[str, Any]) -> List[int]:
    if arg.dtype.startswith("["):
        listed = values.get(arg.dtype[1:-1])
        return [_number(each) for each in listed] if isinstance(listed, (list, tuple)) else []
    dtype = int(arg.dtype) if arg.dtype.isdigit() else _number(values.get(arg.dtype))
    return [dtype + (REF if arg.ref else 0)] * (_number(values.get(arg.number)) if arg.number else 1)


def _number(value: Any) -> int:
    """Return a number of tensors or of a dtype; 0, which fits no op, if a damaged file holds anything else."""
    return value if isinstance(value, int) and 0 <= value <= _MOST else 0


def attr_value(message: Any) -> Any:
    """Return an ``AttrValue`` message as JSON."""
    kind = message.WhichOneof("value")
    if kind in ("i", "b", "type", "f"):
        return getattr(message, kind)
    if kind == "s":
        return message.s.decode("latin-1")
    if kind == "list":
        for field, listed in message.list.ListFields():
            return [_element(field.name, each) for each in listed]
        return []
    return _element(kind, getattr(message, kind)) if kind else None


def _element(kind: str, value: Any) -> Any:
    if kind == "shape":
        return "?" if value.unknown_rank else ",".join(str(dim.size) for dim in value.dim)
    if kind == "s":
        return value.decode("latin-1")
    return value if kind in ("i", "b", "f", "type") else kind


def shape_class(shape: Shape) -> str:
    """Return the class of a shape that answers depend on: the rank, and how the last two sizes compare.

    A single column is a separate class.

    >>> shape_class(None), shape_class((4, 4)), shape_class((None, 3)), shape_class((2, 3, 2)), shape_class((None, 1))
    ('?', '2=', '2?', '3>', '2|')
    """
    if shape is None:
        return "?"
    if len(shape) == 2 and shape[1] == 1:
        return "2|"
    if None in shape:
        return "%d?" % len(shape)
    order = "" if len(shape) < 2 else "<=>"[(shape[-2] > shape[-1]) - (shape[-2] < shape[-1]) + 1]  # type: ignore[operator]
    return "%d%s" % (len(shape), order)


@lru_cache(maxsize=1)
def data() -> Mapping[str, Any]:
    """Return the whole table."""
    with open(PATH, encoding="utf-8") as stream:
        table: Mapping[str, Any] = json.load(stream)
    return table


def versions() -> Tuple[str, ...]:
    """Return the versions of TensorFlow that were asked, oldest first."""
    return tuple(data()["versions"])


def find_version(version: str) -> int:
    """Return the column of a version such as ``2.15``."""
    for column, each in enumerate(versions()):
        if each == version or each.startswith(version + "."):
            return column
    columns = [_short(each) for each in versions()]
    raise GraphcutError(
        "no gradient table for TensorFlow %s%s\nThe table holds %s; 'installed' asks the installed TensorFlow."
        % (printable(version), near_names(version, columns), ", ".join(columns))
    )


def _short(version: str) -> str:
    return ".".join(version.split(".")[:2])


def column_of(origin: GraphMetadata) -> int:
    """Return the column for a file: the newest version that is not newer than the file's producer.

    If the producer is unknown, it is the newest version.
    """
    numbers = _numbers(origin.tensorflow_version)
    if numbers:
        return _newest([_numbers(each) <= numbers for each in versions()])
    if origin.producer:
        return _newest([each <= origin.producer for each in data()["producers"]])
    return len(versions()) - 1


def is_version_known(origin: GraphMetadata) -> bool:
    """Return whether a file says which TensorFlow wrote it."""
    return bool(_numbers(origin.tensorflow_version) or origin.producer)


def _newest(fits: Sequence[bool]) -> int:
    return max([column for column, fit in enumerate(fits) if fit], default=0)


def _numbers(version: str) -> Tuple[int, ...]:
    match = re.match(r"(\d+)\.(\d+)", version)
    return (int(match.group(1)), int(match.group(2))) if match else ()


@lru_cache(maxsize=None)
def table_oracle(column: int) -> TableOracle:
    """Return the oracle of one column."""
    return TableOracle(column)


def entry_of(op_type: str, column: int) -> Any:
    """Return the entry of an op type in one column, or ``None`` if that version has no such op."""
    for columns, entry in data()["ops"].get(op_type, ()):
        if column in columns:
            return entry
    return None


class TableOracle:
    """A ``GradientOracle``: the answers of one version of TensorFlow in the table, and an ``overlay`` for other ops."""

    def __init__(self, column: int, overlay: Optional[OpOverlay] = None) -> None:
        self.column, self._overlay = column, {} if overlay is None else overlay.ops
        self.version = versions()[column]
        self._sources = "gradient table" + (" and %s" % overlay.label if overlay else "")
        self.label = self._label(self._sources)
        behavior = data()["behavior"][column]
        self.trainable: FrozenSet[int] = frozenset(behavior["trainable"])
        self.surroundings = TensorFlowBehavior(
            trainable=self.trainable,
            inert_counts=behavior["inert_counts"],
            fills_branches=behavior["fills_branches"],
            empty_calls_raise=behavior["empty_calls_raise"],
            rebuilds_cases=behavior["rebuilds_cases"],
        )
        self._answers: BoundedCache[GradientReply] = BoundedCache(ROOM)

    def assumed(self) -> TableOracle:
        """Return the same oracle. Its label says that the version is assumed, because the file names none."""
        result = copy(self)
        result.label = self._label(self._sources + ", assumed: the file names no version")
        return result

    def _label(self, sources: str) -> str:
        return "TensorFlow %s (%s)" % (_short(self.version), sources)

    def behavior(self, origin: GraphMetadata) -> TensorFlowBehavior:
        """Return how this version treats the surroundings of an op. Users' gradient functions are not in the table."""
        return replace(self.surroundings.of(origin), foreign=True, plain_root=False)

    def asker(self, origin: GraphMetadata) -> AskGradient:
        """Return the function that answers questions about the ops of any graph."""
        return self.ask

    def ask(self, question: GradientQuery) -> GradientReply:
        """Return the answer of this version for one kind of op."""
        key = question._replace(place=None, slices=(), taped=False)
        return self._answers.get(key, weight(key), partial(self._ask if key.soft is None else self._ask_float_twin, key))

    def _entry(self, op_type: str) -> Any:
        return self._overlay.get(op_type) or entry_of(op_type, self.column)

    def _ask_float_twin(self, question: GradientQuery) -> GradientReply:
        """Return the answer for the op with floats at one input.

        If the op takes no floats there, no input gets a gradient.
        """
        entry = self._entry(question.type)
        soft = None if entry is None else soften(question, *_signature(entry))
        return (
            self.ask(soft) if soft is not None else GradientReply(gradients=(None,) * len(question.inputs), registered=False)
        )

    def _ask(self, question: GradientQuery) -> GradientReply:
        nothing = (None,) * len(question.inputs)
        outputs = question.outputs
        discrete = not question.starts and not any(not dtype or base_dtype(dtype) in self.trainable for dtype in outputs)
        entry = self._entry(question.type)
        if entry is None:
            return GradientReply(failed="TensorFlow %s knows no op of this type" % self.version, gradients=nothing)
        values = {name: attr_value(value) for name, value in parse_attrs(question.attrs).items()}
        gradient = self._gradient(entry, values.get(GRADIENT_TYPE) or question.type, question.type)
        if gradient == "unregistered":
            return GradientReply(missing=not discrete, gradients=nothing, registered=False)
        if discrete or gradient == "none":
            return GradientReply(gradients=nothing)
        return self._look_up(entry, values, question) if gradient == "function" else GradientReply(failed=_WHY[gradient])

    def _gradient(self, entry: Mapping[str, Any], own: Any, op_type: str) -> str:
        """Return the kind of gradient function that an op has.

        ``own`` is the name that the op gives; in a damaged file it can be any object.
        """
        if own == op_type:
            return str(entry["gradient"])
        if not isinstance(own, str):
            return "other"
        other = self._entry(own)
        sort = "unregistered" if other is None else str(other["gradient"])
        return sort if sort in ("unregistered", "none") else "other"

    def _look_up(self, entry: Mapping[str, Any], values: Mapping[str, Any], question: GradientQuery) -> GradientReply:
        values = {**entry["defaults"], **values}
        inputs, outputs = arguments(entry["in"]), arguments(entry["out"])
        expected = [base_dtype(dtype) for arg in inputs for dtype in _dtypes(arg, values)]
        if expected != [base_dtype(dtype) for dtype in question.inputs] or sum(lengths(outputs, values)) != len(
            question.outputs
        ):
            return GradientReply(failed="the op could not be built alone: its inputs are not what its attributes say")
        reply = next((row["reply"] for row in entry["rows"] if _holds(row["when"], values)), None)
        words = _select(reply, inputs, values, question)
        if words is None:
            return GradientReply(failed=_reason(reply, entry, values))
        if words == ["!"]:
            return GradientReply(missing=True)
        answers = expand(words, inputs, outputs, values, self.trainable)
        if answers is None:
            return GradientReply(failed="the gradient table does not fit this op")
        return GradientReply(
            gradients=tuple(None if each is None else InputGradient("", each.sparse) for each in answers), answers=answers
        )


_WHY = {
    "other": "its gradient is that of another op type, which the gradient table does not hold",
    "rule": "its gradient function could not be asked: it needs what surrounds the op",
}


def _signature(entry: Mapping[str, Any]) -> Any:
    return arguments(entry["in"]), arguments(entry["out"]), frozenset(entry["floats"])


def _reason(reply: Any, entry: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    if not entry["rows"]:
        return str(entry["failed"])
    if reply is None:
        names = sorted({name for row in entry["rows"] for name in row["when"]})
        listed = ", ".join("%s=%s" % (name, values.get(name)) for name in names)
        return "the gradient table holds no answer for %s" % printable(listed)[1:-1]
    if "failed" in reply:
        return str(reply["failed"])
    return "the gradient table holds no answer for what is known of this op"


def _holds(when: Mapping[str, Sequence[Any]], values: Mapping[str, Any]) -> bool:
    return all(values.get(name) in allowed for name, allowed in when.items())


def _select(reply: Any, inputs: Sequence[Output], values: Mapping[str, Any], question: GradientQuery) -> Optional[Words]:
    """Return the words that apply to the known facts about the inputs: zeros, shapes, constants."""
    if question.starts:
        listed = ",".join(map(str, question.starts))
        return reply["starts"].get(listed) if isinstance(reply, dict) and "starts" in reply else None
    if reply is None or isinstance(reply, list):
        return reply
    if "exact" in reply:
        return _exact(reply["exact"], question)
    if "reply" not in reply:
        return None
    places: Dict[int, int] = {}
    for number, length in enumerate(lengths(inputs, values)):
        places.update(dict.fromkeys(range(len(places), len(places) + length), number))
    known_better = _constants(reply.get("constants", {}), places, question) or _columns(reply, places, question)
    if known_better is not None:
        return known_better
    zeros = reply.get("zeros", {})
    numbers = {number for key in zeros for number in map(int, key.split(","))}
    zero = sorted({places[place] for place in question.zeros}.intersection(numbers))
    words: Words = zeros.get(",".join(map(str, zero)), reply["reply"])
    return words


def _exact(replies: Any, question: GradientQuery) -> Optional[Words]:
    """Return the words for known shapes.

    If TensorFlow raised for one shape, it may still answer for another shape of the same class.
    """
    if question.shapes is None or not isinstance(replies, dict):
        return None
    words: Optional[Words] = replies.get(" ".join(map(shape_class, question.shapes)))
    return None if words == ["!"] else words


def _constants(constants: Mapping[str, Any], places: Mapping[int, int], question: GradientQuery) -> Optional[Words]:
    for place, number in places.items():
        if str(number) in constants and question.constants and question.constants[place] is not None:
            value = integers(Kind("Const", question.constants[place] or (), ()))
            if value is not None and len(value) == 1 and str(value[0]) in constants[str(number)]:
                words: Words = constants[str(number)][str(value[0])]
                return words
    return None


def _columns(reply: Mapping[str, Any], places: Mapping[int, int], question: GradientQuery) -> Optional[Words]:
    """Return the words for an integer argument that is known to be a single column."""
    columns = reply.get("columns", {})
    for place, shape in enumerate(question.shapes or ()) if columns else ():
        words: Optional[Words] = columns.get(str(places[place]), {}).get(shape_class(shape))
        if words is not None:
            return words
    return None


def expand(
    words: Words, inputs: Sequence[Output], outputs: Sequence[Output], values: Mapping[str, Any], trainable: FrozenSet[int]
) -> Optional[Tuple[Optional[InputAnswer], ...]]:
    """Return the answer for each input tensor; ``None`` if no word covers one of them."""
    ranges: List[range] = []
    for length in lengths(outputs, values):
        start = ranges[-1].stop if ranges else 0
        ranges.append(range(start, start + length))
    answers: List[Optional[InputAnswer]] = []
    for word, arg in zip(words, inputs):
        plain, _, other = word.partition("/")
        for place, dtype in enumerate(_dtypes(arg, values)):
            own = other if other and base_dtype(dtype) not in trainable else plain
            if own == ".":
                return None
            answers.append(_answer(own, place, ranges))
    return tuple(answers)


def _answer(word: str, place: int, ranges: Sequence[range]) -> Optional[InputAnswer]:
    if word == "-":
        return None
    match = _WORD.match(word)
    assert match is not None, word
    outputs: List[int] = []
    for each in match.group(1).strip("z").split(","):
        if each:
            own = ranges[int(each.rstrip("="))]
            outputs.extend([own[place]] if each.endswith("=") and place < len(own) else own)
    carried, flags = frozenset(outputs), match.group(2)
    made_of_nothing = "m" in flags
    passes = "p" in flags and carried == frozenset([0])
    return InputAnswer(carried, "s" in flags, passes, made_of_nothing, reads=bool(carried) and not made_of_nothing)
