"""The picture of a broken contract marks the variables that break it."""

from __future__ import annotations

from pathlib import Path

import pytest

import graphcut
from graphcut.contracts.broken_picture import draw_broken
from graphcut.contracts.definition import ContractResult, Finding, Severity, Status

DOCUMENT = Path(__file__).parents[3] / "fixtures" / "documents" / "003.meta"


@pytest.fixture(scope="module")
def audit():
    return graphcut.audit(DOCUMENT)


def drawn(audit, folder, *findings):
    result = ContractResult("a", Status.BROKEN, Severity.ERROR, 1, findings)
    draw_broken(result, audit, folder / "cut.dot")
    return (folder / "cut.dot").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "rule, variable, verdict, demand",
    [
        ("must_reach", "w1", "none", "none, must get one"),
        ("must_not_reach", "w2", "flows", "flows, must get none"),
        ("only", "w1", "none", "none, must get one"),
        ("only", "w2", "flows", "flows, must get none"),
        ("through", "w2", "flows", "flows, must take another path"),
        ("updated", "w2", "flows", "flows, must be updated"),
    ],
)
def test_the_demand_is_in_the_box_and_the_title(audit, tmp_path, rule, variable, verdict, demand):
    text = drawn(audit, tmp_path, Finding(variable, rule, verdict, "message"))
    assert demand in text and f"1 of 2 variables breaks the contract: {variable}" in text and "breaks the contract (1)" in text


def test_a_finding_about_no_variable_changes_nothing(audit, tmp_path):
    audit.draw(tmp_path / "plain.dot")
    expected = (tmp_path / "plain.dot").read_text(encoding="utf-8")
    assert drawn(audit, tmp_path, Finding(None, "stops", None, "no stop")) == expected
