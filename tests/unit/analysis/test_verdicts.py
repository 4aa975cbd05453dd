"""Verdicts and cuts of small graphs, with a fake oracle."""

from __future__ import annotations

import time

import pytest

from graphcut.analysis.fewest_barriers import cuts
from graphcut.analysis.reachability import carries, connected_inputs
from graphcut.errors import GraphcutError
from tests.unit.graph.text import Judged


def test_a_gradient_flows_through_plain_ops():
    assert Judged("w = VariableV2()\nloss = Neg(w)").verdict("w") == "flows"


def test_a_stop_cuts():
    found = Judged("w = VariableV2()\nstop = StopGradient(w)\nloss = Neg(stop)")
    assert (found.verdict("w"), found.cut("w", connected_inputs)) == ("none", ["stop stop-gradient"])


def test_a_second_route_saves():
    assert Judged("w = VariableV2()\nstop = StopGradient(w)\nloss = Mul(stop, w)").verdict("w") == "flows"


def test_what_the_loss_does_not_read_is_unused():
    found = Judged("w = VariableV2()\nv = VariableV2()\nloss = Neg(v)")
    assert (found.verdict("w"), found.cut("w", connected_inputs)) == ("none", [])


def test_the_route_with_fewest_barriers_counts():
    found = Judged("""
        w = VariableV2()
        one = Floor(w)
        two = StopGradient(one)
        three = Floor(w)
        loss = Mul(two, three)
    """)
    assert found.cut("w", connected_inputs) == ["three not-differentiable"]


def test_deliberate_barriers_come_first():
    found = Judged("w = VariableV2()\na = Floor(w)\nb = StopGradient(w)\nloss = Mul(a, b)")
    assert found.cut("w", connected_inputs) == ["b stop-gradient", "a not-differentiable"]


def test_both_barriers_of_the_only_route_are_in_the_cut():
    found = Judged("w = VariableV2()\na = Floor(w)\nb = StopGradient(a)\nloss = Neg(b)")
    assert found.cut("w", connected_inputs) == ["b stop-gradient", "a not-differentiable"]


def test_the_op_that_makes_numbers_discrete_is_named_before_the_cast():
    found = Judged("""
        w = VariableV2()
        which = ArgMax[output_type=9](w, w)
        back = Cast[SrcT=9](which)
        loss = Neg(back)
    """)
    assert found.cut("w", connected_inputs) == ["which not-differentiable", "back dtype"]


def test_an_index_is_an_input_without_a_gradient():
    found = Judged("""
        table = VariableV2()
        w = VariableV2()
        row = Cast[DstT=3](w)
        picked = GatherV2[Tparams=1](table, row, row)
        loss = Neg(picked)
    """)
    assert found.verdict("table") == "flows"
    assert found.cut("w", connected_inputs) == ["row not-differentiable", "picked input"]


def test_an_unregistered_op_raises_for_what_feeds_it():
    found = Judged("w = VariableV2()\nu = Unique(w)\nv = VariableV2()\nloss = Mul(u, v)")
    assert (found.verdict("w"), found.verdict("v")) == ("raises", "flows")


def test_an_unregistered_op_raises_though_another_route_is_good():
    assert Judged("w = VariableV2()\nu = Unique(w)\nloss = Mul(u, w)").verdict("w") == "raises"


def test_an_unregistered_op_behind_a_stop_does_not_raise():
    assert Judged("w = VariableV2()\nu = Unique(w)\ns = StopGradient(u)\nloss = Neg(s)").verdict("w") == "none"


def test_a_body_counts_whole_when_it_raises():
    found = Judged("""
        def f(a, b) -> n:y:0, u:y:0:
            n = Neg(a)
            u = Unique(b)
        v = VariableV2()
        w = VariableV2()
        call = PartitionedCall[f=f, Tout=1,1](v, w)
        loss = Neg(call)
    """)
    assert found.verdict("v") == "raises"


def test_the_other_result_of_a_call_is_filled_with_zeros():
    found = Judged("""
        def f(a, b) -> n:y:0, m:y:0:
            n = Neg(a)
            m = Neg(b)
        v = VariableV2()
        w = VariableV2()
        call = PartitionedCall[f=f, Tout=1,1](v, w)
        loss = Neg(call)
    """)
    assert (found.verdict("v"), found.verdict("w")) == ("flows", "zero")
    assert found.cut("w", carries) == ["call zero-filled"]


COND = """
    def yes(a) -> n:
        n = Neg(a)
    def no(a) -> n:
        n = %s(a)
    p = Placeholder[dtype=10]()
    w = VariableV2()
    cond = If[then_branch=yes, else_branch=no, Tcond=10](p, w)
    loss = Neg(cond)
"""


def test_one_branch_alone_is_a_condition():
    found = Judged(COND % "StopGradient")
    (condition,) = found.flow.conditions[found.tensor("w")]
    assert (found.verdict("w"), condition.op, condition.predicate, condition.branch) == ("conditional", "cond", "p:0", "then")


def test_two_branches_are_no_condition():
    assert Judged(COND % "Tanh").verdict("w") == "flows"


