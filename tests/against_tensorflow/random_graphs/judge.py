"""TensorFlow's own answers for a recipe, and whether graphcut's agree.

An *answer* is what ``tf.gradients`` gives for one target alone: ``none``, a ``tensor`` (and whether it was nonzero at one
of three random points), ``raises`` (an op without a gradient), or a ``fault``: TensorFlow fails for a reason of
its own, which says nothing about the graph.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from .builder import Built, build
from .recipes import Recipe

POINTS = 3


@dataclass(frozen=True)
class Answer:
    """``nonzero`` is ``None`` where it could not be evaluated; ``detail`` is the error's message."""

    kind: str
    nonzero: Optional[bool] = None
    detail: str = ""


@dataclass(frozen=True)
class Judgement:
    """One target: what TensorFlow answered and what graphcut said (``error`` where it said nothing)."""

    target: str
    answer: Answer
    verdict: str
    path: Tuple[str, ...] = ()

    @property
    def disagrees(self) -> bool:
        kind, verdict = self.answer.kind, self.verdict
        if kind == "fault":
            return verdict == "error"
        if kind != "tensor":
            return verdict != kind
        return (
            verdict not in ("flows", "conditional") if self.answer.nonzero else verdict not in ("flows", "conditional", "zero")
        )

    @property
    def imprecise(self) -> bool:
        return self.answer.nonzero is False and self.verdict in ("flows", "conditional")


def ask_tensorflow(recipe: Recipe, tf: Any, numbers: bool = True, built: Optional[Built] = None) -> Dict[str, Answer]:
    """An answer for each target. A failed attempt may leave a graph unusable: the rest is asked of a new one."""
    failed: Dict[str, Answer] = {}
    while True:
        built = built or build(recipe, tf)
        gradients: Dict[str, Any] = {}
        for name, target in built.targets.items():
            if name in failed:
                continue
            answer = gradient(tf, built, target)
            if isinstance(answer, Answer):
                failed[name], built = answer, None
                break
            gradients[name] = answer
        else:
            break
    nonzero = evaluated(tf, built, gradients, seed=len(recipe.steps)) if numbers else {}
    answers = {
        name: Answer("none") if each is None else Answer("tensor", nonzero.get(name)) for name, each in gradients.items()
    }
    return {name: failed.get(name) or answers[name] for name in built.targets}


def gradient(tf: Any, built: Built, target: Any) -> Any:
    """What ``tf.gradients`` answers, or an ``Answer`` where it raises."""
    losses = [loss for loss in built.losses if loss.dtype.is_floating]
    if not losses:
        return None  # An integer loss: no variable gets a gradient, by definition. TensorFlow's answer depends on the op.
    with built.graph.as_default():
        try:
            return tf.gradients(losses, [target], stop_gradients=built.stops or None)[0]
        except LookupError as error:
            return Answer("raises", detail=str(error))
        except Exception as error:  # the oracle's own faults are many, and are counted
            return Answer("fault", detail=f"{type(error).__name__}: {error}")


def evaluated(tf: Any, built: Built, gradients: Dict[str, Any], seed: int) -> Dict[str, Optional[bool]]:
    """Whether each gradient is nonzero at a random point; missing where none could be run, or gave only NaN."""
    values = {
        name: each.values if isinstance(each, tf.IndexedSlices) else each
        for name, each in gradients.items()
        if each is not None and each.dtype.is_floating
    }
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    generator, nonzero = random.Random(seed), {}
    if not values:
        return {}
    with tf.Session(graph=built.graph, config=config) as session:
        for point in range(POINTS):
            for name, value in at_point(tf, built, session, values, generator, point).items():
                number = np.any((value != 0) & ~np.isnan(value))
                if number or not np.any(np.isnan(value)):
                    nonzero[name] = nonzero.get(name, False) or bool(number)
    return nonzero


def at_point(
    tf: Any, built: Built, session: Any, values: Dict[str, Any], generator: random.Random, point: int
) -> Dict[str, Any]:
    """The gradients' values with random variables and inputs; one at a time where all together fail."""
    feed = {placeholder: random_value(generator, placeholder.dtype, shape, point) for placeholder, shape in built.feeds}
    start = {
        variable.initializer.inputs[1]: random_value(generator, variable.dtype.base_dtype, shape, point)
        for variable, shape in all_variables(tf, built)
    }
    if run(tf, session, [variable.initializer for variable, _ in all_variables(tf, built)], start) is None:
        return {}
    together = run(tf, session, values, feed)
    alone = {name: run(tf, session, value, feed) for name, value in values.items()} if together is None else together
    return {name: value for name, value in alone.items() if value is not None}


def run(tf: Any, session: Any, fetches: Any, feed: Dict[Any, Any]) -> Any:
    """What the session gives, ``None`` where the graph cannot run."""
    try:
        return session.run(fetches, feed)
    except (tf.errors.OpError, TypeError):
        return None


def all_variables(tf: Any, built: Built) -> List[Tuple[Any, Tuple[int, ...]]]:
    with built.graph.as_default():
        return [(variable, tuple(variable.shape.as_list())) for variable in tf.global_variables()]


def random_value(generator: random.Random, dtype: Any, shape: Tuple[int, ...], point: int) -> Any:
    if dtype.is_bool:
        return point != 1
    values = [generator.gauss(0.0, 1.0 + 0.5 * point) for _ in range(int(np.prod(shape)))]
    if dtype.is_integer:
        values = [generator.randint(0, 3) for _ in values]
    return np.reshape(np.array(values, dtype.as_numpy_dtype), shape)


def ask_graphcut(built: Built) -> Dict[str, Tuple[str, Tuple[str, ...]]]:
    """Verdict and path for each target of a graph; ``error`` for all where the audit fails."""
    import graphcut

    try:
        audit = graphcut.audit(
            built.graph, loss=built.losses, variables=list(built.targets.values()), stop_gradients=built.stops
        )
        return {name: (audit[target].verdict.value, audit[target].path) for name, target in built.targets.items()}
    except Exception as error:  # a crash is a disagreement, and the other graphs are still judged
        return {name: ("error", (f"{type(error).__name__}: {error}",)) for name in built.targets}


def judge(recipe: Recipe, tf: Any, numbers: bool = True) -> List[Judgement]:
    """Every target of a recipe. graphcut is asked first: ``tf.gradients`` adds to the graph."""
    built = build(recipe, tf)
    verdicts = ask_graphcut(built)
    answers = ask_tensorflow(recipe, tf, numbers, built)
    judgements = [Judgement(name, answers[name], *verdicts[name]) for name in answers]
    return [alone(recipe, tf, each) if each.disagrees else each for each in judgements]


def alone(recipe: Recipe, tf: Any, judgement: Judgement) -> Judgement:
    """The same with TensorFlow asked again on a graph of its own: ``tf.gradients`` rewrites conditionals and loops, and
    a second call may see what the first left."""
    one = replace(recipe, targets=(judgement.target,))
    answer = ask_tensorflow(one, tf)[judgement.target]
    return replace(judgement, answer=answer)
