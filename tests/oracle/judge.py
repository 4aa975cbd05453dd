"""TensorFlow's own answer for each target of a case, and what a graph must not lose while it is audited.

Each target is asked for alone, in a graph built for it only, because ``tf.gradients`` changes the graph. The modes:

* ``v1``, ``v2``: a placeholder graph with control flow of the first or second kind;
* ``function``: the whole case traced in a ``tf.function``, its ``FuncGraph`` is judged;
* ``call``: the same, judged from outside, through the op that calls the function.
"""
from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Optional, Tuple

import numpy as np
import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from .bench import GRAPH_MODES, POINTS, Bench, Case, Question, is_partitioned, random_value, v1


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
    """A case in its graph: ``source`` is what is handed to graphcut, ``graph`` holds the loss."""

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


def answers(case: Case, mode: str) -> Dict[str, Answer]:
    """TensorFlow's answer for each target of the case."""
    with built(case, mode) as case_built:
        names = list(case_built.question.targets)
    return {name: answer(case, mode, name) for name in names}


def answer(case: Case, mode: str, name: str) -> Answer:
    """TensorFlow's answer for one target, asked for alone."""
    if mode == "function":
        return answer_inside(case, name)
    with built(case, mode) as one:
        kind, gradient = gradient_of(one.question, name)
        return kind or valued(one.bench, one.outer, gradient)


def answer_inside(case: Case, name: str) -> Answer:
    """The answer of ``tf.gradients`` inside the traced function, evaluated by calling the function."""
    found = []

    def body() -> Any:
        kind, gradient = gradient_of(bench.question(case), name)
        found.append((kind, gradient))
        return tf.constant(0.0) if kind else gradient.values if sparse(gradient) else gradient

    with control_flow(True), tf.Graph().as_default() as outer:
        bench = Bench()
        result = tf.function(body, autograph=False).get_concrete_function()()
        kind, gradient = found[-1]
        return kind or valued(bench, outer, result, sparse(gradient))


def gradient_of(question: Question, name: str) -> Tuple[Optional[Answer], Any]:
    """The answer where it is no tensor, and the gradient where it is one."""
    try:
        target, stops = question.targets[name], list(question.stops) or None
        gradient = v1.gradients(question.loss, [target], stop_gradients=stops)[0]
    except Exception as error:  # whatever TensorFlow raises is its answer
        return Answer("raises", error="%s: %s" % (type(error).__name__, error)), None
    return (Answer("none"), None) if gradient is None else (None, gradient)


def sparse(gradient: Any) -> bool:
    """Whether the gradient holds the rows of some indices only."""
    return isinstance(gradient, tf.IndexedSlices)


def valued(bench: Bench, outer: Any, gradient: Any, is_sparse: bool = False) -> Answer:
    """The answer for a gradient tensor: is it nonzero at any point."""
    is_sparse = is_sparse or sparse(gradient)
    values = gradient.values if sparse(gradient) else gradient
    try:
        nonzero = any([differs(value) for value in at_points(bench, outer, values)])
    except (tf.errors.OpError, TypeError) as error:
        return Answer("tensor", None, is_sparse, "%s: %s" % (type(error).__name__, error))
    return Answer("tensor", nonzero, is_sparse)


def at_points(bench: Bench, outer: Any, tensor: Any) -> Iterator[Any]:
    """The tensor's value at each of the points. Other variables that TensorFlow made are initialized once."""
    with v1.Session(graph=outer) as session:
        with outer.as_default():
            session.run(v1.global_variables_initializer())
        for point in range(POINTS):
            for name, variable in bench.variables.items():
                parts = list(variable) if is_partitioned(variable) else [variable]
                for number, part in enumerate(parts):
                    load(session, part, "%s/%d" % (name, number), point)
            yield session.run(tensor, {key: value(point) for key, value in bench.feeds.items()})


def load(session: Any, variable: Any, name: str, point: int) -> None:
    """Give the variable its value at one point."""
    shape, dtype = tuple(variable.shape.as_list()), variable.dtype.base_dtype
    session.run(variable.initializer, {variable.initializer.inputs[1]: random_value(name, shape, dtype, point)})


def differs(value: Any) -> bool:
    """Whether any element is other than zero; what is no number counts too."""
    return bool(np.any(np.asarray(value) != 0))
