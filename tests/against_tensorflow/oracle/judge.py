"""Ask TensorFlow for its answer on each target of a case, and record what an audit must not change in a graph.

Each target is asked for alone, in a graph built for it only, because ``tf.gradients`` changes the graph. The modes:

* ``v1``, ``v2``: a placeholder graph with control flow of the first or second kind;
* ``function``: the whole case traced in a ``tf.function``, its ``FuncGraph`` is judged;
* ``call``: the same, judged from outside, through the op that calls the function.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from .bench import GRAPH_MODES, Bench, Case, Question, v1
from .values import nonzero


@dataclass(frozen=True)
class Answer:
    """What ``tf.gradients`` did: ``kind`` is ``none``, ``tensor`` or ``raises``.

    ``nonzero``: at any of the points, ``None`` where the values could not be had; ``error`` says why, or what was raised.
    ``sparse``: the gradient was ``IndexedSlices``.
    """

    kind: str
    nonzero: Optional[bool] = None
    sparse: bool = False
    error: str = ""

    def __str__(self) -> str:
        if self.kind != "tensor":
            return self.kind + (" " + self.error.split(":")[0] if self.error else "")
        return {True: "grad", False: "zeros", None: "grad?"}[self.nonzero] + ("*" if self.sparse else "")


@dataclass(frozen=True)
class Built:
    """A case in its graph: ``source`` is the argument for graphcut, ``graph`` holds the loss."""

    source: Any
    graph: Any
    outer: Any
    bench: Bench
    question: Question


@contextlib.contextmanager
def control_flow(second: bool) -> Iterator[None]:
    """Build control flow of the second kind, or of the first."""
    before = control_flow_util.ENABLE_CONTROL_FLOW_V2
    control_flow_util.ENABLE_CONTROL_FLOW_V2 = second
    try:
        yield
    finally:
        control_flow_util.ENABLE_CONTROL_FLOW_V2 = before


@contextlib.contextmanager
def built(case: Case, mode: str) -> Iterator[Built]:
    """The case, built afresh in the given mode, with the graph that holds its loss as default graph."""
    with control_flow(mode != "v1"), tf.Graph().as_default() as outer:
        bench = Bench()
        if mode in GRAPH_MODES:
            yield Built(outer, outer, outer, bench, bench.question(case))
            return
        concrete, question = traced(case, bench)
        if mode == "function":
            yield Built(concrete, concrete.graph, outer, bench, question)
        else:
            yield Built(outer, outer, outer, bench, called(concrete, question, bench))


def traced(case: Case, bench: Bench) -> Tuple[Any, Question]:
    """The case as a concrete function that returns its loss, and the question in terms of its body."""
    questions = []

    def body() -> Any:
        questions.append(bench.question(case))
        return questions[-1].loss

    concrete = tf.function(body, autograph=False).get_concrete_function()
    return concrete, questions[-1]


def called(concrete: Any, question: Question, bench: Bench) -> Question:
    """The question as it stands outside of the function; targets inside of it are left out."""
    targets = {name: bench.outside(target) for name, target in question.targets.items()}
    stops = tuple(bench.outside(stop) for stop in question.stops)
    if any(stop is None for stop in stops):
        targets = {}
    return Question(concrete(), {name: target for name, target in targets.items() if target is not None}, stops)


def target_names(case: Case, mode: str) -> Tuple[str, ...]:
    """The targets of the case in that mode."""
    with built(case, mode) as one:
        return tuple(one.question.targets)


def answers(case: Case, mode: str, names: Sequence[str]) -> Dict[str, Answer]:
    """TensorFlow's answer for each of the targets named.

    Each has a graph of its own: after one ``tf.gradients`` a function has further results, and another target that got
    ``None`` gets zeros.
    """
    ask = answer_inside if mode == "function" else answer
    return OrderedDict((name, ask(case, mode, name)) for name in names)


def answer(case: Case, mode: str, name: str) -> Answer:
    """TensorFlow's answer for one target, in the graph that the case is built in."""
    with built(case, mode) as one:
        gradient = gradient_of(one.question, name)
        return gradient if isinstance(gradient, Answer) else valued(case, one.bench, one.outer, gradient, dense(gradient))


def answer_inside(case: Case, mode: str, name: str) -> Answer:
    """The answer of ``tf.gradients`` inside the traced function, evaluated by calling the function."""
    found: List[Any] = []

    def body() -> Any:
        found.append(gradient_of(bench.question(case), name))
        return tf.constant(0.0) if isinstance(found[-1], Answer) else dense(found[-1])

    with control_flow(mode != "v1"), tf.Graph().as_default() as outer:
        bench = Bench()
        result = tf.function(body, autograph=False).get_concrete_function()()
        gradient = found[-1]
        return gradient if isinstance(gradient, Answer) else valued(case, bench, outer, gradient, result)


def gradient_of(question: Question, name: str) -> Any:
    """The gradient for one target, or the ``Answer`` where there is none."""
    try:
        target, stops = question.targets[name], list(question.stops) or None
        gradient = v1.gradients(question.loss, [target], stop_gradients=stops)[0]
    except Exception as error:  # whatever TensorFlow raises is its answer
        return Answer("raises", error="%s: %s" % (type(error).__name__, error))
    return Answer("none") if gradient is None else gradient


def sparse(gradient: Any) -> bool:
    """Whether the gradient holds the rows of some indices only."""
    return isinstance(gradient, tf.IndexedSlices)


def dense(gradient: Any) -> Any:
    """The values of a gradient, as one tensor."""
    return gradient.values if sparse(gradient) else gradient


def valued(case: Case, bench: Bench, outer: Any, gradient: Any, values: Any) -> Answer:
    """The answer for a gradient whose values are these: are they nonzero at any point."""
    if case.not_run:
        return Answer("tensor", None, sparse(gradient), case.not_run)
    try:
        return Answer("tensor", nonzero(bench, outer, values), sparse(gradient))
    except (tf.errors.OpError, TypeError, ValueError) as error:
        return Answer("tensor", None, sparse(gradient), "%s: %s" % (type(error).__name__, error))
