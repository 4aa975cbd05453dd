from __future__ import annotations

from graphcut.errors import near_names, printable


def test_near_names_are_offered_best_first_and_at_most_three():
    assert near_names("totl", ["total", "aux"]) == "; did you mean 'total'?"
    assert near_names("w", ["bias"]) == ""
    assert near_names("kernel1", ["kernel0", "kernel2", "kernel3", "kernel4"]).count(" or ") == 2


def test_control_characters_are_escaped_and_long_names_cut_in_the_middle():
    assert printable("a\x1b[31m\u202e") == r"'a\x1b[31m\u202e'"
    assert printable("x" * 1000, 11) == "'xxxx…xxxx'"
