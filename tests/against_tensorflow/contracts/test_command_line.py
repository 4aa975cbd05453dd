"""Contracts on the command line and in pytest: one process runs all commands, one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.against_tensorflow.contracts.project import AGENTS

pytestmark = pytest.mark.xdist_group("contracts")
ROOT = Path(__file__).parents[3]
CONTRACTS = """
[defaults]
spec = ["float32[?,4]"]

[[contract]]
name = "the encoder stays frozen"
source = "agents.py:stopped"
must_not_reach = ["encoder/*"]

[[contract]]
name = "the encoder learns"
source = "agents.py:stopped"
must_reach = ["encoder/*"]
"""
# The plugin of this checkout, also where another graphcut is installed and brings its own.
PLUGIN = ("-p", "no:graphcut", "-p", "graphcut.pytest_plugin")
INIT = ("init", "agents.py:stopped", "agents.py:step", "--spec", "float32[?,4]")
COMMANDS = {
    "check": ("graphcut", "check", "--format", "json", "--report", "sarif=a.sarif", "--report", "markdown=a.md"),
    "pytest": ("pytest", "-q", "-p", "no:cacheprovider", *PLUGIN, "--graphcut", "--graphcut-dir", "pictures"),
    "snapshot": ("graphcut", "snapshot", "-o", "old.lock"),
    "edit": ("write", "agents.py", AGENTS.replace("tf.stop_gradient(tf.matmul(x, encoder))", "tf.matmul(x, encoder)")),
    "snapshot again": ("graphcut", "snapshot", "-o", "new.lock"),
    "diff": ("graphcut", "diff", "old.lock", "new.lock"),
    "diff of equals": ("graphcut", "diff", "new.lock", "new.lock"),
    "diff of a lock and a source": (
        *("graphcut", "diff", "old.lock", "agents.py:stopped", "--spec", "float32[?,4]", "--svg", "diff.dot"),
    ),
    "init over a file": ("graphcut", *INIT),
    "init": ("graphcut", *INIT, "-o", "first.toml"),
    "check of init": ("graphcut", "check", "--config", "first.toml"),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What each of the commands answers in a project, one after the other in one process; and the project's folder."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "agents.py").write_text(AGENTS, encoding="utf-8")
    (folder / "graphcut.toml").write_text(CONTRACTS, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(Path(__file__).with_name("run_commands.py"))]
    question = json.dumps(list(COMMANDS.values())).encode()
    done = subprocess.run(command, cwd=str(folder), env=environment, input=question, stdout=-1, stderr=-1)
    assert done.returncode == 0, done.stderr.decode()
    return dict(zip(COMMANDS, json.loads(done.stdout.decode())), folder=folder)


def test_the_command_line_answers_with_json_alone(answers):
    code, out, err = answers["check"]
    assert (code, err) == (1, "")
    assert [each["status"] for each in json.loads(out)["contracts"]] == ["kept", "broken"]


def test_one_run_writes_reports_in_several_formats(answers):
    (run,) = json.loads((answers["folder"] / "a.sarif").read_text(encoding="utf-8"))["runs"]
    assert [each["ruleId"] for each in run["results"]] == ["graphcut/must-reach"]
    comment = (answers["folder"] / "a.md").read_text(encoding="utf-8")
    assert "❌ broken" in comment and "none, must get one" in comment


def test_pytest_has_an_item_for_each_contract_and_draws_what_fails(answers):
    code, out, _ = answers["pytest"]
    assert code == 1 and "1 failed, 1 passed" in out and "stop-gradient at StopGradient" in out
    assert "FAILED graphcut.toml::the encoder learns" in out
    assert list((answers["folder"] / "pictures").glob("the_encoder_learns-1.svg*"))


def test_a_snapshot_shows_what_changed_since(answers):
    assert answers["snapshot"] == [0, "", "wrote old.lock\n"] and answers["snapshot again"] == [0, "", "wrote new.lock\n"]
    code, out, err = answers["diff"]
    assert (code, err) == (1, "") and "gained  encoder/w: none → flows, was cut by StopGradient" in out
    assert answers["diff of equals"][0] == 0


def test_a_source_is_drawn_with_what_changed_since_a_snapshot(answers):
    code, out, err = answers["diff of a lock and a source"]
    assert (code, out) == (1, "gained  encoder/w: none → flows, was cut by StopGradient\n")
    assert err == "wrote diff.dot\n"
    assert "was none, cut at StopGradient" in (answers["folder"] / "diff.dot").read_text(encoding="utf-8")


def test_init_writes_contracts_that_hold(answers):
    assert answers["init"][0] == 0, answers["init"]
    assert answers["check of init"][0] == 0, answers["check of init"]
    code, _, err = answers["init over a file"]
    assert code == 2 and "graphcut.toml" in err
