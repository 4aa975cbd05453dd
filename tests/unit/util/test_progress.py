"""The progress that a terminal sees: only after a while, only on standard error, gone when the work is done."""

from __future__ import annotations

import sys
import threading
import types

import pytest

import graphcut
from graphcut.render.picture import layout
from graphcut.util import progress


def test_two_seconds_are_long():
    assert progress.PATIENCE == 2


def test_a_notebook_shows_a_line_below_the_cell_and_takes_it_away(monkeypatch):
    shown = []

    class Place:
        def update(self, data, raw):
            shown.append(data["text/plain"])

    def display(data, raw, display_id):
        shown.append(data["text/plain"])
        seen_it.set()
        return Place()

    seen_it = threading.Event()
    shell = type("ZMQInteractiveShell", (), {})()
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", types.SimpleNamespace(display=display))
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.delenv("GRAPHCUT_PROGRESS", raising=False)
    with progress.show_progress() as say:
        say("tracing model")
        assert seen_it.wait(10)
    assert shown[0].endswith(" … 0 s") and shown[-1] == ""


@pytest.mark.parametrize(
    "ask, told",
    [
        (lambda audit, folder: audit.draw(folder / "cut.dot"), "drawing cut.dot"),
        (lambda audit, folder: graphcut.page([audit], folder / "cut.html"), "drawing cut.html"),
        (lambda audit, folder: audit.suggest_unblock("w1"), "trying edits of the source"),
        (lambda audit, folder: audit.suggest_stops(block="w2"), "searching for the fewest stops"),
    ],
)
def test_a_question_that_may_take_long_tells_what_it_does(monkeypatch, tmp_path, ask, told):
    audit, shown = graphcut.audit("fixtures/documents/003.meta", oracle="2.21"), []
    monkeypatch.setattr(progress, "_display", lambda: lambda ended, steps: ended.wait() and shown.extend(steps))
    monkeypatch.setattr(layout, "available", lambda engine: False)  # a page without a picture is drawn, too
    ask(audit, tmp_path)
    assert told in shown
