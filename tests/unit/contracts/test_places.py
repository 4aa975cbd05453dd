from __future__ import annotations

import os

import pytest

from graphcut.contracts.places import named_place, split_place


@pytest.mark.parametrize("where", [None, "", "model.py", ":3", "model.py:x"])
def test_what_names_no_line_is_none(where):
    assert split_place(where) is None


def test_a_file_of_the_project_is_relative_and_another_is_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert split_place(os.path.join(str(tmp_path), "net", "model.py") + ":3") == ("net/model.py", 3)
    assert split_place(os.path.join(str(tmp_path.parent), "other.py") + ":3")[0].endswith("/other.py")


def test_lines_count_from_one():
    assert split_place("model.py:0") == ("model.py", 1)


def test_a_file_of_the_project_is_named_from_another_folder(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    model = os.path.join(str(tmp_path), "model.py") + ":3"
    assert named_place(model, str(tmp_path)) == os.path.join("..", "model.py") + ":3"
    assert named_place(model, str(tmp_path / "sub")) == model
    assert split_place(named_place(model, str(tmp_path))) == ("../model.py", 3)
