from __future__ import annotations

from graphcut.render.name_folding import fold
from graphcut.results import Verdict
from tests.unit.render.text.fakes import cut, variable


def told(*variables):
    return [[(label.text, label.count) for label in group.labels] for group in fold(variables)]


def test_partitions_are_one_label():
    assert told(*(variable(f"w/part_{i}") for i in range(40)), variable("b")) == [[("w/part_0..39", 40), ("b", 1)]]


def test_a_scope_of_one_fate_is_one_label():
    assert told(variable("encoder/a"), variable("encoder/b/c"), variable("head")) == [[("encoder/*", 2), ("head", 1)]]


def test_a_scope_of_two_fates_is_not_named_whole():
    stopped = variable("encoder/a", Verdict.NONE, cut=(cut("stop"),))
    assert told(stopped, variable("encoder/b")) == [[("encoder/a", 1)], [("encoder/b", 1)]]


def test_layers_that_are_counted_are_one_label():
    layers = [variable(f"dense_{i}/{each}") for i in range(1, 9) for each in ("kernel", "bias")]
    out = variable("out", Verdict.NONE, unused=True)
    assert told(*layers, out) == [[("out", 1)], [("dense_1..8/*", 16)]]


def test_a_graph_of_one_fate_is_named_by_its_scopes():
    names = ["encoder/a", "encoder/b", "decoder/a", "decoder/b", "scale"]
    assert told(*map(variable, names)) == [[("encoder/*", 2), ("decoder/*", 2), ("scale", 1)]]


def test_variables_that_come_through_other_terms_are_apart():
    rows = fold([variable("a", only_through=("l2",)), variable("b"), variable("c", only_through=("l2",))])
    assert [[each.name for each in group.variables] for group in rows] == [["a", "c"], ["b"]]


def test_a_gap_in_the_numbers_is_not_bridged():
    assert len(told(*(variable(f"w{i}") for i in (1, 2, 4, 5, 6)), variable("x", Verdict.NONE))[1]) == 5


def test_few_names_are_named():
    assert told(variable("w1"), variable("w2"), variable("w3")) == [[("w1", 1), ("w2", 1), ("w3", 1)]]


def test_the_worst_verdict_comes_first():
    groups = fold([variable(each.value, each) for each in reversed(Verdict)])
    assert [group.variables[0].verdict for group in groups] == list(Verdict)


def test_a_variable_that_is_not_trainable_has_a_fate_of_its_own():
    assert told(variable("a"), variable("b", trainable=False)) == [[("a", 1)], [("b", 1)]]


def test_every_name_is_in_exactly_one_label():
    names = [f"b_{i}/c_{j}/part_{k}" for i in range(3) for j in range(5) for k in range(2)] + ["b_0/x", "07", "10"]
    (group,) = fold([variable(name) for name in names])
    assert sorted(name for label in group.labels for name in label.names) == sorted(names)
