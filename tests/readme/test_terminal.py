"""The recording of a terminal shows what the commands print; ``python tools/record_terminal.py`` writes it."""

from __future__ import annotations

import html
import os
import re

import pytest

from graphcut.cli import main
from tests.readme.blocks import text_of
from tools import record_terminal


def shown():
    """All words of the picture, in order."""
    texts = re.findall(r"<text[^>]*>([^<]*)", text_of(os.path.join("docs", "terminal.svg")))
    return "".join(html.unescape(" ".join(texts)).split())


@pytest.mark.parametrize("command", record_terminal.COMMANDS)
def test_the_recording_shows_what_the_command_prints(command, tmp_path, monkeypatch, capsys):
    record_terminal.prepare(tmp_path)
    monkeypatch.chdir(tmp_path)
    main(command.split()[1:])
    printed = "$ " + command + capsys.readouterr().out
    assert "".join(printed.split()) in shown()