def test_one_side_of_a_v1_conditional_is_a_condition():
    found = Judged("""
        p = Placeholder[dtype=10]()
        w = VariableV2()
        enter = Switch(w, p)
        stop = StopGradient(enter)
        merge = Merge[N=2](stop, enter:1)
        loss = Neg(merge)
    """)
    assert (found.verdict("w"), found.flow.conditions[found.tensor("w")][0].branch) == ("conditional", "then")


LOOP = """
    def more(i, j) -> c:z:0/10:
        c = Less(i, i)
    def step(i, j) -> j, j:
        n = Neg(i)
    w = VariableV2()
    v = VariableV2()
    loop = While[cond=more, body=step, T=1,1](w, v)
    loss = Neg(loop)
"""


def test_a_gradient_goes_round_the_loop():
    assert Judged(LOOP).verdict("v") == "flows"


def test_a_loop_that_may_not_run_hands_on_the_first_value():
    assert Judged(LOOP).verdict("w") == "flows"


def test_a_stop_argument_stops():
    found = Judged("w = VariableV2()\nh = Neg(w)\nloss = Neg(h)", stopped=["h"])
    assert (found.verdict("w"), found.verdict("h"), found.cut("w", connected_inputs)) == ("none", "flows", ["h stop-argument"])


def test_a_loss_that_is_its_own_variable_flows():
    assert Judged("w = VariableV2()", loss="w").verdict("w") == "flows"


def test_a_value_that_was_assigned_is_state():
    found = Judged("""
        u = VariableV2()
        w = VariableV2()
        set = Assign(w, u)
        read = Identity(w, ^set)
        loss = Neg(read)
    """)
    assert (found.verdict("u"), found.cut("u", connected_inputs)) == ("none", ["set state"])


def test_a_cycle_that_is_no_loop_is_told():
    with pytest.raises(GraphcutError, match="in a cycle"):
        Judged("w = VariableV2()\na = Add(w, b)\nb = Neg(a)\nloss = Neg(b)")


def test_conditionals_nested_2500_deep_cost_what_is_asked_of_them():
    branch = "def f%d(a) -> r:\n    q = Placeholder[dtype=10]()\n    r = If[then_branch=f%d, else_branch=end, Tcond=10](q, a)"
    text = "\n".join([
        *[branch % (level, level + 1) for level in range(2500)], "def f2500(a) -> n:\n    n = Neg(a)",
        "def end(a) -> n:\n    n = Neg(a)", "p = Placeholder[dtype=10]()", "w = VariableV2()",
        "loss = If[then_branch=f0, else_branch=f0, Tcond=10](p, w)",
    ])  # fmt: skip
    begun = time.process_time()
    assert Judged(text).verdict("w") == "flows"
    assert time.process_time() - begun < 6


INPUTS = """
    table = VariableV2()
    w = VariableV2()
    v = VariableV2()
    picked = GatherV2[Tparams=1, Tindices=1, Taxis=1](table, w, v)
    loss = Neg(picked)
"""


def inputs_cut(found, name):
    """The barriers of a cut as op, input and kind."""
    named = cuts(found.flow, connected_inputs).barriers_of(found.tensor(name))
    return [(found.flat.names[fence.op], fence.input, fence.kind.value) for fence in named]


@pytest.mark.parametrize("name, place", [("w", 1), ("v", 2)])
def test_each_of_several_inputs_cut_alike_is_named_as_what_it_is(name, place):
    assert inputs_cut(Judged(INPUTS), name) == [("picked", place, "input")]


def test_a_variable_behind_two_inputs_of_one_op_is_cut_at_both():
    found = Judged("w = VariableV2()\na = Neg(w)\nb = Neg(w)\npicked = GatherV2[Tparams=1](w, a, b)\nloss = Floor(picked)")
    assert inputs_cut(found, "w") == [("loss", 0, "not-differentiable")]
    found = Judged("t = VariableV2()\nw = VariableV2()\na = Neg(w)\nb = Neg(w)\nloss = GatherV2[Tparams=1](t, a, b)")
    assert inputs_cut(found, "w") == [("loss", 1, "input"), ("loss", 2, "input")]


PIECES = """
    w = VariableV2()
    v = VariableV2()
    c = %s(w)
    both = Pack[N=2](c, v)
    parts = Unpack[num=2](both)
    loss = Neg(parts:1)
"""


@pytest.mark.parametrize("op_type, verdict", [("Sqrt", "flows"), ("Exp", "zero")])
def test_an_unknown_gradient_function_may_make_something_of_a_piece_that_is_not_read(op_type, verdict):
    found = Judged(PIECES % op_type, foreign=True, opaque=frozenset(["Sqrt"]))
    assert (found.verdict("w"), found.verdict("v")) == (verdict, "flows")


def test_what_it_makes_reaches_the_pieces_behind_it():
    found = Judged(
        """
        w = VariableV2()
        u = VariableV2()
        v = VariableV2()
        first = Pack[N=2](u, w)
        one = Unpack[num=2](first)
        c = Sqrt(one:1)
        both = Pack[N=2](c, v)
        parts = Unpack[num=2](both)
        loss = Neg(parts:1)
        """,
        foreign=True,
        opaque=frozenset(["Sqrt"]),
    )
    assert (found.verdict("w"), found.verdict("u")) == ("flows", "zero")
