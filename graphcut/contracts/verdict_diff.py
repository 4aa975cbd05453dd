"""The difference between two sets of verdicts: which variables gained or lost their gradient, and because of which op.

Variables are matched by name. Keras counts layers within a process (``dense`` and ``dense_1``), so names that differ only in
such numbers are matched by position, if the shapes agree, and so are variables of a scope that has another name
(``api/match_variables.py``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from graphcut.api.audit import Audit
from graphcut.api.match_variables import VariableKey, match_names, match_renamed, without_numbers
from graphcut.errors import GraphcutError
from graphcut.render.text.headings import headings
from graphcut.results import Change, Verdict

LOCK_MARK = "graphcut_lock"
_REACHED = ("flows", "conditional")
_HALF = 0.5


@dataclass(frozen=True)
class VariableVerdict:
    """The verdict of one variable, and the op that decides it: its first barrier, or ``""``.

    ``barrier`` is the kind of that barrier, ``shape`` the variable's shape as text, such as ``[3, 2]``.
    """

    verdict: str
    op: str = ""
    barrier: str = ""
    shape: str = ""


@dataclass(frozen=True)
class AuditedVerdicts:
    """The verdicts of the audits of one source: for each gradient or loss, by the variable's name."""

    gradients: Mapping[str, Mapping[str, VariableVerdict]]

    def to_dict(self) -> Dict[str, Any]:
        """Return plain values, one short text for each variable."""
        return {
            head: {name: {key: text for key, text in vars(each).items() if text} for name, each in variables.items()}
            for head, variables in self.gradients.items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AuditedVerdicts:
        """Read what ``to_dict`` wrote.

        Raises:
            GraphcutError: the values are something else.
        """
        try:
            return cls(
                {
                    head: {name: VariableVerdict(**each) for name, each in variables.items()}
                    for head, variables in values.items()
                }
            )
        except (AttributeError, TypeError):
            raise GraphcutError("the lock file is damaged: it holds something other than verdicts") from None


@dataclass(frozen=True)
class VerdictChange:
    """One variable whose verdict differs. ``before`` or ``after`` is ``None`` where that side has no such variable.

    ``gradient`` is the heading of the loss or gradient on the new side. ``op`` is the barrier or conditional that makes the
    difference, if there is one. ``renamed`` is the variable's name on the new side if the name differs.
    """

    source: str
    gradient: str
    variable: str
    before: Optional[str]
    after: Optional[str]
    op: str = ""
    renamed: str = ""

    @property
    def direction(self) -> str:
        """``gained`` or ``lost`` its gradient; ``new`` or ``gone``; else ``changed``."""
        return self.as_change().direction

    def as_change(self) -> Change:
        """Return this change as the result of comparing two audits, under the name on the new side."""
        before, after = (None if each is None else Verdict(each) for each in (self.before, self.after))
        return Change(self.renamed or self.variable, before, after, self.op or None)

    def __str__(self) -> str:
        renamed = " (now %s)" % self.renamed if self.renamed else ""
        if self.direction == "new":
            return "new     %s: %s" % (self.variable, self.after)
        if self.direction == "gone":
            return "gone    %s: was %s" % (self.variable, self.before)
        return "%-7s %s%s: %s → %s%s" % (self.direction, self.variable, renamed, self.before, self.after, self._op_words())

    def _op_words(self) -> str:
        """Return how the op is related to the change. A stop that no longer cuts may still be in the code, elsewhere."""
        if not self.op:
            return ""
        is_branch = Verdict.CONDITIONAL.value in (self.before, self.after)
        words = {} if is_branch else {"gained": ", was cut by %s", "lost": ", cut by %s"}
        return words.get(self.direction, " through %s") % self.op


def verdicts_of_audits(audits: Sequence[Audit]) -> AuditedVerdicts:
    """Return the verdicts of audits, under the headings that a table gives them.

    A single audit of a loss is under ``loss``.
    """
    heads = headings(audits) if len(audits) > 1 or any(each.recorded for each in audits) else ("loss",) * len(audits)
    return AuditedVerdicts({head: _verdicts(audit) for head, audit in zip(heads, audits)})


def _verdicts(audit: Audit) -> Mapping[str, VariableVerdict]:
    result = {}
    for each in audit:
        barrier = each.cut[0] if each.cut else None
        op = barrier.op if barrier else each.conditions[0].op if each.conditions else ""
        shape = "" if each.shape is None else str(list(each.shape))
        result[each.name] = VariableVerdict(each.verdict.value, op, barrier.kind.value if barrier else "", shape)
    return result


def compare_verdicts(old: Mapping[str, AuditedVerdicts], new: Mapping[str, AuditedVerdicts]) -> Tuple[VerdictChange, ...]:
    """Return the changes between two snapshots, source by source and gradient by gradient, in sorted order."""
    return tuple(change for each in _matching_gradients(old, new) for change in _of_gradient(*each))


def _matching_gradients(
    old: Mapping[str, AuditedVerdicts], new: Mapping[str, AuditedVerdicts]
) -> Iterator[Tuple[str, str, Mapping[str, VariableVerdict], Mapping[str, VariableVerdict]]]:
    """Yield the source and the heading of each gradient, with its verdicts on both sides."""
    for source in sorted({*old, *new}):
        before, after = (side[source].gradients if source in side else {} for side in (old, new))
        for head, other in _matching_headings(before, after):
            yield source, other or head or "", before.get(head or "", {}), after.get(other or "", {})


def _matching_headings(
    old: Mapping[str, Mapping[str, VariableVerdict]], new: Mapping[str, Mapping[str, VariableVerdict]]
) -> Iterator[Tuple[Optional[str], Optional[str]]]:
    """Pairs of headings of the same gradient: equal ones, and the others by their variables or in order.

    A loss may have another name on the new side, or stand on another line. If one side has more gradients, a heading is paired
    with the one that shares most of its variables, and at least half of them.
    """
    gone, fresh = [each for each in old if each not in new], [each for each in new if each not in old]
    others = dict(zip(gone, fresh)) if len(gone) == len(fresh) else _alike(old, new, gone, fresh)
    for head in old:
        yield head, head if head in new else others.get(head)
    yield from ((None, head) for head in fresh if head not in others.values())


def _alike(
    old: Mapping[str, Mapping[str, VariableVerdict]],
    new: Mapping[str, Mapping[str, VariableVerdict]],
    gone: Sequence[str],
    fresh: Sequence[str],
) -> Dict[str, str]:
    """Return pairs of headings that ask for the same variables, the most alike first."""
    shares = []
    for head in gone:
        for other in fresh:
            names = [{without_numbers(each) for each in side} for side in (old[head], new[other])]
            shares.append((len(names[0] & names[1]) / max(len(names[0] | names[1]), 1), head, other))
    result: Dict[str, str] = {}
    for share, head, other in sorted(shares, key=lambda each: -each[0]):
        if share >= _HALF and head not in result and other not in result.values():
            result[head] = other
    return result


def renamed_gradients(old: Mapping[str, AuditedVerdicts], new: Mapping[str, AuditedVerdicts]) -> Tuple[Tuple[str, str], ...]:
    """Return the headings, before and after, of the gradients that were paired although the sides have not as many of them."""
    result: Dict[Tuple[str, str], None] = {}
    for source in sorted({*old, *new}):
        before, after = (side[source].gradients if source in side else {} for side in (old, new))
        if before and len(before) != len(after):
            result.update(
                dict.fromkeys(
                    (head, other) for head, other in _matching_headings(before, after) if head and other and head != other
                )
            )
    return tuple(result)


def _of_gradient(
    source: str, head: str, old: Mapping[str, VariableVerdict], new: Mapping[str, VariableVerdict]
) -> Iterator[VerdictChange]:
    pairs = match_variables(old, new)
    for name, other in pairs:
        before = old.get(name) if name else None
        after = new.get(other) if other else None
        if before is not None and after is not None and before.verdict == after.verdict:
            continue
        worse = before if after is None or (before is not None and before.op and before.verdict not in _REACHED) else after
        yield VerdictChange(
            source=source,
            gradient=head,
            variable=name or other or "",
            before=None if before is None else before.verdict,
            after=None if after is None else after.verdict,
            op=worse.op if worse is not None else "",
            renamed=other if name and other and other != name else "",
        )


def match_variables(
    old: Mapping[str, VariableVerdict], new: Mapping[str, VariableVerdict]
) -> List[Tuple[Optional[str], Optional[str]]]:
    """Return pairs of names of the same variable on both sides; ``None`` where one side does not have it."""
    names = sorted(old, key=_in_order), sorted(new, key=_in_order)
    sides = [[VariableKey(name, verdicts[name].shape) for name in listed] for listed, verdicts in zip(names, (old, new))]
    result = {first: second for first, second, _ in match_names(*sides)}
    rest = [[at for at in range(len(side)) if at not in taken] for side, taken in zip(sides, (result, result.values()))]
    for first, second in match_renamed(*([side[at] for at in places] for side, places in zip(sides, rest))):
        result[rest[0][first]] = rest[1][second]
    pairs: List[Tuple[Optional[str], Optional[str]]] = [
        (name, names[1][result[place]] if place in result else None) for place, name in enumerate(names[0])
    ]
    pairs += [(None, name) for place, name in enumerate(names[1]) if place not in result.values()]
    return sorted(pairs, key=lambda pair: pair[0] or pair[1] or "")


def renamed_variables(old: Mapping[str, AuditedVerdicts], new: Mapping[str, AuditedVerdicts]) -> Tuple[Tuple[str, str], ...]:
    """Return the names, before and after, of the variables that were matched although they differ in more than numbers."""
    pairs: Dict[Tuple[str, str], None] = {}
    for _, _, before, after in _matching_gradients(old, new):
        for name, now in match_variables(before, after):
            if name and now and without_numbers(name) != without_numbers(now):
                pairs[name, now] = None
    return tuple(pairs)


def _in_order(name: str) -> List[Tuple[bool, int, str]]:
    """Return a key that sorts names as Keras numbered them, ``dense_10`` after ``dense_9``.

    A lock file has them in alphabetical order.
    """
    return [(each.isdigit(), int(each) if each.isdigit() else 0, each) for each in re.split(r"(\d+)", name)]
