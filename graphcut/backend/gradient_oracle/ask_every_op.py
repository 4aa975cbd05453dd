"""Ask the installed TensorFlow for the gradient of every op type that it registers: one column of the gradient table.

For each op type with a gradient function, the op is built with each value of each attribute that the function can see:
attributes that it reads (calls of ``Operation.get_attr`` are recorded) and attributes that name a dtype. Lists are tried with
several lengths. The answers are written by input and output *argument*, so they hold for any number of tensors. An answer that
cannot be written in this way is left out; the table then has no answer, and the analysis assumes that the gradient carries.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import itertools
import json
import os
import select
import signal
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

import tensorflow as tf
from tensorflow.core.framework import op_def_pb2
from tensorflow.python.framework import ops

from graphcut.analysis.rules.control_flow import STRUCTURAL
from graphcut.analysis.rules.from_reply import input_answers
from graphcut.analysis.rules.gradient_table import attr_value, expand, lengths, shape_class
from graphcut.analysis.rules.oracle import GradientQuery, GradientReply
from graphcut.backend.gradient_oracle import ask as oracle
from graphcut.backend.gradient_oracle import version_probes
from graphcut.backend.gradient_oracle.single_op_graph import takes_sparse_matrices
from graphcut.backend.live.gradient_registry import REGISTRY
from graphcut.graph.attrs import entry, parse_attrs
from graphcut.graph.dtypes import DTYPES, RESOURCE, STRING, VARIANT, base_dtype
from graphcut.graph.flat import Shape
from graphcut.graph.messages import CLASSES
from graphcut.graph.op_outputs import Output, arguments, specs
from graphcut.graph.op_types import CALLS, CASES, IFS, LOOPS

BY_RULE = frozenset(STRUCTURAL).union(CALLS, IFS, CASES, LOOPS)
_MOST_DTYPES, _MOST_COMBINATIONS = 1100, 300
_MOST_TRIES = 120
_IN_PROCESS = {"EagerPyFunc": "its Python function is not saved with the graph"}
_LOOK_AT_OUTPUT_SHAPES = frozenset(["IsotonicRegression"])  # for other ops, the known facts about inputs are enough
_GARBAGE = 100000  # objects that a child creates before it collects garbage; it is short-lived
_PATIENCE = 2.5  # seconds; a child that uses no CPU time for twice as long hangs
_PREFERRED = (1, 2, 3, 9, 8, 19, 14, 18, 20, 21, 7, 10)
_SORTS = ((1, 2, 14, 19), (8, 18), (3, 4, 5, 6, 9, 17, 22, 23), (10,), (7,), (20,), (21,))
_SIZES = (2, 1, 3, 5)
_LISTS = ([1, 1], [1, 3], [1], [1, 1, 1, 1, 1], [1, 3, 1, 10, 8], [3, 1], [20, 1], [1, 21])
_VALUES: Dict[str, Sequence[Dict[str, Any]]] = {
    "bool": ({"b": False}, {"b": True}),
    "int": [{"i": value} for value in (1, 2, 3)],
    "float": [{"f": value} for value in (1.0, 0.5)],
    "string": [{"s": value} for value in (b"", b"sum", b"a", b"ab,bc->ac", b"ij->ji", b"i->", b"a,a->", b"ii->i")],
    "list(int)": [
        {"list": {"i": value}} for value in ([1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 2, 2, 1], [1, 2, 2, 2, 1], [], [0], [0, 1])
    ],
    "list(float)": [{"list": {"f": value}} for value in ([1.0, 1.5, 1.5, 1.0], [], [1.0])],
    "list(string)": [{"list": {"s": value}} for value in ([b"FIRST_DIM_SIZE", b"ROW_SPLITS"], [b"ROW_SPLITS"], [])],
    "shape": [{"shape": {"unknown_rank": True}}, {"shape": {}}, {"shape": {"dim": [{"size": 2}]}}],
    "list(shape)": [{"list": {"shape": [{"unknown_rank": True}] * count}} for count in (2, 1, 3)],
}
_SHAPES: Tuple[Shape, ...] = (
    None, (), (2,), (4, 4), (2, 3), (3, 2), (2, 4, 4), (1, 4, 4, 3), (1, 4, 4, 4, 3),
    (None,), (None, None), (None, 4, 4, 3), (None, None, None, 3),
)  # fmt: skip
_COORDINATES: Tuple[Shape, ...] = ((4, 2), (4,), (2,))  # indices, values and shape of a sparse matrix
Values = Mapping[str, Any]


class Sample(NamedTuple):
    """One way to build an op: the value of each attribute, the words for the table, and the answer for each input."""

    values: Values
    question: GradientQuery
    reply: Any
    answers: Any


def registered_ops() -> Dict[str, Any]:
    """Return every ``OpDef`` of the installed TensorFlow, by name, including those of ``tf.contrib``."""
    from tensorflow.python.framework import (
        c_api_util,
        kernels,  # noqa: F401  (loads the op registry)
    )

    if tf.__version__.startswith("1."):
        with suppress(ImportError):
            dir(importlib.import_module("tensorflow.contrib").rnn)
    if hasattr(c_api_util, "tf_buffer") and hasattr(getattr(c_api_util, "c_api", None), "TF_GetAllOpList"):
        read, listed = c_api_util.c_api.TF_GetBuffer, c_api_util.c_api.TF_GetAllOpList
    else:
        from tensorflow.python.client import pywrap_tf_session

        read, listed = pywrap_tf_session.TF_GetBuffer, pywrap_tf_session.TF_GetAllOpList
    return {op.name: op for op in op_def_pb2.OpList.FromString(read(listed())).op}


def column() -> Dict[str, Any]:
    """Return the answers of the installed TensorFlow: its version, its behavior, and an entry for each op type."""
    with _quiet():
        return {
            "version": tf.__version__,
            "behavior": behavior(),
            "producer": int(tf.compat.v1.GRAPH_DEF_VERSION),
            "ops": {name: op_entry(op_def) for name, op_def in sorted(registered_ops().items())},
        }


def behavior() -> Dict[str, Any]:
    """Return the findings of the version probes as plain data."""
    probed = version_probes.probe()
    return {
        "trainable": sorted(probed.trainable),
        "inert_counts": probed.inert_counts,
        "fills_branches": probed.fills_branches,
        "empty_calls_raise": probed.empty_calls_raise,
        "rebuilds_cases": probed.rebuilds_cases,
        "dtypes": [number for number in DTYPES if number and version_probes.exists(number)],
    }


@contextmanager
def _quiet() -> Iterator[None]:
    logger = tf.compat.v1.logging
    before = logger.get_verbosity()
    logger.set_verbosity(logger.ERROR)
    try:
        yield
    finally:
        logger.set_verbosity(before)


def op_entry(op_def: Any) -> Dict[str, Any]:
    """Return the entry of one op type: its arguments, whether it has a gradient function, and its answers."""
    _, _, floats = oracle.signature(op_def)
    entry_ = {"in": specs(op_def.input_arg), "out": specs(op_def.output_arg), "floats": sorted(floats)}
    try:
        function = REGISTRY.lookup(op_def.name)
    except LookupError:
        return {**entry_, "gradient": "rule" if op_def.name in BY_RULE else "unregistered"}
    if op_def.name in BY_RULE or function is None:
        return {**entry_, "gradient": "rule" if op_def.name in BY_RULE else "none"}
    return {**entry_, "gradient": "function", **_answers_of(op_def)}


def _answers_of(op_def: Any) -> Dict[str, Any]:
    """Return the answer of the gradient function.

    TensorFlow may abort the process for unexpected shapes or numbers. So a child process asks; if it dies, the op is asked
    about again without shapes and numbers.
    """
    if op_def.name in _IN_PROCESS:
        return {"defaults": {}, "rows": [], "failed": _IN_PROCESS[op_def.name]}
    for is_gentle in (False, True):
        answers = _in_child(_Asker(op_def, is_gentle).entry)
        if answers is not None:
            return dict(answers)
    return {"defaults": {}, "rows": [], "failed": "TensorFlow aborts the process when it is asked"}


def _in_child(ask: Callable[[], Any]) -> Any:
    """Return the answer of a child process; ``None`` if it dies, or hangs while TensorFlow aborts it."""
    version_probes.trainable_dtypes()  # cached here, so no child has to compute it
    read, write = os.pipe()
    child = os.fork()
    if not child:
        gc.freeze()  # a garbage collection would visit all of TensorFlow's objects, and copy their memory pages
        gc.set_threshold(_GARBAGE)
        faulthandler.disable()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what TensorFlow says when it aborts
        os.close(read)
        try:
            with os.fdopen(write, "w") as stream:
                json.dump(_ask_or_report(ask), stream)
        finally:
            os._exit(0)
    os.close(write)
    pieces, before = [], -1
    while True:
        if not select.select([read], [], [], _PATIENCE)[0]:
            spent = _processor_time(child)
            if spent == before:
                os.kill(child, signal.SIGKILL)
            before = spent
            continue
        piece = os.read(read, 1 << 16)
        if not piece:
            break
        pieces.append(piece)
    os.close(read)
    os.waitpid(child, 0)
    try:
        return json.loads(b"".join(pieces).decode())
    except ValueError:
        return None


def _ask_or_report(ask: Callable[[], Any]) -> Any:
    """Return the answer; if asking fails without an abort, return an entry that says so."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - one op never stops the others
        return {"defaults": {}, "rows": [], "failed": "graphcut could not read the answer: %r" % error}


