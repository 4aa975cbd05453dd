"""``graphcut ops`` prints the entries of the gradient table."""

from __future__ import annotations

import json

import pytest

from graphcut.analysis.rules import gradient_table
from graphcut.cli import main


def printed(capsys, *arguments):
    code = main(["ops", *arguments])
    return code, capsys.readouterr()


def test_an_op_has_a_line_for_each_group_of_versions(capsys):
    assert printed(capsys, "MatMul")[1].out == "MatMul  TensorFlow 1.15 to 2.21  a yes, b yes\n"
    first, later = printed(capsys, "Einsum")[1].out.splitlines()
    assert first == "Einsum  TensorFlow 1.15  no gradient registered: TensorFlow raises"
    assert later == "Einsum  TensorFlow 2.1 to 2.21  inputs depends"
    assert printed(capsys, "Gather", "--tf", "2.15")[1].out == "Gather  TensorFlow 2.15  params yes, indices no\n"


def test_json_says_whether_an_op_is_differentiable(capsys):
    (floor,) = json.loads(printed(capsys, "Floor", "--json")[1].out)
    assert (floor["gradient"], floor["differentiable"], floor["inputs"]) == ("function", False, {"x": "no"})


def test_every_op_type_is_listed(capsys):
    assert len(printed(capsys, "--tf", "1.15")[1].out.splitlines()) > 1300


def test_a_mistyped_op_is_an_error_with_near_names(capsys):
    code, said = printed(capsys, "MatMull")
    assert code == 2
    assert "the gradient table has no op type 'MatMull'; did you mean" in said.err


@pytest.mark.parametrize("arguments", [("--json", "Floor"), ("Floor", "--json", "-"), ("--json=-", "Floor")])
def test_json_without_a_file_is_printed_wherever_it_stands(capsys, arguments):
    (floor,) = json.loads(printed(capsys, *arguments)[1].out)
    assert floor["type"] == "Floor"


def test_json_with_a_file_is_written(capsys, tmp_path):
    code, (out, _) = printed(capsys, "Floor", "--json", str(tmp_path / "ops.json"))
    assert (code, out[:5]) == (0, "Floor")
    assert json.loads((tmp_path / "ops.json").read_text(encoding="utf-8"))[0]["type"] == "Floor"


@pytest.mark.parametrize("version", gradient_table.versions())
def test_at_most_ten_op_types_are_assumed_and_each_says_why(capsys, version):
    listed = json.loads(printed(capsys, "--tf", version, "--json")[1].out)
    assumed = {each["type"]: each["assumed"] for each in listed if each["assumed"] is not None}
    assert "not asked" not in {answer for each in listed for answer in each["inputs"].values() if each["assumed"] is None}
    assert len(assumed) <= 10 and assumed["EagerPyFunc"] == "its Python function is not saved with the graph"


def test_a_line_says_what_is_assumed(capsys):
    (line,) = printed(capsys, "EagerPyFunc", "--tf", "2.21")[1].out.splitlines()
    assert line.endswith("(assumed to carry: its Python function is not saved with the graph)")
