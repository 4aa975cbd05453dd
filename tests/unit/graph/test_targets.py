from __future__ import annotations

from graphcut.graph.metadata import PartitionedVariable, Variable
from graphcut.graph.targets import Target, join_partitions, unique


def target(name, *tensors, whole=None):
    return Target(Variable(name, tuple(map(str, tensors)), True, "float32", (2, 2), whole=whole), tensors)


def test_the_parts_of_a_variable_are_one_target_in_the_place_of_the_first():
    whole = PartitionedVariable("w", (4, 2))
    found = join_partitions([target("w/part_0", 1, whole=whole), target("b", 2), target("w/part_1", 3, whole=whole)])
    assert [(each.variable.name, each.tensors) for each in found] == [("w", (1, 3)), ("b", (2,))]
    assert found[0].variable.shape == (4, 2)


def test_the_same_variable_asked_for_twice_is_one_row():
    assert unique([target("w", 1), target("w", 1)]) == (target("w", 1),)


def test_variables_of_one_name_are_counted_up_and_take_no_name_that_is_used():
    names = [each.variable.name for each in unique([target("w", 1), target("w_1", 2), target("w", 3), target("w", 4)])]
    assert len(set(names)) == 4 and names[:2] == ["w", "w_1"]


def test_two_objects_without_a_tensor_are_two_rows():
    alone = [target("w")._replace(variable=target("w").variable._replace(objects=(each,))) for each in (object(), object())]
    assert [each.variable.name for each in unique(alone)] == ["w", "w_1"]
