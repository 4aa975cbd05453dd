"""Shell completion as documented in docs/command-line.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.repository.measure import ROOT


def completed(words, **environment):
    known = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
        **environment,
    }
    command = [sys.executable, "-m", "graphcut"]
    return subprocess.run(command, env=known, check=True, stdout=subprocess.PIPE).stdout.decode().split()


@pytest.mark.parametrize(
    "words, offered",
    [("graphcut ", "plain,audit"), ("graphcut audit --sp", "plain,--spec"), ("graphcut audit gra", "file,gra")],
)
def test_commands_options_and_files(words, offered):
    assert offered in completed(words, _GRAPHCUT_COMPLETE="bash_complete")


def test_the_shells_of_the_documents():
    shells = re.findall(r"([a-z]+)_source", (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8"))
    assert sorted(set(shells)) == ["bash", "fish", "zsh"]
    assert all(
        "_GRAPHCUT_COMPLETE=%s_complete" % shell in completed("", _GRAPHCUT_COMPLETE=shell + "_source") for shell in shells
    )
