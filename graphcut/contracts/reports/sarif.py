"""A report as SARIF 2.1.0 (OASIS, 2020), which code scanning shows.

The code flow of a result leads from the loss over the barriers or the path to the variable.
"""

from __future__ import annotations

import json
import os
from pathlib import PurePath
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import quote

from graphcut.contracts.definition import CheckReport, ContractResult, Finding, Severity, Status
from graphcut.contracts.places import split_place
from graphcut.util.version import VERSION

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULES: Mapping[str, str] = {
    "must_reach": "These variables must receive a gradient.",
    "must_not_reach": "These variables must receive no gradient.",
    "only": "Exactly these variables receive a gradient.",
    "through": "The gradient must pass one of these places.",
    "avoiding": "The gradient must pass none of these places.",
    "no_unused": "Every trainable variable must be used by the loss.",
    "stops": "These stop_gradient calls must be in effect.",
    "updated": "The step must update these variables with a gradient.",
    "allow": "Every exception must still be needed.",
    "invalid": "The contract must be valid, and its source must be auditable.",
}


def to_sarif(report: CheckReport) -> str:
    """Return the report as a SARIF log with one run, without white space: services limit its size."""
    rules = [{"id": _rule_id(key), "shortDescription": {"text": text}} for key, text in RULES.items()]
    driver = {"name": "graphcut", "version": VERSION, "rules": rules}
    results = [_result(report, contract, finding) for contract in report.contracts for finding in contract.findings]
    run: Dict[str, Any] = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    notifications = [each for contract in report.contracts for each in _notifications(report, contract)]
    if notifications:
        is_judged = all(each.status is not Status.INVALID for each in report.contracts)
        invocation = {
            "executionSuccessful": is_judged,
            "exitCode": report.exit_code,
            "toolExecutionNotifications": notifications,
        }
        run["invocations"] = [invocation]
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, separators=(",", ":"))


def _notifications(report: CheckReport, contract: ContractResult) -> Iterator[Dict[str, Any]]:
    """Yield the notes of a contract, and why it could not be judged."""
    place = (report.path.replace(os.sep, "/"), contract.line)
    said = [("note", each) for each in contract.notes]
    if contract.status is Status.INVALID:
        said += [("error", each.message) for each in contract.findings]
    for level, message in said:
        text = {"text": "%s: %s" % (contract.name, message)}
        yield {"level": level, "message": text, "locations": [_location(place, None)]}


def _rule_id(key: str) -> str:
    return "graphcut/%s" % key.replace("_", "-")


def _result(report: CheckReport, contract: ContractResult, finding: Finding) -> Dict[str, Any]:
    invalid = contract.status is Status.INVALID
    key = "invalid" if invalid else finding.rule
    level = "warning" if contract.severity is Severity.WARNING and not invalid else "error"
    place = split_place(finding.where) or (report.path.replace(os.sep, "/"), contract.line)
    result: Dict[str, Any] = {
        "ruleId": _rule_id(key),
        "ruleIndex": list(RULES).index(key),
        "level": level,
        "message": {"text": "%s: %s" % (contract.name, finding.message)},
        "locations": [_location(place, finding.variable)],
        "partialFingerprints": {"contractRuleVariable/v1": "/".join((contract.name, key, finding.variable or ""))},
    }
    flow = list(_flow(finding))
    if len(flow) > 1:
        result["codeFlows"] = [{"threadFlows": [{"locations": [{"location": each} for each in flow]}]}]
    return result


def _flow(finding: Finding) -> Iterator[Dict[str, Any]]:
    """Yield the steps from the loss over the path, or over the barriers, to the variable."""
    if finding.path:
        places: List[Optional[str]] = list(finding.places) or [None] * len(finding.path)
        for place, (op, where) in enumerate(zip(finding.path, places)):
            yield _location(split_place(where), op, "the loss" if place == 0 else "the gradient passes %s" % op)
    elif finding.cut:
        yield _location(None, "loss", "the loss")
        for barrier in finding.cut:
            message = "%s blocks the gradient: %s" % (barrier.op, barrier.kind.value)
            yield _location(split_place(barrier.where), barrier.op, message)
    if finding.variable:
        yield _location(None, finding.variable, "the variable %s" % finding.variable)


def _location(place: Optional[Tuple[str, int]], logical: Optional[str], message: str = "") -> Dict[str, Any]:
    location: Dict[str, Any] = {}
    if place is not None:
        file, line = place
        uri = PurePath(file).as_uri() if os.path.isabs(file) else quote(file)
        location["physicalLocation"] = {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}
    if logical:
        location["logicalLocations"] = [{"fullyQualifiedName": logical}]
    if message:
        location["message"] = {"text": message}
    return location
