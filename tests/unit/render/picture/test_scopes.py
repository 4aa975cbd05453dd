from __future__ import annotations

from graphcut.render.picture.scopes import common_scope, pattern, scope_of, unnumbered_scope


def test_an_op_is_in_its_name_scopes():
    assert scope_of("a/b/op") == ("a", "b") and scope_of("op") == ()


def test_a_body_s_op_is_in_its_call_and_branch():
    assert scope_of("cond!then!cond/mul") == ("cond", "then")
    assert scope_of("a/case!0!a/case/mul") == ("a", "case", "0")
    assert scope_of("cond!then!cond/cond!else!cond/cond/mul") == ("cond", "then", "cond", "else")


def test_the_scope_of_several_ops_holds_all_of_them():
    assert common_scope(["a/b/x", "a/b/y"]) == ("a", "b") and common_scope(["a/b/x", "a/bc/y"]) == ("a",)
    assert common_scope(["a/x", "b/x"]) == ()


def test_scopes_that_differ_in_a_number_are_one():
    assert pattern("dense_12/kernel") == "dense/kernel"
    assert unnumbered_scope(("a", "layer_7", "b")) == ("a", "layer") and unnumbered_scope(("a", "b")) == ()
