"""A report as annotations that GitHub Actions shows beside the lines of a pull request."""

from __future__ import annotations

from typing import Iterator, Tuple

from graphcut.contracts.definition import CheckReport, ContractResult, Finding, Severity, Status
from graphcut.contracts.places import split_place
from graphcut.contracts.reports.finding_groups import findings_of_report


def to_annotations(report: CheckReport) -> str:
    """Return a workflow command (``::error file=model.py,line=3,title=…::…``) for each group of equal findings.

    A note is a ``::notice`` at the contract.
    """
    lines = [_annotation(report, result, finding) for result, finding in _findings(report)]
    lines += [_notice(report, result, note) for result in report.contracts for note in result.notes]
    return "\n".join(lines)


def _notice(report: CheckReport, result: ContractResult, note: str) -> str:
    file, line = split_place("%s:%d" % (report.path, result.line)) or (report.path, result.line)
    title = _escaped_property("graphcut: %s: note" % result.name)
    return "::notice file=%s,line=%d,title=%s::%s" % (_escaped_property(file), line, title, _escape(note))


def _findings(report: CheckReport) -> Iterator[Tuple[ContractResult, Finding]]:
    for result, findings in findings_of_report(report):
        yield from ((result, each) for each in findings)


def _annotation(report: CheckReport, result: ContractResult, finding: Finding) -> str:
    soft = result.severity is Severity.WARNING and result.status is Status.BROKEN
    file, line = split_place(finding.where) or (report.path, result.line)
    about = " %s" % finding.variable if finding.variable else ""
    title = "graphcut: %s: %s%s" % (result.name, finding.rule, about)
    properties = "file=%s,line=%d,title=%s" % (_escaped_property(file), line, _escaped_property(title))
    return "::%s %s::%s" % ("warning" if soft else "error", properties, _escape(finding.message))


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
