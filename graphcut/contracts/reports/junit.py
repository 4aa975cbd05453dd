"""A report as JUnit XML: a test case for each contract."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from graphcut.contracts.definition import CheckReport, ContractResult, Severity, Status
from graphcut.contracts.reports.check_text import finding_text
from graphcut.contracts.reports.finding_groups import merge_alike


def to_junit(report: CheckReport) -> str:
    """Return the report as JUnit XML. A broken contract of severity ``warning`` passes, with its findings as output.

    Notes are output, too.
    """
    failures = sum(_is_failure(each) for each in report.contracts)
    errors = sum(each.status is Status.INVALID for each in report.contracts)
    counts = {"tests": str(len(report.contracts)), "failures": str(failures), "errors": str(errors)}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "graphcut", **counts})
    for each in report.contracts:
        _add_case(suite, each, report.path)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _is_failure(result: ContractResult) -> bool:
    return result.status is Status.BROKEN and result.severity is Severity.ERROR


def _add_case(suite: ElementTree.Element, result: ContractResult, path: str) -> None:
    place = {"classname": path, "name": _printable(result.name), "file": path, "line": str(result.line)}
    case = ElementTree.SubElement(suite, "testcase", place)
    if result.status is not Status.KEPT:
        _add_findings(case, result)
    if result.notes:
        output = next(iter(case.findall("system-out")), None)
        output = ElementTree.SubElement(case, "system-out") if output is None else output
        notes = _printable("\n".join("note: %s" % each for each in result.notes))
        output.text = "\n".join(filter(None, [output.text, notes]))


def _add_findings(case: ElementTree.Element, result: ContractResult) -> None:
    tag = "error" if result.status is Status.INVALID else "failure" if _is_failure(result) else "system-out"
    message = _printable("\n".join(map(finding_text, merge_alike(result.findings))))
    first = message.splitlines()[0] if message else result.status.value
    element = ElementTree.SubElement(case, tag, {} if tag == "system-out" else {"message": first, "type": result.status.value})
    element.text = message


def _printable(text: str) -> str:
    """Return a text without control characters other than tab and line feeds, which XML 1.0 forbids."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