def _processor_time(child: int) -> int:
    """Return the CPU time of a child process, in ticks; only Linux provides it, so elsewhere the child counts as hanging."""
    try:
        with open("/proc/%d/stat" % child) as stream:
            fields = stream.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


class _Asker:
    """All queries about one op type."""

    def __init__(self, op_def: Any, is_gentle: bool) -> None:
        self.op_def, self.is_gentle = op_def, is_gentle
        self.signature = {"in": specs(op_def.input_arg), "out": specs(op_def.output_arg)}
        self.choices = {attr.name: _choices(attr) for attr in op_def.attr}
        if is_gentle:
            numbers = [attr.name for attr in op_def.attr if attr.type in ("int", "list(int)")]
            self.choices.update((name, self.choices[name][:1]) for name in numbers)
        self.kinds = {attr.name: attr.type for attr in op_def.attr}
        self.counts = {arg.number_attr for arg in (*op_def.input_arg, *op_def.output_arg) if arg.number_attr}
        self.reads: Set[str] = set()
        self.samples: Dict[Tuple[Any, ...], Sample] = {}
        self.known: Dict[Any, Any] = {}
        self.classes: Dict[str, Dict[Any, List[Any]]] = {}
        self.is_based, self.failed = False, ""

    def entry(self) -> Any:
        base = self._base()
        if base is None:
            return {"defaults": {}, "rows": [], "failed": self.failed}
        self.is_based = True
        samples = self._general([each for each in self._vary(base) if each is not None])
        rows = _rows(samples, self.kinds, self.classes)
        attrs = sorted({name for row in rows for name in row["when"]}.union(_list_attributes(self.signature)))
        defaults = {name: self._default(name) for name in attrs}
        return {"defaults": {name: value for name, value in defaults.items() if value is not None}, "rows": rows}

    def _default(self, name: str) -> Any:
        attr = next(attr for attr in self.op_def.attr if attr.name == name)
        return plain(attr.default_value) if attr.HasField("default_value") else None

    def _base(self) -> Optional[Sample]:
        """Return the first sample of the op with an answer, else the first that can be built, else ``None``."""
        fallback = None
        for values in itertools.islice(_some(self.choices), _MOST_TRIES):
            sample = self._sample(values)
            if sample is not None and (not isinstance(sample.reply, dict) or "exact" in sample.reply):
                return sample
            fallback = fallback or sample
        return fallback

    def _sample(self, values: Values) -> Optional[Sample]:
        """Ask once; return ``None`` if the op cannot be built like this."""
        key = tuple(sorted((name, repr(value)) for name, value in values.items()))
        if key not in self.samples:
            question = _question(self.op_def, values)
            with _watched(self.reads):
                answer = oracle.ask(question)
                reply = self._reply(question, answer)
            answers = None if answer.failed or answer.missing else _answers(answer)
            self.samples[key] = Sample(values, question, reply, answers)
        sample = self.samples[key]
        return None if sample.reply is None else sample

    def _reply(self, question: GradientQuery, answer: GradientReply) -> Any:
        if answer.failed is None:
            return self._answered(question, answer)
        self.failed = self.failed or answer.failed
        unbuilt = answer.failed.startswith("the op could not be built")
        if unbuilt and self.is_based:
            return None
        exact = self._exact(question)
        if exact is None:
            return None if unbuilt else {"failed": answer.failed}
        return exact if isinstance(exact, list) else {"exact": exact}

    def _exact(self, question: GradientQuery) -> Any:
        """Return the answers for known shapes. Each class of dtypes is asked about only once."""
        if self.is_gentle:
            return None
        return self._once(question, "exact", lambda: _exact_replies(self.signature, question))

    def _once(self, question: GradientQuery, name: str, ask: Callable[[], Any]) -> Any:
        """Return the key of a query: dtypes of one class with the same other visible attributes are asked about once."""
        values = {attr: attr_value(value) for attr, value in parse_attrs(question.attrs).items()}
        sorts = [(attr, _sort(value) if self.kinds[attr] == "type" else repr(value)) for attr, value in values.items()]
        key = (name, tuple(sorted(each for each in sorts if self._visible(each[0]))))
        if self.known.get(key) is None:
            self.known[key] = ask()
        return self.known[key]

    def _answered(self, question: GradientQuery, answer: GradientReply) -> Any:
        reply = write_answer(self.signature, question, answer)
        if reply is None or answer.missing:
            return reply
        row: Dict[str, Any] = {"reply": reply}
        listed = any("[" in spec for spec in self.signature["out"])
        starts = {} if listed else self._once(question, "starts", lambda: self._starts(question))
        if starts:
            row["starts"] = starts
            return row
        zeros = self._once(question, "zeros %s" % reply, lambda: dict(_zeros(self.signature, question, reply)))
        if zeros:
            row["zeros"] = zeros
        constants = self._once(question, "constants %s" % reply, lambda: _constants(self.signature, question, reply))
        if constants:
            row["constants"] = constants
        columns = self._once(question, "columns %s" % reply, lambda: _columns(self.signature, question, reply))
        if columns:
            row["columns"] = columns
        return row if len(row) > 1 else reply

    def _starts(self, question: GradientQuery) -> Dict[str, Any]:
        """Return the answers for gradients that start from an output of integers or booleans."""
        starts = {}
        trainable = version_probes.trainable_dtypes()
        for output, dtype in enumerate(question.outputs[:8]):
            if base_dtype(dtype) not in trainable and base_dtype(dtype) not in (STRING, RESOURCE, VARIANT):
                answer = oracle.ask(question._replace(starts=(output,)))
                words = None if answer.failed else write_answer(self.signature, question, answer)
                if words is not None:
                    starts[str(output)] = words
        return starts

    def _vary(self, base: Sample) -> List[Optional[Sample]]:
        """Return the product of the values that may matter; if it is too large, the values of each attribute separately."""
        alone = {}
        before: Set[str] = set()
        while True:
            names = [name for name in self.choices if self._visible(name) and name not in alone]
            if not names:
                break
            for name in names:
                asked = [(value, self._sample({**base.values, name: value})) for value in self.choices[name]]
                alone[name] = [(value, sample) for value, sample in asked if sample is not None]
            before |= set(names)
        alike = {name: _group_values_by_answer(samples, self.kinds[name]) for name, samples in alone.items()}
        values = {name: [each[0] for each in samples] for name, samples in alike.items()}
        every = _all_values(alone, self.kinds, values)
        for name in alike:
            if len(every[name]) == len(values[name]) or _size(every) > _MOST_DTYPES:
                listed = [[_json(value) for value in each] for each in alike[name]]
                self.classes[name] = {repr(each[0]): each for each in listed}
        if _size(every) <= _MOST_DTYPES:
            self._product(base, every)
        elif _size(values) <= _MOST_COMBINATIONS:
            self._product(base, values)
        else:
            for one, other in itertools.combinations(sorted(values), 2):
                self._product(base, {one: values[one], other: values[other]})
        return [each for each in self.samples.values() if each.reply is not None]

    def _general(self, samples: List[Sample]) -> List[Sample]:
        """Return the samples, each with the words that also hold for a longer list."""
        if not any("*" in spec or "[" in spec for spec in (*self.signature["in"], *self.signature["out"])):
            return samples
        candidates: Dict[str, Any] = {}
        for sample in sorted(samples, key=lambda each: -len(each.question.inputs) - len(each.question.outputs)):
            if _main(sample.reply) is not None:
                candidates.setdefault(repr(_main(sample.reply)), _main(sample.reply))
        joined = _merge_words(list(candidates.values()))
        listed = ([joined] if joined else []) + list(candidates.values())
        return [self._said_by(sample, listed) for sample in samples]

    def _said_by(self, sample: Sample, candidates: Sequence[Any]) -> Sample:
        inputs, outputs = arguments(self.signature["in"]), arguments(self.signature["out"])
        values = {name: _json(value) for name, value in sample.values.items()}
        trainable = version_probes.trainable_dtypes()
        for words in candidates if sample.answers is not None else ():
            if expand(words, inputs, outputs, values, trainable) == sample.answers:
                reply = words if isinstance(sample.reply, list) else {**sample.reply, "reply": words}
                return sample._replace(reply=reply)
        return sample

    def _visible(self, name: str) -> bool:
        return name in self.reads or self.kinds[name] in ("type", "list(type)") or name in self.counts

    def _product(self, base: Sample, values: Mapping[str, Sequence[Any]]) -> None:
        names = sorted(values)
        for chosen in itertools.product(*[values[name] for name in names]):
            self._sample({**base.values, **dict(zip(names, chosen))})


