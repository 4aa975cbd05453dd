"""Reports on checked contracts, for people and for machines: one module for each format."""

from __future__ import annotations

from typing import Callable, Mapping

from graphcut.contracts.definition import CheckReport
from graphcut.contracts.reports import check_json, check_text, github_annotations, junit, markdown, sarif

FORMATS: Mapping[str, Callable[[CheckReport], str]] = {
    "text": check_text.to_text,
    "json": check_json.to_json,
    "sarif": sarif.to_sarif,
    "junit": junit.to_junit,
    "github": github_annotations.to_annotations,
    "markdown": markdown.to_markdown,
}
