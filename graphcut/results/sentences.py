"""The sentence for each result, which ``print`` shows; ``repr`` shows the fields."""

from __future__ import annotations

from typing import Sequence

from graphcut.results import (
    Assumption,
    Barrier,
    Change,
    Condition,
    Disagreement,
    LeftOut,
    LeftOutReason,
    Reach,
    Role,
    Stop,
    VariableAudit,
    Verdict,
)
from graphcut.results.words import ROLES, SAVED_GRADIENT, VERDICTS, at, because, branch, escape_name, place, shape_text

_NAMED = 4
_HOPS = 8
_ANSWERS = {"none": "answers None", "gradient": "answers a gradient", "raises": "raises an error"}


def barrier(cut: Barrier) -> str:
    """Return where the gradient ends, and why."""
    return f"{_place_words(cut)}: {because(cut, '')}"


def condition(each: Condition) -> str:
    """Return the branch that every path passes."""
    return branch(each)


def assumption(each: Assumption) -> str:
    """Return an assumption in words."""
    if each.whole:
        return f"cannot certify anything: {each.reason} (seen at {escape_name(each.op)}, {escape_name(each.type)})"
    name = f"{escape_name(each.op)} ({escape_name(each.type)})"
    return f"{name} is {assumed_of(each.reason)}: {escape_name(each.reason, 200)}"


def assumed_of(reason: str) -> str:
    """Return the assumption about an op, by its reason."""
    return "assumed to have its saved gradient" if reason == SAVED_GRADIENT else "assumed to let gradients through"


def stop(each: Stop) -> str:
    """Return the role of a stop, and what it cuts off, in words."""
    name = f"stop-gradient {escape_name(each.op)}" + (f", {at(each.where)}," if each.where else "")
    name += " of a library" if each.library else ""
    if each.role is not Role.CUTS or not each.cuts:
        return f"{name} is {each.role.value}: {ROLES[each.role]}"
    alone = "without it a gradient gets through" if each.sole else "without it, another barrier stops the gradient"
    return f"{name} cuts off {_names(each.cuts)}; {alone}"


def variable(each: VariableAudit) -> str:
    """Return the outcome of a variable and its cut, in words."""
    text = f"{escape_name(each.name)} {shape_text(each.shape)} {VERDICTS[each.verdict]} ({each.verdict.value})"
    if each.unused:
        text += "; it is unused: nothing leads from it to the loss"
    if each.cut:
        more = max(each.cut_size, len(each.cut)) - len(each.cut[:_NAMED])
        cuts = [_place_words(cut) for cut in each.cut[:_NAMED]] + [f"{more} more"] * (more > 0)
        by = "raised" if each.verdict is Verdict.RAISES else "cut"
        text += f"; {by} by " + " and by ".join(cuts)
    for condition in each.conditions[:1]:
        text += f"; only in {branch(condition)}"
    return text + ("; not trainable" if each.trainable is False else "")


def left_out(each: LeftOut) -> str:
    """Return why the gradient call left out a variable."""
    name = escape_name(each.name)
    updated = {None: "", True: "; the step updates it nevertheless", False: ""}[each.is_updated]
    if each.trainable is False:
        return f"{name} is frozen: the loss reads it, and no gradient was asked for it because it is not trainable{updated}"
    if each.reason is LeftOutReason.FROZEN:
        return f"{name} is frozen: the loss reads it, behind a stop_gradient, and no gradient was asked for it{updated}"
    kind = ("trainable" if each.trainable else "perhaps trainable") + ", behind a stop_gradient" * each.is_stopped
    return f"{name} was forgotten: the loss reads it ({kind}), and no gradient was asked for it{updated}"


def change(each: Change) -> str:
    """Return the change of a variable from one audit to the other, in words."""
    name = escape_name(each.name)
    if each.before is None or each.after is None:
        only, verdict = ("first", each.before) if each.after is None else ("second", each.after)
        return f"{name} is in the {only} audit only" + (f": {verdict.value}" if verdict else "")
    by = f": {escape_name(each.op)} makes the difference" if each.op else ""
    if each.renamed:
        name += f" ({escape_name(each.renamed)} in the second, matched by {each.matched_by})"
    return f"{name} was {each.before.value} and is {each.after.value}{by}"


def reach(each: Reach) -> str:
    """Return which variables are reached, and a path to the first."""
    if not each.reached:
        return "no gradient gets there"
    path = [escape_name(op) for op in each.paths.get(each.reached[0], ())]
    if len(path) > _HOPS:
        path = [*path[: _HOPS // 2], f"{len(path) - _HOPS} more", *path[-_HOPS // 2 :]]
    return f"a gradient reaches {_names(each.reached)}" + (": " + " → ".join(path) if path else "")


def disagreement(each: Disagreement) -> str:
    """Return the disagreement between a verdict and TensorFlow, in words."""
    reason = f": {escape_name(each.reason, 200)}" if each.reason else ""
    if each.answer == "not checked":
        return f"{escape_name(each.name)} was judged {each.verdict.value}; TensorFlow could not be asked{reason}"
    answer = _ANSWERS.get(each.answer, each.answer)
    return f"{escape_name(each.name)} was judged {each.verdict.value}, but TensorFlow {answer}{reason}"


def _place_words(cut: Barrier) -> str:
    return place(cut) + (f", {at(cut.where)}" if cut.where else "")


def _names(names: Sequence[str]) -> str:
    """Return names such as ``a, b and c``; of many, the first ones and a count."""
    named = [escape_name(name) for name in names[:_NAMED]]
    if len(names) > _NAMED:
        named = [*named, f"{len(names) - _NAMED} more"]
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
