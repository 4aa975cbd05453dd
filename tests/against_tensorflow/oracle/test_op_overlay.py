"""Record the gradients that a package registers, and judge files that use its ops by them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import graphcut
from graphcut import GraphcutError, Verdict
from graphcut.cli import main
from graphcut.graph.messages import CLASSES
from tests.entries import attribute
from tests.repository.measure import ROOT

pytestmark = pytest.mark.xdist_group("a package's ops")
# TensorFlow registers no gradient for AdjustHue; this package does.
PACKAGE = """
import tensorflow as tf

__version__ = "1.5"

@tf.RegisterGradient("AdjustHue")
def gradient(op, grad):
    return tf.exp(grad), None
"""
FLOAT, SCALAR = {"type": 1}, {"shape": CLASSES["Shape"]()}


def node(name, op, *inputs, **attrs):
    return CLASSES["Node"](name=name, op=op, input=inputs, attr=[attribute(key, value) for key, value in attrs.items()])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file that uses the op, and the overlay of the package, made in a process of its own: here nothing is registered."""
    place = tmp_path_factory.mktemp("package")
    variables = [node(name, "VariableV2", dtype=FLOAT, shape=SCALAR) for name in ("w", "v")]
    graph = CLASSES["Graph"](node=[*variables, node("loss", "AdjustHue", "w", "v", T=FLOAT)])
    (place / "graph.pb").write_bytes(graph.SerializeToString())
    (place / "hues.py").write_text(PACKAGE)
    command = [sys.executable, "-W", "ignore", "-m", "graphcut", "ops", "--record", "hues"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=str(place), env=environment, stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode() == "hues.ops.json: 1 op types of hues 1.5\n"
    return place


def test_a_file_is_judged_by_what_the_package_registers(folder):
    path = str(folder / "graph.pb")
    without = graphcut.audit(path, loss="loss", oracle="2.15")
    audit = graphcut.audit(path, loss="loss", oracle="2.15", ops=str(folder / "hues.ops.json"))
    assert [each.verdict for each in without] == [Verdict.RAISES, Verdict.RAISES]
    assert [each.verdict for each in audit] == [Verdict.FLOWS, Verdict.NONE]
    assert audit.oracle == "TensorFlow 2.15 (gradient table and hues 1.5)"


def test_the_command_line_reads_it(folder, capfd):
    assert main(["audit", str(folder / "graph.pb"), "--loss", "loss", "--ops", str(folder / "hues.ops.json")]) == 0
    assert "and hues 1.5, assumed: the file names no version)" in capfd.readouterr().out


def test_the_installed_tensorflow_takes_none(folder):
    with pytest.raises(GraphcutError, match="Leave it out and import the package"):
        graphcut.audit(str(folder / "graph.pb"), loss="loss", oracle="installed", ops=[str(folder / "hues.ops.json")])


@pytest.mark.parametrize("change", [{"overlay": 2}, {"ops": {"A": {"gradient": "function"}}}, {"ops": []}])
def test_what_is_no_overlay_is_an_error(change, folder, tmp_path):
    values = json.loads((folder / "hues.ops.json").read_text())
    (tmp_path / "other.json").write_text(json.dumps({**values, **change}))
    with pytest.raises(GraphcutError, match="holds no ops of a package"):
        graphcut.audit(str(folder / "graph.pb"), loss="loss", ops=str(tmp_path / "other.json"))


def test_a_package_that_is_not_there_is_an_error(capfd):
    assert main(["ops", "--record", "no_such_package"]) == 2
    assert "no package 'no_such_package' to import" in capfd.readouterr().err


def test_contracts_about_files_are_checked_with_it(folder):
    contract = '[[contract]]\nname = "w learns"\nsource = "graph.pb"\nloss = "loss"\nonly = "w"\n'
    (folder / "graphcut.toml").write_text(contract, encoding="utf-8")
    config, ops = str(folder / "graphcut.toml"), str(folder / "hues.ops.json")
    assert main(["check", "--config", config]) == 1
    assert main(["check", "--config", config, "--ops", ops]) == 0
    assert graphcut.check(config, ops=[ops]).exit_code == 0
