"""The README is true: its example and its first command print what it says they print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest
import tensorflow as tf

from graphcut.cli import main
from tests.readme.blocks import ROOT, blocks

KERAS_3 = getattr(tf.keras, "__version__", "2").startswith("3")
EAGER = pytest.mark.skipif(tf.__version__.startswith("1."), reason="the example is written for TensorFlow 2")


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


@EAGER
def test_the_example_prints_what_the_readme_says(tmp_path):
    (tmp_path / "example.py").write_text(blocks("An example", "python")[0], encoding="utf-8")
    folder = tmp_path.resolve()
    assert columns(run([sys.executable, "example.py"], folder)) == columns(blocks("An example", "text")[0])
    assert words(tmp_path / "cut.svg") == words(os.path.join(ROOT, "docs", "example.svg"))


@EAGER
def test_what_to_change_is_what_the_readme_says(tmp_path):
    code = "".join(blocks(heading, "python")[0] for heading in ("An example", "What to change", "A page to ask"))
    (tmp_path / "example.py").write_text(code, encoding="utf-8")
    printed = run([sys.executable, "example.py"], tmp_path.resolve())
    assert printed.strip().endswith(blocks("What to change", "text")[0].strip())
    assert (tmp_path / "losses.html").read_text(encoding="ascii").count('role="tab"') == 2


@pytest.mark.skipif(not KERAS_3, reason="the names of variables are those of Keras 3")
def test_your_own_model_prints_what_the_readme_says(tmp_path):
    (tmp_path / "model.py").write_text(blocks("Your own model", "python")[0], encoding="utf-8")
    command = shlex.split(blocks("Your own model", "sh")[0])
    printed = run([sys.executable, "-m", *command], tmp_path.resolve())
    assert columns(printed) == columns(blocks("Your own model", "text")[0])


def test_the_first_command_prints_what_the_readme_says(tmp_path):
    command = blocks("Two commands", "sh")[0].split("graphcut ", 1)[1].split()
    command[1] = os.path.join(ROOT, command[1])
    printed = run([sys.executable, "-m", "graphcut"] + command, tmp_path)
    assert columns(printed) == columns(blocks("Two commands", "text")[0])
    assert (tmp_path / "cut.svg").exists()


@pytest.mark.parametrize("line", blocks("A page to ask", "sh")[0].splitlines())
def test_the_commands_of_the_page_write_their_files(line, tmp_path):
    _, draw, source, option, written = line.split()
    assert main([draw, os.path.join(ROOT, source), option, str(tmp_path / written)]) == 0
    assert {each.name for each in tmp_path.iterdir()} == {written, written.replace(".json", ".node_data.json")}