def _main(reply: Any) -> Any:
    """Return the words of a reply if nothing is known about the inputs."""
    words = reply.get("reply") if isinstance(reply, dict) else reply
    return None if words == ["!"] else words


def _merge_words(candidates: Sequence[Any]) -> Any:
    """Merge lists of words: if one has no word for a kind of tensor, another may have one."""
    joined: List[List[str]] = []
    for column in zip(*candidates):
        halves = [(word.partition("/")[0], word.partition("/")[2] or word.partition("/")[0]) for word in column]
        joined.append([next((each for each in half if each != "."), ".") for half in zip(*halves)])
    return ["/".join(dict.fromkeys(each)) for each in joined]


def _size(values: Mapping[str, Sequence[Any]]) -> int:
    size = 1
    for each in values.values():
        size *= max(1, len(each))
    return size


def _all_values(
    alone: Mapping[str, Sequence[Any]], kinds: Mapping[str, str], chosen: Mapping[str, Sequence[Any]]
) -> Dict[str, Sequence[Any]]:
    """Return all dtypes if there are few, and the chosen values of the other attributes."""
    dtypes = {name: [value for value, _ in samples] for name, samples in alone.items() if kinds[name] == "type"}
    return {**chosen, **dtypes} if len(dtypes) < 3 and _size(dtypes) <= _MOST_DTYPES else dict(chosen)


