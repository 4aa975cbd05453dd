"""The difference between two sets of verdicts."""

from __future__ import annotations

import pytest

from graphcut.contracts.snapshot import lock_text
from graphcut.contracts.verdict_diff import (
    AuditedVerdicts,
    VariableVerdict,
    compare_verdicts,
    match_variables,
    renamed_gradients,
    renamed_variables,
)
from graphcut.errors import GraphcutError

FLOWS, STOPPED = VariableVerdict("flows", shape="[3]"), VariableVerdict("none", "stop", "stop-gradient", "[3]")


def side(**variables):
    return {"model.py:loss": AuditedVerdicts({"loss": variables})}


def test_a_gradient_is_gained_or_lost_through_an_op():
    (gained,) = compare_verdicts(side(w=STOPPED), side(w=FLOWS))
    (lost,) = compare_verdicts(side(w=FLOWS), side(w=STOPPED))
    assert (gained.direction, gained.op) == ("gained", "stop") and (lost.direction, lost.op) == ("lost", "stop")
    assert str(gained) == "gained  w: none → flows, was cut by stop"


def test_equal_verdicts_are_no_change():
    assert compare_verdicts(side(w=STOPPED, v=FLOWS), side(w=STOPPED, v=FLOWS)) == ()


def test_a_variable_of_one_side_is_new_or_gone():
    assert [(each.variable, each.direction) for each in compare_verdicts(side(a=FLOWS), side(b=STOPPED))] == [
        ("a", "gone"),
        ("b", "new"),
    ]


def test_keras_numbers_are_overlooked_where_the_shapes_agree():
    old = {"dense/kernel": FLOWS, "dense_1/kernel": STOPPED}
    new = {"dense_2/kernel": FLOWS, "dense_3/kernel": STOPPED}
    assert match_variables(old, new) == [("dense/kernel", "dense_2/kernel"), ("dense_1/kernel", "dense_3/kernel")]
    assert compare_verdicts({"s": AuditedVerdicts({"loss": old})}, {"s": AuditedVerdicts({"loss": new})}) == ()


def test_numbers_that_overlap_are_no_names_where_the_structure_is_the_same():
    old = {"dense/kernel": FLOWS, "dense_1/kernel": STOPPED}
    new = {"dense_1/kernel": FLOWS, "dense_2/kernel": STOPPED}
    assert match_variables(old, new) == [("dense/kernel", "dense_1/kernel"), ("dense_1/kernel", "dense_2/kernel")]


def test_numbers_of_two_digits_come_last():
    old = dict.fromkeys(("d_10/w", "d_9/w"), FLOWS)
    assert match_variables(old, dict.fromkeys(("d_11/w", "d_12/w"), FLOWS)) == [("d_10/w", "d_12/w"), ("d_9/w", "d_11/w")]


def test_another_shape_is_another_variable():
    new = {"dense_2/kernel": VariableVerdict("flows", shape="[4]")}
    assert match_variables({"dense/kernel": FLOWS}, new) == [("dense/kernel", None), (None, "dense_2/kernel")]


def matrix(*shape):
    return VariableVerdict("flows", shape=str(list(shape)))


def layer(name):
    return {name + "/kernel": matrix(2, 3), name + "/bias": matrix(3)}


def chain(*sizes):
    """The kernels and biases of a chain of layers that Keras numbered."""
    names = ["net/dense" + ("_%d" % at if at else "") for at in range(len(sizes) - 1)]
    variables = {}
    for name, size, following in zip(names, sizes, sizes[1:]):
        variables.update({name + "/kernel": matrix(size, following), name + "/bias": matrix(following)})
    return variables


