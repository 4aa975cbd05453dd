"""Merge equal findings about several variables, or under several rules, into one finding that names them all.

A cause that breaks several contracts is explained in full under the first of them; the others refer to it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Hashable, Iterator, List, NamedTuple, Sequence, Tuple

from graphcut.contracts.definition import CheckReport, ContractResult, Finding
from graphcut.errors import printable
from graphcut.render.text.explain import drop_variable, say_same_holds
from graphcut.results.words import escape_name

_ADVICE = ("What to do: ", "And: ", "Or: ", "To block ")
_SAME = "The same holds for "
_LONG = 2  # lines; a shorter message is repeated


def merge_alike(findings: Sequence[Finding]) -> List[Finding]:
    """Merge findings that differ only in their variable; the message ends with the names of the other variables.

    >>> messages = ["a gets no gradient\\nRemove the stop.", "b gets no gradient\\nRemove the stop."]
    >>> found = [Finding(each[0], "must_reach", "none", each) for each in messages]
    >>> [each.message for each in merge_alike(found)]
    ['a gets no gradient\\nRemove the stop.\\nThe same holds for b.']
    """
    groups: Dict[Hashable, List[Finding]] = {}
    for each in _merge_rules(findings):
        text = each.message if each.variable is None else drop_variable(each.message, escape_name(each.variable))
        groups.setdefault((each.rule, each.verdict, each.where, each.variable is None, text), []).append(each)
    return [_merged(*group) for group in groups.values()]


def _merge_rules(findings: Sequence[Finding]) -> List[Finding]:
    """Merge equal findings about one variable under several rules, such as ``must_not_reach, only``."""
    groups: Dict[Hashable, List[Finding]] = {}
    for each in findings:
        groups.setdefault((each.variable or each.rule, each.verdict, each.where, each.message), []).append(each)
    return [replace(group[0], rule=", ".join(dict.fromkeys(each.rule for each in group))) for group in groups.values()]


class _Explanation(NamedTuple):
    """The explanation of a finding: its lines without the variable's name, and where it stands in the report."""

    lines: Tuple[str, ...]
    variable: str
    contract: str


def findings_of_report(report: CheckReport) -> Iterator[Tuple[ContractResult, List[Finding]]]:
    """Yield each result of a report with its merged findings; a cause that an earlier one explains is not explained again."""
    explanations: Dict[Hashable, _Explanation] = {}
    for result in report.contracts:
        findings = []
        for each in merge_alike(result.findings):
            name = escape_name(each.variable or "")
            lead, explanation = _split(each.message, name)
            lines = tuple(drop_variable("\n".join(explanation), name).splitlines())
            key = (each.verdict, tuple(line for line in lines if not line.startswith((*_ADVICE, _SAME))))
            if key in explanations and len([line for line in lines if not line.startswith(_SAME)]) > _LONG:
                each = replace(each, message="\n".join([*lead, *_reference(explanation, explanations[key])]))
            explanations.setdefault(key, _Explanation(lines, name, result.name))
            findings.append(each)
        yield result, findings


def _split(message: str, name: str) -> Tuple[List[str], List[str]]:
    """Return the lines before the explanation of a variable, and those of the explanation, which begins with its name."""
    lines = message.splitlines()
    start = next((at for at, line in enumerate(lines) if name and line.startswith(name)), 0)
    return lines[:start], lines[start:]


def _reference(explanation: Sequence[str], before: _Explanation) -> Iterator[str]:
    """Yield the first line of an explanation, where the rest of it stands, and what differs there."""
    yield explanation[0]
    variable = "%s in " % before.variable if before.variable else ""
    yield "Why, and what to do: see %sthe contract %s." % (variable, printable(before.contract, 400))
    yield from (
        line for line in explanation[1:] if line.startswith(_SAME) or (line.startswith(_ADVICE) and line not in before.lines)
    )


def count_findings(findings: Sequence[Finding]) -> str:
    """Return the number of findings, and of the groups that are shown: ``4 in 2 groups``."""
    shown = len(merge_alike(findings))
    return str(shown) if shown == len(findings) else "%d in %d group%s" % (len(findings), shown, "" if shown == 1 else "s")


def _merged(first: Finding, *others: Finding) -> Finding:
    names = [each.variable for each in others if each.variable is not None]
    return replace(first, message=say_same_holds(first.message, names))