def _group_values_by_answer(samples: Sequence[Tuple[Any, Sample]], kind: str) -> List[List[Any]]:
    """Return the values of one attribute by answer and class of dtype: the first of each stands for the others."""
    groups: Dict[Any, List[Any]] = {}
    for value, sample in samples:
        sort = _sort(value["type"]) if kind == "type" else 0
        groups.setdefault((repr(sample.reply), sort), []).append(value)
    return list(groups.values())


def _sort(dtype: int) -> int:
    """Return the sort of a dtype: those of one sort are asked about together where that saves much."""
    return next((index for index, each in enumerate(_SORTS) if dtype in each), len(_SORTS))


def _json(value: Mapping[str, Any]) -> Any:
    """Return the value of an attribute in the table's format."""
    return attr_value(CLASSES["AttrValue"](**value))


def _some(choices: Mapping[str, Sequence[Any]]) -> Iterator[Values]:
    """Yield the first value of each attribute, then other values of one or two attributes at a time."""
    first = {name: values[0] for name, values in choices.items() if values}
    if len(first) < len(choices):
        return
    yield first
    for name, values in choices.items():
        for value in values[1:]:
            yield {**first, name: value}
    for one, other in itertools.combinations([name for name, values in choices.items() if len(values) > 1], 2):
        for chosen in itertools.islice(itertools.product(choices[one][1:8], choices[other][1:8]), 64):
            yield {**first, one: chosen[0], other: chosen[1]}


