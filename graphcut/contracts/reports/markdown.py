"""A report as Markdown for a pull-request comment, with the picture of each broken contract as a Mermaid diagram."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Iterator, List, Sequence

from graphcut.api.audit import Audit
from graphcut.contracts.broken_picture import draw_broken
from graphcut.contracts.definition import CheckReport, ContractResult, Finding, Severity, Status
from graphcut.contracts.places import split_place
from graphcut.contracts.reports.check_text import summary
from graphcut.contracts.reports.finding_groups import count_findings, findings_of_report

_MARKS = {Status.KEPT: "✅ kept", Status.BROKEN: "❌ broken", Status.INVALID: "⚠️ invalid"}
_LARGEST_PICTURE = 40_000  # characters; GitHub renders Mermaid text up to 50,000


def to_markdown(report: CheckReport) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    lines = ["### graphcut: %s" % summary(report), "", "| contract | status | findings |", "|---|---|---|"]
    lines += [
        "| %s | %s | %s |" % (_cell(each.name), _status(each), count_findings(each.findings)) for each in report.contracts
    ]
    notes = ["- note: %s: %s" % (_cell(each.name), _cell(note)) for each in report.contracts for note in each.notes]
    lines += ["", *notes] if notes else []
    for result, findings in findings_of_report(report):
        if result.status is not Status.KEPT:
            lines += ["", *_details(result, findings)]
    return "\n".join(lines)


def _status(result: ContractResult) -> str:
    if result.status is Status.BROKEN and result.severity is Severity.WARNING:
        return "⚠️ broken (warning)"
    return _MARKS[result.status]


def _details(result: ContractResult, findings: Sequence[Finding]) -> Iterator[str]:
    yield "#### %s" % _cell(result.name)
    for finding in findings:
        yield ""
        yield from _finding(finding)
    yield from _picture(result)


def _finding(finding: Finding) -> List[str]:
    about = " `%s`" % finding.variable.replace("`", "'") if finding.variable else ""
    at = split_place(finding.where)
    place = " (%s:%d)" % (_cell(at[0]), at[1]) if at else ""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", finding.message)), default=0))
    return ["**%s**%s%s" % (finding.rule, about, place), "", fence + "text", finding.message, fence]


def _picture(result: ContractResult) -> Iterator[str]:
    texts = (_mermaid(result, audit) for audit in _audits_of_findings(result))
    text = next((text for text in texts if len(text) <= _LARGEST_PICTURE), "")
    if text:
        yield from ("", "<details><summary>Picture</summary>", "", "```mermaid", text.rstrip("\n"), "```", "", "</details>")


def _audits_of_findings(result: ContractResult) -> List[Audit]:
    """Return the audits of the contract; those with variables that have findings come first."""
    findings = {(each.variable, each.verdict) for each in result.findings}

    def is_about(audit: Audit) -> bool:
        return any((each.name, each.verdict.value) in findings for each in audit)

    return sorted(result.audits, key=is_about, reverse=True)


def _mermaid(result: ContractResult, audit: Audit) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cut.mmd"
        draw_broken(result, audit, path)
        return path.read_text(encoding="utf-8")


def _cell(text: str) -> str:
    """Return a text with all markup escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|~!])", r"\\\1", " ".join(text.split()))
