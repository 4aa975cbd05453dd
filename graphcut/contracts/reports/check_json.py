"""A report as JSON, as ``docs/schemas/check.schema.json`` describes it."""

from __future__ import annotations

import json
from typing import Any, Dict

from graphcut.contracts.definition import CheckReport, ContractResult, Finding
from graphcut.render.text.json_report import plain

SCHEMA_VERSION = 1


def to_json(report: CheckReport) -> str:
    """Return the report as indented ASCII text."""
    return json.dumps(to_dict(report), indent=2)


def to_dict(report: CheckReport) -> Dict[str, Any]:
    """Return the report as plain values."""
    return {"schema_version": SCHEMA_VERSION, "contracts": [_contract(each) for each in report.contracts]}


def _contract(result: ContractResult) -> Dict[str, Any]:
    return {
        "name": result.name,
        "status": result.status.value,
        "severity": result.severity.value,
        "line": result.line,
        "findings": [_finding(each) for each in result.findings],
        "notes": list(result.notes),
    }


def _finding(finding: Finding) -> Dict[str, Any]:
    return {
        "variable": finding.variable,
        "rule": finding.rule,
        "verdict": finding.verdict,
        "message": finding.message,
        "where": finding.where,
        "path": list(finding.path),
        "cut": [plain(each) for each in finding.cut],
    }
