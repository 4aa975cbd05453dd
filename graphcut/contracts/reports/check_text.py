"""A report as plain text: a line for each contract, the findings of those that do not hold, a summary."""

from __future__ import annotations

from textwrap import indent
from typing import Iterator, Sequence

from graphcut.contracts.definition import CheckReport, ContractResult, Finding, Severity, Status
from graphcut.contracts.places import split_place
from graphcut.contracts.reports.finding_groups import findings_of_report
from graphcut.errors import printable


def to_text(report: CheckReport) -> str:
    """Return the report as text."""
    lines = [line for result, findings in findings_of_report(report) for line in _lines(result, findings)]
    return "\n".join([*lines, "", summary(report)])


def summary(report: CheckReport) -> str:
    """Return one line that counts the contracts: ``2 kept, 1 broken``."""
    counts = [(status.value, sum(each.status is status for each in report.contracts)) for status in Status]
    message = ", ".join("%d %s" % (count, word) for word, count in counts if count)
    return "%s: %s" % (_count(len(report.contracts)), message)


def _count(number: int) -> str:
    return "%d contract%s" % (number, "" if number == 1 else "s")


def _lines(result: ContractResult, findings: Sequence[Finding]) -> Iterator[str]:
    warned = " (warning)" if result.severity is Severity.WARNING and result.status is Status.BROKEN else ""
    yield "%s: %s%s" % (result.status.value, printable(result.name, 400)[1:-1], warned)
    for finding in findings:
        yield indent(finding_text(finding), "  ")
    for note in result.notes:
        yield "  note: %s" % note


def finding_text(finding: Finding) -> str:
    """Return the rule, followed by the message on the next lines."""
    head = finding.rule if finding.rule != "source" else "cannot be judged"
    about = " %s" % printable(finding.variable, 400)[1:-1] if finding.variable else ""
    at = split_place(finding.where)
    place = " (%s:%d)" % at if at else ""
    return "%s%s%s\n%s" % (head, about, place, indent(finding.message, "  "))
