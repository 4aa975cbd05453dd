"""The subjects: placeholder graphs with a loss and targets, and functions.

A *subject* is built anew for each form that changes its graph.
"""

from __future__ import annotations

import contextlib
import random
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Tuple

import tensorflow as tf

from tests.against_tensorflow.oracle.graphs import CASES
from tests.against_tensorflow.oracle.judge import built as built_case
from tests.against_tensorflow.random_graphs.builder import CannotBuild, build
from tests.against_tensorflow.random_graphs.recipes import recipe_of
from tests.against_tensorflow.scenarios.recorded import every_fixture

v1 = tf.compat.v1


@dataclass(frozen=True)
class Question:
    """A graph, its losses, the targets by the name of their tensor, and ``stop_gradients``."""

    graph: Any
    losses: Tuple[Any, ...]
    targets: Dict[str, Any]
    stops: Tuple[Any, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A named graph: ``ask`` is a context manager that builds it anew."""

    name: str
    ask: Callable[[], Any]


def named(targets: Any) -> Dict[str, Any]:
    """Targets by the names of their tensors, each part of a partitioned variable by itself."""
    parts: List[Any] = []
    for target in targets:
        parts += list(target) if hasattr(target, "_get_variable_list") else [target]
    return {part.name: part for part in parts if hasattr(part, "name")}


def oracle_subjects() -> Iterator[Subject]:
    """The hard graphs, with control flow of both kinds."""
    for name, case in CASES.items():
        for mode in ("v1", "v2"):
            if mode not in case.skip and case.expect != "error":
                yield Subject("%s-%s" % (name, mode), _of_case(case, mode))


def _of_case(case: Any, mode: str) -> Callable[[], Any]:
    @contextlib.contextmanager
    def ask() -> Iterator[Question]:
        with built_case(case, mode) as one:
            losses = one.question.loss if isinstance(one.question.loss, (list, tuple)) else [one.question.loss]
            losses = [tf.convert_to_tensor(loss) for loss in losses]
            yield Question(one.graph, tuple(losses), named(one.question.targets.values()), tuple(one.question.stops))

    return ask


def random_subjects(seed: int, number: int, smallest: int = 10, largest: int = 40) -> Iterator[Subject]:
    """Random graphs of the given sizes; those that TensorFlow refuses are left out."""
    generator = random.Random(seed)
    for _ in range(number):
        seed_of_one = generator.randrange(2**32)
        yield Subject("random-%d" % seed_of_one, _of_recipe(recipe_of(seed_of_one, smallest, largest)))


def _of_recipe(recipe: Any) -> Callable[[], Any]:
    @contextlib.contextmanager
    def ask() -> Iterator[Question]:
        try:
            one = build(recipe, v1)
        except CannotBuild:
            yield Question(None, (), {})
            return
        with one.graph.as_default():
            yield Question(one.graph, tuple(one.losses), named(one.targets.values()), tuple(one.stops))

    return ask


def scenario_subjects() -> Iterator[Subject]:
    """The fixtures that are placeholder graphs."""
    for module, fixture in every_fixture():
        yield Subject("%s.%s" % (module, fixture.__name__), _of_fixture(fixture))


def _of_fixture(fixture: Any) -> Callable[[], Any]:
    @contextlib.contextmanager
    def ask() -> Iterator[Question]:
        asked = fixture()
        if asked.is_function:
            yield Question(None, (), {})
            return
        with asked.loss.graph.as_default():
            yield Question(asked.loss.graph, (asked.loss,), named(asked.variables.values()))

    return ask
