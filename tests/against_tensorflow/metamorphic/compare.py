"""The verdicts of a subject in several forms, beside those of the live graph."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Dict, Iterator

from .forms import ASSUMED, CHANGED, UNCHANGED, DoesNotApply, Form, Verdicts, live, sample
from .subjects import Question, Subject


@dataclass(frozen=True)
class Difference:
    """One target that is judged otherwise in a form, or an audit that fails there (``target`` is empty)."""

    subject: str
    form: str
    target: str
    live: str
    other: str

    def __str__(self) -> str:
        return "%s %s: %s is %s, live %s" % (self.subject, self.form, self.target, self.other, self.live)


def differences(subject: Subject, unchanged: int, changed: int) -> Iterator[Difference]:
    """Compare so many forms of each kind; forms that change the graph get one of their own."""
    with subject.ask() as question:
        if question.graph is None or not question.targets or not question.losses:
            return
        expected = live(question)
        for name, form in sample(subject.name, UNCHANGED, unchanged):
            yield from _compared(subject, name, form, question, expected)
    for name, form in sample(subject.name, CHANGED, changed):
        with subject.ask() as question:
            yield from _compared(subject, name, form, question, expected)


def _compared(subject: Subject, name: str, form: Form, question: Question, expected: Dict[str, str]) -> Iterator[Difference]:
    try:
        found = _verdicts(form, question)
    except DoesNotApply:
        return
    except Exception as error:  # an audit that fails is a difference, and the other forms are still compared
        yield Difference(subject.name, name, "", "", "%s: %s" % (type(error).__name__, error))
        return
    for target, verdict in found.items():
        if verdict.replace(ASSUMED, "") != expected[target].replace(ASSUMED, ""):
            yield Difference(subject.name, name, target, expected[target], verdict)


def _verdicts(form: Form, question: Question) -> Verdicts:
    with tempfile.TemporaryDirectory() as folder:
        return form(question, folder)
