"""The code and the commands of the README print what it shows. ``test_pages.py`` runs the other pages."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest
import tensorflow as tf

from graphcut.cli import main
from tests.readme.blocks import ROOT, blocks, text_of
from tests.readme.pages import blocks_of

TUTORIAL = "docs/tutorial.md"
KERAS_3 = getattr(tf.keras, "__version__", "2").startswith("3")
EAGER = pytest.mark.skipif(tf.__version__.startswith("1."), reason="the example is written for TensorFlow 2")
NAMES = pytest.mark.skipif(not KERAS_3, reason="the names of variables are those of Keras 3")


def run(arguments, folder):
    """What a command prints, run in ``folder``."""
    environment = dict(os.environ, PYTHONPATH=ROOT, PYTHONIOENCODING="utf-8", COLUMNS="200")
    done = subprocess.run(arguments, cwd=str(folder), env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8")


def columns(text):
    """The words of a table, whatever the widths of its columns."""
    return [line.split() for line in text.strip().splitlines()]


def words(path):
    """The words of a picture, wherever they stand in it."""
    with open(str(path), encoding="utf-8") as stream:
        return sorted(re.findall(r"<text[^>]*>([^<]*)", stream.read()))


def written(folder, name, heading, language="python"):
    """The first block under a heading of the README, in a file; the folder without links."""
    (folder / name).write_text(blocks(heading, language)[0], encoding="utf-8")
    return folder.resolve()


@NAMES
def test_the_keras_example_prints_and_draws_what_the_readme_shows(tmp_path):
    folder = written(tmp_path, "example.py", "Keras")
    assert columns(run([sys.executable, "example.py"], folder)) == columns(blocks("Keras", "text")[0])
    assert words(tmp_path / "cut.svg") == words(os.path.join(ROOT, "docs", "keras.svg"))


@EAGER
def test_the_step_and_its_contract_are_what_the_readme_says(tmp_path):
    folder = written(tmp_path, "step.py", "Custom training step")
    written(tmp_path, "graphcut.toml", "In CI", "toml")
    assert columns(run([sys.executable, "step.py"], folder)) == columns(blocks("Custom training step", "text")[0])
    assert run([sys.executable, "-m", "graphcut", "check"], folder).endswith("1 contract: 1 kept\n")


@NAMES
def test_the_script_is_run():
    command = shlex.split(blocks("Script or notebook", "sh")[0])
    shown = run([sys.executable, "-m", *command], ROOT)
    assert "none     first/* (2)" in shown and "keras_fit.py:7: stopped = " in shown


@NAMES
def test_the_picture_of_the_tutorial_is_that_of_its_example(tmp_path):
    (tmp_path / "example.py").write_text(blocks_of(text_of(TUTORIAL))[0].text, encoding="utf-8")
    run([sys.executable, "example.py"], tmp_path.resolve())
    assert words(tmp_path / "cut.svg") == words(os.path.join(ROOT, "docs", "example.svg"))


def test_the_set_up_command_prints_what_the_readme_says(tmp_path):
    command = blocks("Install", "sh")[0].split("graphcut ", 1)[1].split()
    command[1] = os.path.join(ROOT, command[1])
    printed = run([sys.executable, "-m", "graphcut"] + command, tmp_path)
    assert columns(printed) == columns(blocks("Install", "text")[0])
    assert (tmp_path / "cut.svg").exists()


def test_the_commands_on_a_graph_file_run(tmp_path, capsys):
    for line in blocks("Graph file", "sh")[0].splitlines():
        arguments = [os.path.join(ROOT, word) if word.startswith("fixtures/") else word for word in shlex.split(line)[1:]]
        assert main([str(tmp_path / word) if word == "cut.html" else word for word in arguments]) == 0
    assert "stop-gradient at hidden" in capsys.readouterr().out
    assert [each.name for each in tmp_path.iterdir()] == ["cut.html"]
