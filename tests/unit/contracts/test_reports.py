"""Reports of contracts, each read by a parser of its format."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

import graphcut
from graphcut.contracts.definition import CheckReport, ContractResult, Finding, Severity, Status
from graphcut.contracts.reports import FORMATS
from graphcut.results import Barrier, BarrierKind

DOCUMENT = Path(__file__).parents[3] / "fixtures" / "documents" / "003.meta"
HOSTILE = 'a|b`<script>\x1b[31m"&,:%\n'
STOP = Barrier("stop", "StopGradient", 0, BarrierKind.STOP_GRADIENT, True, False, "model.py:7")
BLOCKED = Finding("w", "must_reach", "none", "w gets no gradient\nsecond line", "model.py:7", (), (STOP,))
REACHED = Finding(
    "v", "must_not_reach", "flows", "v gets a gradient", None, ("loss", "mul", "v"), (), ("model.py:9", None, None)
)
MISTAKE = Finding(None, "source", None, "no file 'x.py'", "graphcut.toml:20")


def result(name, status, *findings, severity=Severity.ERROR, line=3):
    return ContractResult(name, status, severity, line, tuple(findings))


REPORT = CheckReport(
    "graphcut.toml",
    (
        result("kept", Status.KEPT),
        result("broken " + HOSTILE, Status.BROKEN, BLOCKED, REACHED, line=9),
        result("soft", Status.BROKEN, REACHED, severity=Severity.WARNING),
        result("odd", Status.INVALID, MISTAKE, line=20),
    ),
)


@pytest.mark.parametrize(
    "statuses, severity, code",
    [
        ([Status.KEPT], Severity.ERROR, 0),
        ([Status.KEPT, Status.BROKEN], Severity.ERROR, 1),
        ([Status.BROKEN], Severity.WARNING, 0),
        ([Status.BROKEN, Status.INVALID], Severity.ERROR, 2),
        ([Status.INVALID], Severity.WARNING, 2),
    ],
)
def test_the_exit_code(statuses, severity, code):
    assert CheckReport("f", tuple(result("a", status, severity=severity) for status in statuses)).exit_code == code


def test_text_counts_and_explains():
    text = FORMATS["text"](REPORT)
    assert "4 contracts: 1 kept, 2 broken, 1 invalid" in text and "second line" in text
    assert "broken: soft (warning)" in text and "cannot be judged (graphcut.toml:20)" in text


def test_text_shows_no_control_character():
    finding = Finding("w\x1b[2J", "must_reach", None, "no variable", "model.py:7")
    result = ContractResult("a\x1b[31m\nkept: b", Status.BROKEN, Severity.ERROR, 1, (finding,))
    text = FORMATS["text"](CheckReport("graphcut.toml", (result,)))
    assert "\x1b" not in text and "\nkept: b" not in text


def test_places_are_relative_to_the_project():
    finding = Finding("w", "must_reach", "none", "no gradient", str(Path.cwd() / "model.py") + ":7")
    report = CheckReport("graphcut.toml", (ContractResult("a", Status.BROKEN, Severity.ERROR, 1, (finding,)),))
    for form in ("text", "markdown", "github", "sarif"):
        assert "model.py" in FORMATS[form](report) and str(Path.cwd()) not in FORMATS[form](report)


def test_variables_with_the_same_finding_share_an_entry():
    advice = "\nTo block all 2 at model.py:7: y = tf.stop_gradient(x)"
    findings = [Finding(n, "only", "flows", f"{n} [3] gets a gradient.{advice}", "model.py:7") for n in ("a/w", "a/w_1")]
    other = Finding("b", "only", "flows", "b gets a gradient.", "model.py:7")
    report = CheckReport("f", (result("all", Status.BROKEN, *findings, other),))
    for form in ("text", "markdown", "github", "junit"):
        text = FORMATS[form](report)
        assert text.count("To block all 2") == 1 and "The same holds for a/w_1." in text and "b gets" in text
    assert len(json.loads(FORMATS["sarif"](report))["runs"][0]["results"]) == 3


CAUSE = "%s [3] gets no gradient.\nIt is cut by stop, model.py:7.\n    y = tf.stop_gradient(x)\nWhat to do: nothing."


def test_a_cause_of_several_contracts_is_explained_once():
    first = Finding("a", "must_reach", "none", CAUSE % "a", "model.py:7")
    again = Finding("b", "updated", "none", "it is updated without a gradient\n" + CAUSE % "b", "f:9")
    other = Finding("a", "only", "none", CAUSE % "a" + "\nTo block it: z = 1", "model.py:7")
    report = CheckReport("f", tuple(result(n, Status.BROKEN, each) for n, each in zip("xyz", (first, again, other))))
    for form in ("text", "markdown", "github"):
        text = FORMATS[form](report).replace("%0A", "\n")
        assert text.count("y = tf.stop_gradient(x)") == 1 and text.count("What to do: nothing.") == 1
        assert text.count("see a in the contract 'x'") == 2 and "To block it: z = 1" in text
        assert "it is updated without a gradient" in text and "b [3] gets no gradient." in text
    for form in ("junit", "json"):
        assert FORMATS[form](report).count("y = tf.stop_gradient(x)") == 3


def test_causes_that_differ_are_explained_each():
    messages = [CAUSE % "a", CAUSE.replace("model.py:7", "model.py:8") % "a", "a is short\nWhat to do: nothing."]
    findings = [Finding("a", "must_reach", "none", each) for each in [*messages, messages[-1]]]
    report = CheckReport("f", tuple(result(str(at), Status.BROKEN, each) for at, each in enumerate(findings)))
    assert "see a in" not in FORMATS["text"](report)


def test_sarif_has_no_white_space():
    text = FORMATS["sarif"](REPORT)
    assert text == json.dumps(json.loads(text), separators=(",", ":"))


def test_json_has_exactly_the_documented_keys():
    document = json.loads(FORMATS["json"](REPORT))
    assert document["schema_version"] == 1
    assert [each["status"] for each in document["contracts"]] == ["kept", "broken", "broken", "invalid"]
    finding = document["contracts"][1]["findings"][0]
    assert set(finding) == {"variable", "rule", "verdict", "message", "where", "path", "cut"}
    assert finding["cut"][0]["kind"] == "stop-gradient" and document["contracts"][1]["findings"][1]["path"] == [
        "loss",
        "mul",
        "v",
    ]


# The official schema, as it ships with Microsoft's SARIF multitool 5.7.0 (npm: @microsoft/sarif-multitool-linux, MIT).
SCHEMAS = {
    "sarif": Path(__file__).with_name("sarif-2.1.0.json"),
    "json": Path(__file__).parents[3] / "docs" / "schemas" / "check.schema.json",
}


@pytest.mark.parametrize("form", sorted(SCHEMAS))
def test_the_published_schema_accepts_the_report(form):
    schema = json.loads(SCHEMAS[form].read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    document = json.loads(FORMATS[form](REPORT))
    assert [error.message for error in validator.iter_errors(document)] == []
    damaged = json.loads(FORMATS[form](REPORT).replace('"error"', '"eror"'))
    assert list(validator.iter_errors(damaged))


def test_sarif_leads_from_the_loss_over_the_barrier_to_the_variable():
    log = json.loads(FORMATS["sarif"](REPORT))
    (run,) = log["runs"]
    first = run["results"][0]
    flow = first["codeFlows"][0]["threadFlows"][0]["locations"]
    names = [each["location"]["logicalLocations"][0]["fullyQualifiedName"] for each in flow]
    assert log["version"] == "2.1.0" and names == ["loss", "stop", "w"]
    assert first["locations"][0]["physicalLocation"]["region"]["startLine"] == 7
    assert [each["level"] for each in run["results"]] == ["error", "error", "warning", "error"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])


def test_junit_counts_failures_and_errors():
    root = ElementTree.fromstring(FORMATS["junit"](REPORT).encode("utf-8"))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("4", "1", "1")
    assert [[each.tag for each in case] for case in root.iter("testcase")] == [[], ["failure"], ["system-out"], ["error"]]


def test_annotations_are_one_line_each_and_escaped():
    lines = FORMATS["github"](REPORT).split("\n")
    assert len(lines) == 4 and lines[0].startswith("::error file=model.py,line=7,title=graphcut%3A broken a|b")
    assert "%0Asecond line" in lines[0] and "%25%0A" in lines[0] and lines[2].startswith("::warning ")


def test_markdown_lets_no_name_be_markup():
    text = FORMATS["markdown"](REPORT)
    assert "<script>" not in text and r"a\|b\`\<script\>" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 6 and {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_markdown_shows_the_picture_of_the_audit_that_the_finding_is_about():
    kept = graphcut.audit(DOCUMENT)
    broken = kept.what_if(remove="hidden")
    finding = Finding("w1", "must_not_reach", "flows", "w1 gets a gradient")
    result = ContractResult("a", Status.BROKEN, Severity.ERROR, 1, (finding,), audits=(kept, broken))
    text = FORMATS["markdown"](CheckReport("graphcut.toml", (result,)))
    assert text.count("```mermaid") == 1 and "1 of 2 variables breaks the contract: w1" in text
    assert "flows, must get none" in text


NOTED = CheckReport(
    "graphcut.toml",
    (ContractResult("a,b", Status.KEPT, Severity.ERROR, 3, notes=("avoiding: 'x' names no op",)), result("c", Status.KEPT)),
)


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_every_format_has_the_notes(form):
    text = FORMATS[form](NOTED)
    assert text.count("names no op") == 1
    if form == "github":
        assert text == "::notice file=graphcut.toml,line=3,title=graphcut%3A a%2Cb%3A note::avoiding: 'x' names no op"


def test_notes_are_no_results_of_sarif():
    schema = json.loads(SCHEMAS["sarif"].read_text(encoding="utf-8"))
    document = json.loads(FORMATS["sarif"](NOTED))
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)] == []
    (run,) = document["runs"]
    (invocation,) = run["invocations"]
    assert run["results"] == [] and invocation["executionSuccessful"] is True
    assert [each["level"] for each in invocation["toolExecutionNotifications"]] == ["note"]


def test_junit_adds_notes_to_the_output_of_a_warning():
    soft = ContractResult("soft", Status.BROKEN, Severity.WARNING, 1, (BLOCKED,), notes=("remark",))
    root = ElementTree.fromstring(FORMATS["junit"](CheckReport("f", (soft,))).encode("utf-8"))
    ((output,),) = root.iter("testcase")
    assert output.tag == "system-out" and "second line\nnote: remark" in output.text


def test_rules_that_find_the_same_share_an_entry_and_are_counted():
    findings = [
        Finding(name, rule, "flows", "%s gets a gradient." % name, "model.py:7")
        for rule, names in (("must_not_reach", ["w1", "w2"]), ("only", ["w1", "w2", "w3"]))
        for name in names
    ]
    report = CheckReport("f", (result("all", Status.BROKEN, *findings),))
    text = FORMATS["text"](report)
    assert text.count("gets a gradient") == 2 and "must_not_reach, only w1 (model.py:7)" in text and "  only w3" in text
    assert "| all | ❌ broken | 5 in 2 groups |" in FORMATS["markdown"](report)
    assert len(json.loads(FORMATS["json"](report))["contracts"][0]["findings"]) == 5