def _choices(attr: Any) -> List[Dict[str, Any]]:
    """Return the values that are tried for an attribute, the plainest first."""
    if attr.type == "type":
        allowed = set(attr.allowed_values.list.type) or {number for number in DTYPES if number}
        numbers = [number for number in DTYPES if number in allowed and version_probes.exists(number)]
        return [{"type": number} for number in sorted(numbers, key=_rank)]
    if attr.type == "list(type)":
        allowed = set(attr.allowed_values.list.type)
        return [{"list": {"type": each}} for each in _LISTS if not allowed or allowed.issuperset(each)]
    if attr.type == "int" and attr.has_minimum and attr.minimum > 0:
        return [{"i": value} for value in _SIZES if value >= attr.minimum]
    if attr.type == "string" and attr.allowed_values.list.s:
        values = [{"s": value} for value in attr.allowed_values.list.s]
    else:
        values = list(_VALUES.get(attr.type, ()))
    if attr.HasField("default_value"):
        default = _keywords_of(attr.default_value)
        return [default] + [value for value in values if value != default]
    return values


def _rank(number: int) -> Tuple[int, int]:
    return (_PREFERRED.index(number) if number in _PREFERRED else len(_PREFERRED), number)


def _keywords_of(value: Any) -> Dict[str, Any]:
    """Return an ``AttrValue`` message as keyword arguments of another."""
    message = CLASSES["AttrValue"].FromString(value.SerializeToString())
    kind = value.WhichOneof("value")
    if kind in ("i", "f", "b", "s", "type"):
        return {kind: getattr(message, kind)}
    if kind == "list":
        return {"list": {field.name: list(values) for field, values in message.list.ListFields()}}
    return {kind: getattr(message, kind)} if kind else {}


def plain(value: Any) -> Any:
    """Return an ``AttrValue`` message as JSON."""
    return attr_value(CLASSES["AttrValue"].FromString(value.SerializeToString()))


def _list_attributes(signature: Mapping[str, Sequence[str]]) -> Set[str]:
    """Return the attributes that determine the number and the dtypes of an op's tensors."""
    return {name for arg in arguments((*signature["in"], *signature["out"])) for name in _attrs_of(arg)}


