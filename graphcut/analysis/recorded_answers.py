"""TensorFlow's answers from when a step was traced or a file was made, compared with the verdicts.

The answer decides: if the tape returned ``None``, the verdict is ``NONE``; if it returned a tensor, the verdict is not
``NONE``. A verdict that had to be changed is reported as a disagreement, which is a defect of graphcut.
"""

from __future__ import annotations

from typing import Iterator, NamedTuple, Optional, Sequence, Tuple

from graphcut.results import WITH_GRADIENT, Barrier, Disagreement, VariableAudit, Verdict, replace_fields


class RecordedAnswers(NamedTuple):
    """Whether TensorFlow returned a tensor for each variable; ``None`` if that is unknown because it raised ``error``.

    ``zeros``: ``unconnected_gradients`` asked for zeros in place of ``None``. ``updates`` says for each whether the step
    writes it, ``optimizer_got_gradient`` whether an optimizer received a gradient for it. ``source`` says where the answer
    comes from. ``decides``: the tape already recorded before the step began, and only its answer shows what it recorded then.
    """

    has_gradient: Tuple[Optional[bool], ...]
    zeros: bool = False
    error: str = ""
    updates: Tuple[Optional[bool], ...] = ()
    optimizer_got_gradient: Tuple[Optional[bool], ...] = ()
    source: str = "the recorded answer of TensorFlow is another one"
    decides: bool = False


class Reconciliation(NamedTuple):
    """The verdict that agrees with the answer, and the difference if graphcut expected another one."""

    variable: VariableAudit
    disagreement: Optional[Disagreement] = None


def reconcile(rows: Sequence[VariableAudit], answers: RecordedAnswers, assumed: bool = False) -> Tuple[Reconciliation, ...]:
    """Return the findings, each compared with its recorded answer.

    ``assumed``: the findings depend on an assumption, which an error from TensorFlow may disprove.
    """
    updated_rows = list(rows)
    if answers.updates:
        updates = zip(rows, answers.updates, answers.optimizer_got_gradient or (None,) * len(rows))
        updated_rows = [
            replace_fields(each, is_updated=updated, optimizer_got_gradient=optimizer_got_gradient)
            for each, updated, optimizer_got_gradient in updates
        ]
    if answers.error:
        return tuple(_settle_raise(updated_rows, answers.error, assumed))
    return tuple(_settle(each, answers, answer) for each, answer in zip(updated_rows, answers.has_gradient))


def _settle(row: VariableAudit, answers: RecordedAnswers, has_gradient: Optional[bool]) -> Reconciliation:
    if answers.decides:
        return Reconciliation(
            _correct(row, bool(has_gradient)) if has_gradient is not None and not _holds(row, has_gradient) else row
        )
    if answers.zeros and row.verdict is Verdict.NONE:
        return Reconciliation(replace_fields(row, verdict=Verdict.ZERO))
    if has_gradient is None or answers.zeros or has_gradient == _expected_answer(row.verdict):
        return Reconciliation(row)
    disagreement = Disagreement(row.name, row.verdict, "gradient" if has_gradient else "none", answers.source)
    return Reconciliation(_correct(row, has_gradient), disagreement)


def _holds(row: VariableAudit, has_gradient: bool) -> bool:
    """Return whether a verdict holds whatever a tape recorded before the step; ``zero`` does not."""
    return row.verdict in WITH_GRADIENT if has_gradient else row.verdict is Verdict.NONE


def _settle_raise(rows: Sequence[VariableAudit], error: str, assumed: bool) -> Iterator[Reconciliation]:
    """Settle an error: TensorFlow raises for all variables of a call. If an op that raises is known, it is the reason."""
    cause = next((each for each in rows if each.verdict is Verdict.RAISES), None)
    for each in rows:
        if each.verdict is Verdict.RAISES:
            yield Reconciliation(each)
        elif cause is not None:
            yield Reconciliation(_raising_variable(each, cause.cut))
        else:
            disagreement = None if assumed else Disagreement(each.name, each.verdict, "raises", error)
            yield Reconciliation(_raising_variable(each, ()), disagreement)


def _raising_variable(row: VariableAudit, cut: Tuple[Barrier, ...]) -> VariableAudit:
    """Return the row of a variable in a gradient call with another variable that feeds an op that raises."""
    return replace_fields(
        row,
        verdict=Verdict.RAISES,
        cut=cut,
        cut_size=len(cut),
        path=(),
        conditions=(),
        unused=False,
        sparse=False,
    )


def _expected_answer(verdict: Verdict) -> Optional[bool]:
    return None if verdict is Verdict.RAISES else verdict is not Verdict.NONE


def _correct(row: VariableAudit, has_gradient: bool) -> VariableAudit:
    """Return the row corrected by the answer, which is a tensor with unknown values, or ``None``."""
    if has_gradient:
        return replace_fields(row, verdict=Verdict.FLOWS, cut=(), cut_size=0, unused=False)
    return replace_fields(row, verdict=Verdict.NONE, path=(), conditions=(), sparse=False)
