"""``graphcut explain`` and ``graphcut table`` on files, which need no TensorFlow."""

from __future__ import annotations

import json
import re

import pytest

from graphcut import audit
from graphcut.api.loss_table import table
from graphcut.cli import main
from graphcut.cli.commands import commands
from tests.repository.measure import ROOT

FILE = "fixtures/documents/003.meta"


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_explain_prints_what_python_does(capfd):
    assert main(["explain", FILE, "w1", "w2"]) == 0
    made = audit(FILE)
    assert capfd.readouterr() == (f"{made.explain('w1')}\n\n{made.explain('w2')}\n", "")


def test_explain_takes_patterns_and_the_options_of_audit(capfd):
    assert main(["explain", FILE, "w*", "--stop-gradients", "output"]) == 0
    out = capfd.readouterr().out
    assert "stop_gradients=" in out and "gets a gradient" not in out.replace("gets no gradient", "")


def test_explain_knows_what_no_gradient_was_asked_for(capfd):
    assert main(["explain", FILE, "w2", "--variables", "w1"]) == 0
    assert "w2 was forgotten" in capfd.readouterr().out


def test_explain_names_near_names_for_a_miss(capfd):
    assert main(["explain", FILE, "w1", "w22"]) == 2
    out, err = capfd.readouterr()
    assert out == "" and "w22" in err and "w2" in err.replace("w22", "")


def test_a_table_of_one_file(capfd):
    assert main(["table", FILE]) == 0
    assert capfd.readouterr() == (f"{table([audit(FILE)])}\n", "")


def test_each_loss_named_has_a_column(capfd):
    assert main(["table", FILE, "--loss", "loss", "--loss", "hidden", "--json", "-"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["losses"] == ["loss", "hidden"]


def test_several_files_have_a_column_each_by_their_names(capfd, tmp_path):
    assert main(["table", FILE, "fixtures/documents/003.pb", "--loss", "loss", "--html", str(tmp_path / "t.html")]) == 0
    assert FILE in capfd.readouterr().out.splitlines()[0]
    assert "003.pb" in (tmp_path / "t.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["explain", "table", "suggest"])
def test_the_examples_of_the_help_name_options_that_exist(name):
    command = commands.commands[name]
    known = {option for each in command.params for option in each.opts}
    examples = [line for line in command.help.splitlines() if line.strip().startswith(f"graphcut {name} ")]
    used = {option for line in examples for option in re.findall(r"--[a-z-]+", line)}
    assert examples and used <= known


@pytest.mark.parametrize("name", ["snapshot", "diff"])
def test_the_examples_of_a_diff_have_the_older_revision_first(name):
    lines = [line.split() for line in commands.commands[name].help.splitlines() if " graphcut diff " in line]
    compared = [line for line in lines if any(re.match(r"(HEAD|v1)[^:]*:", side) for side in line[2:4])]
    assert compared and all(re.match(r"(HEAD|v1)[^:]*:", line[2]) for line in compared)


def test_a_check_that_has_nothing_to_annotate_says_what_was_checked(capfd):
    assert main(["check", "--config", "fixtures/contracts/graphcut.toml", "--format", "github"]) == 0
    assert capfd.readouterr().out == "1 contract: 1 kept\n"
