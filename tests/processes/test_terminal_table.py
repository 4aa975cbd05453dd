"""The table on a terminal: colours, unless NO_COLOR asks for none."""

from __future__ import annotations

from tests.processes.terminals import seen

CODE = """
import importlib
from graphcut.cli import main
from tests.unit.render.picture.audits import STOPPED
importlib.import_module("graphcut.api.audit").audit = lambda *args, **question: STOPPED
main(["audit", "model.meta"])
"""
RED, GREEN = "\x1b[1;31m", "\x1b[32m"


def test_a_terminal_gets_colours():
    screen, rest = seen(CODE, stream="stdout")
    assert RED in screen and GREEN in screen and "stop-gradient at hidden" in screen and rest == b""


def test_no_color_asks_for_none():
    screen, rest = seen(CODE, stream="stdout", NO_COLOR="1")
    assert RED not in screen and GREEN not in screen and "\x1b[3" not in screen and "stop-gradient at hidden" in screen


def test_a_terminal_that_is_too_narrow_for_columns_gets_every_word():
    screen, _ = seen(CODE, stream="stdout", COLUMNS="20")
    assert "stop-gradient at hidden" in screen
