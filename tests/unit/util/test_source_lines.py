"""The source line of a place: only Python's own source is read."""

from __future__ import annotations

import linecache
import os

import pytest

from graphcut.util.source_lines import line_of, nearby, source_line


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


def test_a_place_below_the_folder_one_is_in_is_told_from_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = os.getcwd()
    assert nearby(os.path.join(here, "sub", "model.py:3")) == os.path.join("sub", "model.py:3")
    assert nearby(here + "s/model.py:3") == here + "s/model.py:3"
    assert nearby("model.py:3") == nearby("./model.py:3") == "model.py:3"


def test_from_the_root_and_from_a_folder_that_is_gone_a_place_is_told_as_it_is(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert nearby(f"{gone}/model.py:3") == f"{gone}/model.py:3"
    monkeypatch.chdir("/")
    assert nearby("/srv/model.py:3") == "/srv/model.py:3"


def test_a_line_of_160_characters_is_quoted_in_full(tmp_path):
    (tmp_path / "model.py").write_text("x" * 160 + "\n" + "y" * 161, encoding="utf-8")
    assert source_line(f"{tmp_path}/model.py:1") == "x" * 160
    assert source_line(f"{tmp_path}/model.py:2") == "y" * 159 + "…"
