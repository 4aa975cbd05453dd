from __future__ import annotations

from graphcut.analysis.regions.boxes import END, EVERYTHING, freeze_box, limit_axis, move_axis, renumber_axes, unite_regions


def region(*boxes):
    return frozenset(map(freeze_box, boxes))


def test_a_limited_axis_is_the_overlap():
    assert limit_axis({0: (2, 6)}, 0, 4, 9) == {0: (4, 6)} and limit_axis({}, 1, 0, 3) == {1: (0, 3)}


def test_ranges_that_do_not_meet_leave_nothing():
    assert limit_axis({0: (0, 2)}, 0, 2, 5) is None


def test_a_range_without_an_end_keeps_none_when_moved():
    assert move_axis({0: (1, END)}, 0, 3) == {0: (4, END)} and move_axis({0: (1, 2)}, 1, 3) == {0: (1, 2)}
    assert move_axis({0: (1, 4)}, 0, -2) == {0: (0, 2)}


def test_axes_that_are_not_kept_are_not_limited():
    assert renumber_axes({0: (0, 1), 2: (3, 4)}, {2: 0}) == {0: (3, 4)}


def test_a_union_only_grows():
    one, other = region({0: (0, 1)}), region({0: (2, 3)})
    assert unite_regions(one, other) == one | other and unite_regions(one, EVERYTHING) == EVERYTHING


def test_too_many_boxes_are_everything():
    many = region(*({0: (each, each + 1)} for each in range(16)))
    assert unite_regions(many, many) == many and unite_regions(many, region({0: (40, 41)})) == EVERYTHING
