"""``graphcut suggest``: diffs on standard output, a patch in a file, the source untouched."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys

import pytest

import graphcut
from graphcut.cli import main
from tests.patching import applied

ENDS = pytest.mark.skipif(sys.version_info < (3, 8), reason="the syntax tree has no ends before Python 3.8")
SOURCE = """
import tensorflow as tf


def build():
    with tf.Graph().as_default() as graph:
        w = tf.compat.v1.get_variable("w", [3])
        x = tf.round(w)
        tf.reduce_sum(x, name="loss")
    return graph
"""


@pytest.fixture
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(SOURCE, encoding="utf-8")
    return tmp_path


@ENDS
def test_a_patch_of_the_confirmed_edit_is_written(model, capsys):
    asked = ["suggest", "model.py:build", "--loss", "loss", "--unblock", "w", "--apply", "fix.patch"]
    assert main(asked) == 0
    shown = capsys.readouterr().out
    patch = (model / "fix.patch").read_text(encoding="utf-8")
    assert shown == patch and patch.startswith("--- a/model.py\n+++ b/model.py\n")
    assert "x = w + tf.stop_gradient(tf.round(w) - w)" in applied(SOURCE, patch.rstrip("\n"))
    assert (model / "model.py").read_text(encoding="utf-8") == SOURCE


@ENDS
@pytest.mark.skipif(shutil.which("git") is None, reason="git applies the patch")
def test_the_diff_of_a_suggestion_is_a_patch_as_it_stands(model, monkeypatch):
    """Its last hunk reaches the end of the file."""
    (model / "model.py").rename(model / "with_a_round.py")
    monkeypatch.syspath_prepend(str(model))
    module = importlib.import_module("with_a_round")
    monkeypatch.delitem(sys.modules, "with_a_round")
    (found,) = graphcut.audit(module.build(), loss="loss").suggest_unblock("w")
    (model / "fix.patch").write_bytes(found.diff.encode("utf-8"))
    subprocess.run(["git", "apply", "fix.patch"], check=True, cwd=str(model))
    assert "x = w + tf.stop_gradient(tf.round(w) - w)\n" in (model / "with_a_round.py").read_text(encoding="utf-8")


def test_what_is_asked_must_be_said(model, capsys):
    assert main(["suggest", "model.py:build", "--loss", "loss"]) == 2
    assert "needs either --unblock or --block" in capsys.readouterr().err