@pytest.mark.parametrize(
    "old, new, pairs",
    [
        ((4, 4, 4, 4, 1), (4, 4, 4, 1), ["dense dense", "dense_1 dense_1", "dense_2 -", "dense_3 dense_2"]),
        ((4, 4, 1), (4, 4, 4, 1), ["dense dense", "dense_1 dense_2", "- dense_1"]),
        ((8, 4, 4, 1), (4, 4, 1), ["dense -", "dense_1 dense", "dense_2 dense_1"]),
        ((8, 4, 1), (8, 5, 1), ["dense dense", "dense_1 dense_1"]),
        ((8, 4, 1), (8, 5, 5, 1), ["dense dense", "dense_1 dense_1", "- dense_2"]),
    ],
)
def test_a_layer_that_is_gone_or_new_moves_the_numbers_of_the_others(old, new, pairs):
    found = match_variables(chain(*old), chain(*new))
    layers = [" ".join(name.split("/")[1] if name else "-" for name in pair) for pair in found]
    assert sorted(dict.fromkeys(layers)) == sorted(pairs) and len(layers) == 2 * len(pairs)


def step(**gradients):
    return {"s": AuditedVerdicts({head: dict.fromkeys(names.split(), FLOWS) for head, names in gradients.items()})}


@pytest.mark.parametrize(
    "old, new, changes, pairs",
    [
        ({"loss": "enc dec"}, {"a": "enc dec", "b": "enc"}, ["b enc new"], [("loss", "a")]),
        ({"a": "enc", "b": "dec"}, {"loss": "dec"}, ["a enc gone"], [("b", "loss")]),
        ({"loss": "enc"}, {"a": "x", "b": "z"}, ["a x new", "b z new", "loss enc gone"], []),
    ],
)
def test_gradients_whose_number_differs_are_matched_by_their_variables(old, new, changes, pairs):
    sides = step(**old), step(**new)
    found = compare_verdicts(*sides)
    assert sorted("%s %s %s" % (each.gradient, each.variable, each.direction) for each in found) == changes
    assert list(renamed_gradients(*sides)) == pairs


RENAMES = {
    "a layer inside": ({"adapter/kernel": FLOWS}, {"adapter/dense_3/kernel": FLOWS}, True),
    "a scope in between": ({"net/enc/head/kernel": FLOWS}, {"net/head/kernel": FLOWS}, True),
    "another layer name": (layer("up"), layer("wide"), True),
    "another shape": ({"adapter/kernel": FLOWS}, {"adapter/dense/kernel": matrix(4)}, False),
    "another part": ({"adapter/kernel": FLOWS}, {"adapter/dense/bias": FLOWS}, False),
    "two alternatives": ({"a/kernel": FLOWS}, {"a/down/kernel": FLOWS, "a/up/kernel": FLOWS}, False),
    "two scopes alike": (dict.fromkeys(("a/w", "b/w"), FLOWS), dict.fromkeys(("c/w", "d/w"), FLOWS), False),
    "a scope that went and another that came": ({"a/w": FLOWS, "b/w": matrix(9)}, {"c/w": FLOWS, "d/w": matrix(8)}, False),
}  # fmt: skip


@pytest.mark.parametrize("old, new, is_match", list(RENAMES.values()), ids=list(RENAMES))
def test_a_renamed_variable_is_matched_by_position_and_shape_without_an_alternative(old, new, is_match):
    sides = ({"s": AuditedVerdicts({"loss": each})} for each in (old, new))
    before, after = sides
    assert (compare_verdicts(before, after) == ()) == is_match
    assert renamed_variables(before, after) == (tuple(zip(sorted(old), sorted(new))) if is_match else ())


def test_a_renamed_variable_that_lost_its_gradient_says_so():
    (lost,) = compare_verdicts(side(**{"adapter/w": FLOWS}), side(**{"adapter/dense/w": STOPPED}))
    assert str(lost) == "lost    adapter/w (now adapter/dense/w): flows → none, cut by stop"


def test_keras_numbers_are_no_new_names():
    assert renamed_variables(side(**{"dense/kernel": FLOWS}), side(**{"dense_2/kernel": FLOWS})) == ()


def test_a_lock_file_can_be_read_back():
    verdicts = side(w=STOPPED, v=FLOWS)["model.py:loss"]
    assert AuditedVerdicts.from_dict(verdicts.to_dict()) == verdicts
    assert lock_text({"b": verdicts, "a": verdicts}).index('"a"') < lock_text({"b": verdicts, "a": verdicts}).index('"b"')


def test_a_damaged_lock_file_is_an_error():
    with pytest.raises(GraphcutError, match="damaged"):
        AuditedVerdicts.from_dict({"loss": {"w": {"verdikt": "none"}}})