def _attrs_of(arg: Output) -> List[str]:
    dtype = arg.dtype.strip("[]")
    return [name for name in (arg.number, "" if dtype.isdigit() else dtype) if name]


def _question(op_def: Any, values: Values) -> GradientQuery:
    attrs = tuple(sorted(entry(name, **value) for name, value in values.items()))
    inputs = tuple(dtype for arg in op_def.input_arg for dtype in _dtypes(arg, values))
    outputs = tuple(dtype for arg in op_def.output_arg for dtype in _dtypes(arg, values))
    return GradientQuery(op_def.name, attrs, inputs, outputs)


def _dtypes(arg: Any, values: Values) -> List[int]:
    if arg.type_list_attr:
        return list(values[arg.type_list_attr]["list"].get("type", ()))
    dtype = values[arg.type_attr]["type"] if arg.type_attr else arg.type
    return [dtype + (100 if arg.is_ref else 0)] * (values[arg.number_attr]["i"] if arg.number_attr else 1)


@contextmanager
def _watched(names: Set[str]) -> Iterator[None]:
    """Record which attributes of the op its gradient function reads."""
    before = ops.Operation.get_attr

    def get_attr(op: Any, name: str) -> Any:
        if op.name == "asked":
            names.add(name)
        return before(op, name)

    ops.Operation.get_attr = get_attr
    try:
        yield
    finally:
        ops.Operation.get_attr = before


def write_answer(
    signature: Mapping[str, Sequence[str]], question: GradientQuery, answer: GradientReply
) -> Optional[List[str]]:
    """Return an answer as one word for each input argument; ``None`` if it cannot be written so.

    ``-`` means no gradient. Otherwise a word lists the output arguments that the gradient carries from (with ``=`` after one,
    each tensor of a list carries from its own), then ``s`` for a sparse gradient, ``p`` for one that is passed on unchanged,
    ``m`` for one that is independent of the upstream gradients. A list of dtypes may have a second word, after ``/``, for its
    tensors that can carry no gradient.
    """
    if answer.missing:
        return ["!"]
    replies = _answers(answer)
    places = _places(signature, question)
    if places is None:
        return None
    inputs, outputs = places
    words = [_word(spec, own, question, replies, outputs) for spec, own in zip(signature["in"], inputs)]
    return None if None in words else words  # type: ignore[return-value]


def _answers(answer: GradientReply) -> Tuple[Any, ...]:
    replies = input_answers(replace(answer, custom=False))  # a package's functions are treated like TensorFlow's own
    return tuple([replies[place] for place in answer.inputs]) if answer.inputs else replies


def _places(signature: Mapping[str, Sequence[str]], question: GradientQuery) -> Any:
    values = {name: attr_value(value) for name, value in parse_attrs(question.attrs).items()}
    found = []
    for side, dtypes in (("in", question.inputs), ("out", question.outputs)):
        start, places = 0, []
        for length in lengths(arguments(signature[side]), values):
            places.append(range(start, start + length))
            start += length
        if start != len(dtypes):
            return None
        found.append(places)
    return found


def _word(spec: str, places: Sequence[int], question: GradientQuery, replies: Any, outputs: Sequence[range]) -> Optional[str]:
    if not places:
        return "."
    trainable = version_probes.trainable_dtypes()
    split = "[" in spec
    words = []
    for sort in (True, False) if split else (None,):
        own = [place for place in places if sort is None or (base_dtype(question.inputs[place]) in trainable) is sort]
        words.append(_sort_word(own, list(places), replies, outputs) if own else ".")
    if None in words:
        return None
    return str(words[0]) if len(words) == 1 or words[0] == words[1] else "/".join(map(str, words))


def _sort_word(own: Sequence[int], places: Sequence[int], replies: Any, outputs: Sequence[range]) -> Optional[str]:
    answers = [replies[place] for place in own]
    if all(answer is None for answer in answers):
        return "-"
    if any(answer is None for answer in answers):
        return None
    relations = []
    for number, made in enumerate(outputs):
        relation = _relation(own, places, answers, made)
        if relation is None:
            return None
        if relation:
            relations.append("%d%s" % (number, relation.replace("*", "")))
    flags = ""
    if len({answer.sparse for answer in answers}) > 1 or len({answer.independent for answer in answers}) > 1:
        return None
    flags += "s" if answers[0].sparse else ""
    passing = {answer.passes for answer in answers if answer.outputs == frozenset([0])}
    if len(passing) > 1 or any(answer.passes for answer in answers if answer.outputs != frozenset([0])):
        return None
    flags += "p" if passing == {True} else ""
    flags += "m" if answers[0].independent else ""
    if any(answer.reads is not (bool(answer.outputs) and not answer.independent) for answer in answers):
        return None
    return ",".join(relations) + flags or "z"


