"""The gradient table answers as the TensorFlow of each column, and has no answer for queries that were not made."""

from __future__ import annotations

import pytest

import graphcut
from graphcut.analysis.rules import gradient_table
from graphcut.analysis.rules.from_reply import row
from graphcut.analysis.rules.oracle import GradientQuery
from graphcut.api.choose_oracle import choose_oracle
from graphcut.graph.attrs import entry
from graphcut.graph.metadata import GraphMetadata

FLOAT, INT, STRING = 1, 3, 7


def oracle(version="2.15"):
    return gradient_table.table_oracle(gradient_table.find_version(version))


def ask(op_type, inputs, outputs, version="2.15", zeros=(), **attrs):
    """The row of an op; attributes as ``AttrValue`` keywords, a bare number is a dtype."""
    entries = [entry(key, **(value if isinstance(value, dict) else {"type": value})) for key, value in attrs.items()]
    question = GradientQuery(op_type, tuple(sorted(entries)), tuple(inputs), tuple(outputs), zeros)
    return row(question, oracle(version).ask(question), oracle(version).trainable)


def test_floor_has_a_gradient_function_that_answers_none():
    assert ask("Floor", [FLOAT], [FLOAT], T=FLOAT).connected == ((),)


def test_matmul_carries_to_both_inputs():
    assert ask("MatMul", [FLOAT, FLOAT], [FLOAT], T=FLOAT).carries == ((0, 1),)


def test_a_product_with_zeros_carries_nothing_to_the_other_side():
    assert ask("Mul", [FLOAT, FLOAT], [FLOAT], T=FLOAT, zeros=(1,)).carries == ((1,),)


@pytest.mark.parametrize("count", [1, 2, 7, 300])
def test_an_answer_holds_for_any_number_of_tensors(count):
    attrs = {"N": {"i": count}, "T": FLOAT, "Tidx": INT}
    assert ask("ConcatV2", [FLOAT] * count + [INT], [FLOAT], **attrs).carries == (tuple(range(count)),)
    assert ask("IdentityN", [FLOAT] * count, [FLOAT] * count, T={"list": {"type": [FLOAT] * count}}).carries == tuple(
        (index,) for index in range(count)
    )


def test_an_op_of_nobody_is_assumed_to_carry():
    found = ask("NobodysOp", [FLOAT, INT], [FLOAT])
    assert found.carries == ((0,),)
    assert "knows no op of this type" in found.assumed


def test_a_dtype_that_was_not_asked_about_is_assumed_to_carry():
    found = ask("MatMul", [STRING, STRING], [FLOAT], T=STRING)
    assert "holds no answer for T=7" in found.assumed


def test_an_op_whose_inputs_do_not_fit_is_assumed_to_carry():
    assert ask("MatMul", [FLOAT], [FLOAT], T=FLOAT).carries == ((0,),)
    assert ask("MatMul", [FLOAT], [FLOAT], T=FLOAT).assumed


def test_prevent_gradient_raises_in_every_version():
    for version in gradient_table.versions():
        assert ask("PreventGradient", [FLOAT], [FLOAT], version, T=FLOAT).raises is graphcut.BarrierKind.PREVENT_GRADIENT


COLUMNS = {
    "1.13.1": "1.15",
    "1.15.5": "1.15",
    "2.0.4": "1.15",
    "2.3.0": "2.1",
    "2.7.4": "2.5",
    "2.12.0": "2.11",
    "2.20.1": "2.19",
    "3.0": "2.21",
}


@pytest.mark.parametrize("version, column", COLUMNS.items())
def test_the_newest_column_that_is_no_newer_than_the_file_judges_it(version, column):
    found = gradient_table.versions()[gradient_table.column_of(GraphMetadata("file", tensorflow_version=version))]
    assert found.startswith(column)


def test_the_producer_decides_where_the_file_names_no_version():
    producers = gradient_table.data()["producers"]
    assert producers == sorted(producers)
    for column, producer in enumerate(producers):
        assert gradient_table.column_of(GraphMetadata("file", producer=producer)) == column


@pytest.mark.parametrize("origin, is_assumed", [
    (GraphMetadata("file"), True),
    (GraphMetadata("file", tensorflow_version="unknown"), True),
    (GraphMetadata("file", tensorflow_version="2.15.0"), False),
    (GraphMetadata("file", producer=1395), False),
])  # fmt: skip
def test_a_version_that_a_file_does_not_name_is_called_assumed(origin, is_assumed):
    assert ("assumed" in choose_oracle(origin).label) == is_assumed
    assert "assumed" not in choose_oracle(origin, "2.21").label
    assert choose_oracle(GraphMetadata("file")).label == (
        "TensorFlow 2.21 (gradient table, assumed: the file names no version)"
    )


# What a variant holds is known to kernels alone, so the gradient functions of sparse matrices cannot be asked; the Python
# function of an EagerPyFunc is in no file.
ASSUMED = {
    "CSRSparseMatrixToDense",
    "DenseToCSRSparseMatrix",
    "EagerPyFunc",
    "SparseMatrixAdd",
    "SparseMatrixMul",
    "SparseMatrixSoftmax",
    "SparseMatrixSparseMatMul",
    "SparseMatrixTranspose",
    "SparseTensorToCSRSparseMatrix",
}


def test_at_most_ten_op_types_have_a_gradient_function_that_was_not_asked():
    assert len(ASSUMED) <= 10
    for column in range(len(gradient_table.versions())):
        entries = {name: gradient_table.entry_of(name, column) for name in gradient_table.data()["ops"]}
        functions = {name: each for name, each in entries.items() if each and each["gradient"] == "function"}
        assert len(functions) > 300
        assert {name for name, each in functions.items() if is_assumed(each)} <= ASSUMED


def is_assumed(entry_):
    """Return whether the table knows nothing of an op type: no answer, or an error that a variant may have caused."""
    variant = any(spec.endswith(":21") for spec in (*entry_["in"], *entry_["out"]))
    return not any(is_answered(row_["reply"], variant) for row_ in entry_["rows"])


def is_answered(reply, variant):
    return isinstance(reply, list) or "reply" in reply or ("exact" in reply and not (variant and reply["exact"] == "!"))
