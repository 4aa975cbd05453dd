"""TensorFlow's answers beside graphcut's verdicts, for one case in one mode.

A verdict *disagrees* where it is ``NONE`` and TensorFlow's answer is not ``None``, or the other way round; ``RAISES``
likewise; or where it is ``ZERO`` and TensorFlow's gradient was nonzero at a point. It is *imprecise*, which is no
disagreement, where a gradient is said to flow that was zero at every point.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Tuple

import networkx as nx
from tensorflow.python.client import session

import graphcut
from graphcut import Verdict

from .bench import Case
from .judge import Answer, Built, answers, built

FLOWING = (Verdict.FLOWS, Verdict.CONDITIONAL)


@dataclass(frozen=True)
class Outcome:
    """Both sides: TensorFlow's ``answers`` and the ``audits`` by target; ``error`` where the audit refused."""

    answers: Mapping[str, Answer]
    audits: Mapping[str, Any]
    unchanged: bool = True
    acyclic: bool = True
    error: Optional[Exception] = None


def outcome(case: Case, mode: str) -> Outcome:
    """Ask both, each in graphs of its own."""
    with built(case, mode) as one:
        before = snapshot(one)
        audits, acyclic, error = verdicts(one)
        unchanged = snapshot(one) == before
        names = tuple(one.question.targets)
    return Outcome(answers(case, mode, names), audits, unchanged, acyclic, error)


def verdicts(one: Built) -> Tuple[Mapping[str, Any], bool, Optional[Exception]]:
    """The audit of each target, whether the DAG is one, and the error where the audit refused."""
    try:
        with no_session():
            audit = audited(one)
            found = {name: audit[target] for name, target in one.question.targets.items()}
            return found, nx.is_directed_acyclic_graph(audit.graph), None
    except (TypeError, graphcut.GraphcutError) as error:
        return {}, True, error


def audited(one: Built) -> Any:
    """graphcut's audit of a case, asked as a user asks: by objects."""
    question = one.question
    return graphcut.audit(
        one.source, loss=question.loss, variables=list(question.targets.values()), stop_gradients=question.stops
    )


def snapshot(one: Built) -> Tuple[Any, ...]:
    """What must not change: how many ops there are, and every byte of the graph with its functions."""
    return tuple(
        (len(graph.get_operations()), graph.as_graph_def().SerializeToString(deterministic=True))
        for graph in (one.graph, one.outer)
    )


@contextlib.contextmanager
def no_session() -> Iterator[None]:
    """Fail where a session is made or run."""
    kept = session.BaseSession.__init__, session.BaseSession.run

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("an audit must not run a session")

    session.BaseSession.__init__ = session.BaseSession.run = refuse
    try:
        yield
    finally:
        session.BaseSession.__init__, session.BaseSession.run = kept


def disagreements(found: Outcome) -> Tuple[str, ...]:
    """Where the verdict and the answer contradict each other."""
    return tuple(
        "%s: TensorFlow %s, graphcut %s" % (name, answer, found.audits[name].verdict.value)
        for name, answer in found.answers.items()
        if contradicts(answer, found.audits[name].verdict)
    )


def contradicts(answer: Answer, verdict: Verdict) -> bool:
    """Whether the verdict cannot stand beside TensorFlow's answer."""
    if answer.kind == "none":
        return verdict is not Verdict.NONE
    if answer.kind == "raises":
        return verdict is not Verdict.RAISES
    return verdict in (Verdict.NONE, Verdict.RAISES) or (verdict is Verdict.ZERO and answer.nonzero is True)


def imprecise(found: Outcome) -> Tuple[str, ...]:
    """The targets that are said to get a gradient, and got zeros at every point."""
    pairs = [(name, answer, found.audits[name].verdict) for name, answer in found.answers.items()]
    return tuple(name for name, answer, verdict in pairs if answer.nonzero is False and verdict in FLOWING)


def unknown(found: Outcome) -> Tuple[str, ...]:
    """The targets whose gradient could not be evaluated."""
    return tuple(name for name, answer in found.answers.items() if answer.kind == "tensor" and answer.nonzero is None)


def raised(found: Outcome) -> Tuple[str, ...]:
    """The targets for which TensorFlow raises."""
    return tuple(name for name, answer in found.answers.items() if answer.kind == "raises")


def unmet(case: Case, found: Outcome) -> Tuple[str, ...]:
    """The verdicts, and branches, that the case declares and graphcut does not give."""
    wanted = {name: expected if isinstance(expected, tuple) else (expected,) for name, expected in case.expect.items()}
    return tuple(
        "%s: expected %s, found %s %s" % (name, expected, found.audits[name].verdict.value, found.audits[name].conditions)
        for name, expected in wanted.items()
        if name in found.audits and not meets(expected, found.audits[name])
    )


def meets(expected: Tuple[str, ...], audit: Any) -> bool:
    """Whether verdict, and branch where one is named, are those expected."""
    branches = [condition.branch for condition in audit.conditions]
    return audit.verdict.value == expected[0] and all(branch in branches for branch in expected[1:])
