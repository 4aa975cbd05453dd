"""The source line of a place: only Python's own source is read."""

from __future__ import annotations

import linecache

import pytest

from graphcut.lines import line_of


def test_the_line_of_a_file(tmp_path):
    (tmp_path / "model.py").write_text("first\n    second  # ä\n", encoding="utf-8")
    assert line_of(f"{tmp_path}/model.py:2") == "second  # ä"


@pytest.mark.parametrize("where", [None, "", "model.py", "model.py:x", "/no/such/file.py:1", "/dev/zero:1", "a\0b.py:1"])
def test_what_cannot_be_read_is_empty(where):
    assert line_of(where) == ""


def test_no_other_file_is_read(tmp_path):
    (tmp_path / "secret.txt").write_text("password\n", encoding="utf-8")
    (tmp_path / "folder.py").mkdir()
    assert line_of(f"{tmp_path}/secret.txt:1") == line_of(f"{tmp_path}/folder.py:1") == ""


def test_a_cell_of_a_notebook(monkeypatch):
    cell = "/tmp/ipykernel_1/23.py"
    monkeypatch.setitem(linecache.cache, cell, (8, None, ["x = 1\n"], cell))
    assert line_of(cell + ":1") == "x = 1"
