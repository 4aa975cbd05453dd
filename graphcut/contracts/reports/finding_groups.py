"""Merge equal findings about several variables, or under several rules, into one finding that names them all."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Hashable, List, Sequence

from graphcut.contracts.definition import Finding
from graphcut.render.text.explain import drop_variable, say_same_holds
from graphcut.results.words import escape_name


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


def count_findings(findings: Sequence[Finding]) -> str:
    """Return the number of findings, and of the groups that are shown: ``4 in 2 groups``."""
    shown = len(merge_alike(findings))
    return str(shown) if shown == len(findings) else "%d in %d group%s" % (len(findings), shown, "" if shown == 1 else "s")


def _merged(first: Finding, *others: Finding) -> Finding:
    names = [each.variable for each in others if each.variable is not None]
    return replace(first, message=say_same_holds(first.message, names))