def _relation(own: Sequence[int], places: Sequence[int], answers: Any, made: range) -> Optional[str]:
    """Return how a list of inputs carries from one output argument: ``*`` from all of it, ``=`` each from its own, or not."""
    if not made:
        return ""
    shares = [answer.outputs & frozenset(made) for answer in answers]
    if not any(shares):
        return ""
    if all(share == frozenset(made) for share in shares) and not (len(made) == len(places) > 1):
        return "*"
    if len(made) == len(places):
        if all(share == {made[places.index(place)]} for place, share in zip(own, shares)):
            return "=" if len(made) > 1 else "*"
        if all(share == frozenset(made) for share in shares):
            return "*"
    return None


def _zeros(signature: Mapping[str, Sequence[str]], question: GradientQuery, reply: Sequence[str]) -> Iterator[Tuple[str, Any]]:
    """Yield the answers that differ if whole arguments are known to be zeros, by the numbers of these arguments."""
    places = _places(signature, question)
    if places is None:
        return
    single = [
        number
        for number, own in enumerate(places[0])
        if len(own) == 1 and question.inputs[own[0]] < 100 and question.inputs[own[0]] not in (RESOURCE, VARIANT, 7)
        and "*" not in signature["in"][number] and "[" not in signature["in"][number]
    ]  # fmt: skip
    asked = {}

    def ask(numbers: Tuple[int, ...]) -> Any:
        if numbers not in asked:
            answer = oracle.ask(question._replace(zeros=tuple(places[0][number][0] for number in numbers)))
            asked[numbers] = None if answer.failed else write_answer(signature, question, answer)
        return asked[numbers]

    alone = [number for number in single if ask((number,)) not in (None, reply)]
    if not alone and (len(single) < 2 or ask(tuple(single)) in (None, reply)):
        return
    relevant = single if len(single) <= 4 else alone[:4]
    for size in range(1, len(relevant) + 1):
        for numbers in itertools.combinations(relevant, size):
            answers = ask(numbers)
            if answers is not None:
                yield ",".join(map(str, numbers)), answers


def _constants(signature: Mapping[str, Sequence[str]], question: GradientQuery, reply: Sequence[str]) -> Dict[str, Any]:
    """Return the answers that differ if an integer argument is a known constant, by argument and value."""
    places = _places(signature, question)
    rows: Dict[str, Any] = {}
    trainable = version_probes.trainable_dtypes()
    floats = [dtype for dtype in question.outputs if base_dtype(dtype) in trainable] if set(reply) != {"-"} else []
    for number, own in enumerate(places[0] if places is not None and floats else ()):
        if len(own) != 1 or question.inputs[own[0]] not in (3, 9):
            continue
        for value in (0, 1):
            tensor = {"dtype": question.inputs[own[0]], "int_val" if question.inputs[own[0]] == 3 else "int64_val": [value]}
            constant = (entry("dtype", type=question.inputs[own[0]]), entry("value", tensor={**tensor, "tensor_shape": {}}))
            nothing = (None,) * len(question.inputs)
            exact = question._replace(
                shapes=nothing[: own[0]] + ((),) + nothing[own[0] + 1 :],
                constants=nothing[: own[0]] + (constant,) + nothing[own[0] + 1 :],
                output_shapes=(None,) * len(question.outputs),
            )
            answer = oracle.ask(exact)
            words = None if answer.failed or answer.missing else write_answer(signature, question, answer)
            if words is not None and words != reply:
                rows.setdefault(str(number), {})[str(value)] = words
    return rows


def _columns(signature: Mapping[str, Sequence[str]], question: GradientQuery, reply: Sequence[str]) -> Dict[str, Any]:
    """Return the answers that differ if an integer argument is known to be a single column, by argument and shape class.

    A gather with such indices has a sparse gradient.
    """
    places = _places(signature, question)
    columns: Dict[str, Any] = {}
    if places is None or "0" not in reply:
        return columns
    for number, own in enumerate(places[0]):
        if len(own) != 1 or question.inputs[own[0]] not in (3, 9):
            continue
        for shape in ((None, 1), (3, 1)):
            shapes: List[Shape] = [None] * len(question.inputs)
            shapes[own[0]] = shape
            nothing = (None,) * len(question.inputs)
            outputs = (None,) * len(question.outputs)
            answer = oracle.ask(question._replace(shapes=tuple(shapes), constants=nothing, output_shapes=outputs))
            words = None if answer.failed or answer.missing else write_answer(signature, question, answer)
            if words is not None and words != reply and any("s" in word for word in words):
                columns.setdefault(str(number), {})[shape_class(shape)] = words
    return columns


