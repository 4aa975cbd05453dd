"""Contracts checked against real sources, from Python, the command line and pytest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

import graphcut
from graphcut.contracts.definition import Status

ROOT = Path(__file__).parents[3]
AGENTS = """
import tensorflow as tf

COUNT = []
COUNT.append(1)
tf.compat.v1.enable_v2_behavior()
encoder = tf.Variable(tf.ones([4, 3]), name="encoder/w")
head = tf.Variable(tf.ones([3, 1]), name="head/w")
frozen = tf.Variable(1.0, name="frozen/w", trainable=False)
spare = tf.Variable(1.0, name="spare/w")


def stopped(x):
    return tf.reduce_mean(tf.matmul(tf.stop_gradient(tf.matmul(x, encoder)), head)) * frozen


def whole(x):
    return tf.reduce_mean(tf.matmul(tf.matmul(x, encoder), head))


def step(x):
    with tf.GradientTape(persistent=True) as tape:
        policy = whole(x)
        value = stopped(x)
    found = tape.gradient(policy, [encoder, head])
    head.assign_sub(0.1 * found[1])
    tape.gradient(value, [encoder, head, spare])


def broken(x):
    raise ValueError("no data")
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project whose module is imported by other processes."""
    (tmp_path / "agents.py").write_text(AGENTS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("agents", None)


@pytest.fixture
def project(folder):
    """A project whose module this process imports."""
    if not tf.executing_eagerly():
        pytest.skip("TensorFlow 1 executes eagerly only if its program says so at the start")
    return folder


def checked(project, lines, source="agents.py:stopped"):
    """The result of one contract about ``source`` with these lines."""
    head = '[[contract]]\nname = "it"\nsource = "%s"\nspec = ["float32[?,4]"]\n' % source
    (project / "graphcut.toml").write_text(head + lines + "\n", encoding="utf-8")
    (result,) = graphcut.check().contracts
    return result


@pytest.mark.parametrize(
    "source, lines",
    [
        ("stopped", 'must_reach = ["head/*"]\nmust_not_reach = ["encoder/*"]\nstops = ["*StopGradient*"]\nonly = ["head/w"]'),
        ("stopped", 'must_not_reach = ["encoder"]'),
        ("stopped", 'must_reach = ["frozen/*"]'),
        ("whole", 'must_reach = ["encoder/*"]\navoiding = ["*StopGradient*"]'),
        ("whole", 'must_reach = ["encoder/w", "head/w"]\nno_unused = true'),
        ("whole", 'must_not_reach = ["encoder/w"]\nallow = [{ variable = "encoder/*", reason = "until May" }]'),
        ("step", 'gradient = 1\nonly = ["head/w"]'),
        ("step", 'gradient = "value"\nmust_not_reach = ["encoder/*"]'),
        ("step", 'must_reach = ["encoder/*"]'),
        ("step", 'gradient = 0\nupdated = ["head/w"]'),
    ],
)
def test_what_is_true_is_kept(project, source, lines):
    result = checked(project, lines, "agents.py:" + source)
    assert (result.status, result.findings) == (Status.KEPT, ())


@pytest.mark.parametrize(
    "source, lines, found",
    [
        ("stopped", 'must_reach = ["encoder/*"]', [("must_reach", "encoder/w", "none")]),
        ("stopped", 'must_reach = ["encodr"]', [("must_reach", "encodr", None)]),
        ("whole", 'must_not_reach = ["encoder/*"]', [("must_not_reach", "encoder/w", "flows")]),
        ("whole", 'only = ["head/w"]', [("only", "encoder/w", "flows")]),
        ("stopped", 'only = ["*/w"]', [("only", "encoder/w", "none")]),
        ("whole", 'must_reach = ["encoder/w"]\nthrough = ["*StopGradient*"]', [("through", "encoder/w", "flows")]),
        ("whole", 'stops = ["*StopGradient*"]', [("stops", None, None)]),
        ("stopped", 'must_reach = ["head/w"]\nallow = [{ variable = "head/w", reason = "?" }]', [("allow", "head/w", None)]),
        ("step", "gradient = 1\nno_unused = true", [("no_unused", "spare/w", "none")]),
        ("step", 'gradient = 0\nupdated = ["encoder/w"]', [("updated", "encoder/w", "flows")]),
        ("step", 'gradient = 1\nmust_not_reach = ["head/w"]', [("must_not_reach", "head/w", "flows")]),
    ],
)
def test_what_is_false_is_broken(project, source, lines, found):
    result = checked(project, lines, "agents.py:" + source)
    assert result.status is Status.BROKEN
    assert [(each.rule, each.variable, each.verdict) for each in result.findings] == found


def test_a_broken_contract_shows_the_cut_and_its_line(project):
    (finding,) = checked(project, 'must_reach = ["encoder/*"]').findings
    assert "stop-gradient" in finding.message and "tf.stop_gradient(tf.matmul(x, encoder))" in finding.message
    assert finding.where.endswith("agents.py:14") and finding.cut[0].kind is graphcut.BarrierKind.STOP_GRADIENT


def test_a_path_that_should_not_be_is_shown(project):
    (finding,) = checked(project, 'must_not_reach = ["encoder/*"]', "agents.py:whole").findings
    assert len(finding.path) > 2 and len(finding.places) == len(finding.path)


@pytest.mark.parametrize(
    "source, message",
    [
        ("agents.py:stoped", "did you mean 'stopped'"),
        ("missing.py:loss", "no file"),
        ("agents.py:broken", "no data"),
    ],
)
def test_a_source_that_fails_is_invalid(project, source, message):
    result = checked(project, 'must_reach = ["w"]', source)
    assert result.status is Status.INVALID and message in result.findings[0].message


def test_a_gradient_that_is_not_there_is_invalid(project):
    result = checked(project, 'must_reach = ["w"]\ngradient = "polcy"', "agents.py:step")
    assert result.status is Status.INVALID and "did you mean 'policy'" in result.findings[0].message


def test_a_module_is_executed_once(project):
    text = "\n".join(
        '[[contract]]\nname = "%d"\nsource = "agents.py:%s"\nspec = ["float32[?,4]"]\nmust_reach = ["head/*"]' % pair
        for pair in enumerate(["stopped", "whole", "step", "stopped"])
    )
    (project / "graphcut.toml").write_text(text, encoding="utf-8")
    report = graphcut.check()
    assert report.exit_code == 0 and sys.modules["agents"].COUNT == [1]


# The plugin of this checkout, also where another graphcut is installed and brings its own.
PLUGIN = ("-p", "no:graphcut", "-p", "graphcut.pytest_plugin")


def run(project, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=str(project), env=environment, stdout=-1, stderr=-1)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


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


def test_the_command_line_and_pytest_say_the_same(folder):
    (folder / "graphcut.toml").write_text(CONTRACTS, encoding="utf-8")
    code, out, err = run(folder, "graphcut", "check", "--format", "json")
    assert (code, err) == (1, "")
    assert [each["status"] for each in json.loads(out)["contracts"]] == ["kept", "broken"]
    code, out, _ = run(folder, "pytest", "-q", *PLUGIN, "--graphcut", "--graphcut-dir", "pictures")
    assert code == 1 and "1 failed, 1 passed" in out and "stop-gradient at StopGradient" in out
    assert list((folder / "pictures").glob("the_encoder_learns-1.svg*"))


def test_a_snapshot_shows_what_changed_since(folder):
    (folder / "graphcut.toml").write_text(CONTRACTS, encoding="utf-8")
    assert run(folder, "graphcut", "snapshot", "-o", "old.lock")[0] == 0
    text = (folder / "agents.py").read_text(encoding="utf-8")
    stop = "tf.stop_gradient(tf.matmul(x, encoder))"
    (folder / "agents.py").write_text(text.replace(stop, "tf.matmul(x, encoder)"), encoding="utf-8")
    assert run(folder, "graphcut", "snapshot", "-o", "new.lock")[0] == 0
    code, out, err = run(folder, "graphcut", "diff", "old.lock", "new.lock")
    assert (code, err) == (1, "") and "gained  encoder/w: none → flows through StopGradient" in out
    assert run(folder, "graphcut", "diff", "new.lock", "new.lock")[0] == 0


def test_init_writes_contracts_that_hold(project):
    code, _, err = run(project, "graphcut", "init", "agents.py:stopped", "agents.py:step", "--spec", "float32[?,4]")
    assert code == 0, err
    assert graphcut.check().exit_code == 0
    assert run(project, "graphcut", "init", "agents.py:stopped", "--spec", "float32[?,4]")[0] == 2