def _exact_replies(signature: Mapping[str, Sequence[str]], question: GradientQuery) -> Any:
    """Return the answers for known shapes, by the class of each input's shape; ``None`` if the op cannot be built at all.

    ``"!"`` alone: TensorFlow raises for all shapes. Ops on sparse matrices can be built only with known shapes, and their
    answers do not depend on these: then the words are returned without shapes.
    """
    replies: Dict[str, Any] = {}
    reasons = []
    coordinates = [_COORDINATES] if takes_sparse_matrices(question.type) and len(question.inputs) == len(_COORDINATES) else []
    for shapes in (*coordinates, *_shape_choices(len(question.inputs))):
        shapes_of_outputs = None if question.type in _LOOK_AT_OUTPUT_SHAPES else (None,) * len(question.outputs)
        answer = oracle.ask(question._replace(shapes=shapes, constants=(None,) * len(shapes), output_shapes=shapes_of_outputs))
        if answer.failed:
            reasons.append(answer.failed)
            if " attr " in answer.failed:  # no shapes work
                return None
            continue
        key = " ".join(shape_class(shape) for shape in shapes)
        words = write_answer(signature, question, answer)
        replies[key] = words if words is not None and replies.get(key, words) == words else None
    replies = {key: words for key, words in replies.items() if words is not None}
    said = list(replies.values())
    if said and takes_sparse_matrices(question.type) and all(words == said[0] for words in said):
        return said[0]
    built = [reason for reason in reasons if not reason.startswith("the op could not be built")]
    if not replies:
        return "!" if built else None
    return "!" if all(words == ["!"] for words in replies.values()) else _common(replies)


def _common(replies: Dict[str, Any]) -> Dict[str, Any]:
    return dict(sorted(replies.items()))


def _shape_choices(count: int) -> Iterator[Tuple[Shape, ...]]:
    """Yield shapes of all inputs: the same for each, or another for the first or the last."""
    for shape in _SHAPES:
        yield (shape,) * count
        if count > 1:
            yield (shape, *[(2,)] * (count - 1))
            yield (*[shape] * (count - 1), ())
        if count == 2:
            yield (shape, (2, 3))


def _rows(
    samples: Sequence[Sample], kinds: Mapping[str, str], classes: Mapping[str, Mapping[str, Sequence[Any]]]
) -> List[Dict[str, Any]]:
    """Return the samples as rows.

    Each row has the values of the attributes that distinguish it from the others, and all values that these stand for.
    """
    table = [({name: _json(value) for name, value in each.values.items()}, each.reply) for each in samples]
    names = [name for name in sorted(kinds) if len({repr(values[name]) for values, _ in table}) > 1]
    names = [name for name in names if kinds[name] == "type" or _matters(name, names, table)]
    groups: Dict[str, List[Dict[str, Any]]] = {}
    replies = {}
    for values, reply in table:
        key = repr(reply)
        replies[key] = reply
        chosen = {name: values[name] for name in names}
        if chosen not in groups.setdefault(key, []):
            groups[key].append(chosen)
    rows = []
    for key, combinations in groups.items():
        for when in _boxes(combinations, names):
            full = {name: _members(values, classes.get(name, {})) for name, values in when.items()}
            rows.append({"when": full, "reply": replies[key]})
    return rows


def _members(values: Sequence[Any], classes: Mapping[str, Sequence[Any]]) -> List[Any]:
    members: List[Any] = []
    for value in values:
        members += [each for each in classes.get(repr(value), [value]) if each not in members]
    return _ordered(members)


def _ordered(values: Sequence[Any]) -> List[Any]:
    return sorted(values) if all(isinstance(value, int) for value in values) else sorted(values, key=repr)


def _matters(name: str, names: Sequence[str], table: Sequence[Tuple[Dict[str, Any], Any]]) -> bool:
    """Return whether two samples that differ in only one attribute have different answers."""
    answers: Dict[str, str] = {}
    for values, reply in table:
        key = repr([(other, values[other]) for other in names if other != name])
        if answers.setdefault(key, repr(reply)) != repr(reply):
            return True
    return False


def _boxes(chosen: Sequence[Dict[str, Any]], names: Sequence[str]) -> List[Dict[str, List[Any]]]:
    """Return a set of combinations as few products, by joining combinations that differ in only one attribute."""
    boxes = [{name: [values[name]] for name in names} for values in chosen]
    for name in names:
        joined: Dict[str, Dict[str, List[Any]]] = {}
        for box in boxes:
            key = repr([(other, box[other]) for other in names if other != name])
            into = joined.setdefault(key, {**box, name: []})
            into[name] += [value for value in box[name] if value not in into[name]]
        boxes = list(joined.values())
    return boxes
