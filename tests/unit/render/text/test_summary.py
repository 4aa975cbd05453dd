from __future__ import annotations

import io

import pytest
from rich.console import Console

from graphcut.render.text.plain_table import table
from graphcut.render.text.terminal_table import rich_table
from graphcut.results import Assumption, BarrierKind, Condition, LeftOut, LeftOutReason, Verdict
from tests.unit.render.text.fakes import FakeAudit, cut, dag, variable

STOPPED = cut("hidden/StopGradient", where="model.py:31")
MIXED = FakeAudit(
    variables=(
        variable("head/kernel"),
        variable("encoder/a", Verdict.NONE, cut=(STOPPED,)),
        variable("encoder/b", Verdict.NONE, cut=(STOPPED,)),
        variable("pooler", Verdict.NONE, unused=True),
        variable("gate", Verdict.CONDITIONAL, conditions=(Condition("cond", "Greater:0", "then"),)),
    ),
    loss_source="the only float output",
)
EXPECTED = """\
loss: loss:0 (the only float output)

verdict      variable       shape   what cuts it                                                 where
none         encoder/* (2)  [3, 2]  stop-gradient at hidden/StopGradient                         model.py:31
none         pooler         [3, 2]  unused: nothing leads from it to the loss
conditional  gate           [3, 2]  comes only in the then branch of cond (predicate Greater:0)
flows        head/kernel    [3, 2]

2 get a gradient (1 in some runs only), 3 do not: 2 cut by 1 stop_gradient, 1 unused"""


def summary(*variables):
    return table(FakeAudit(variables=variables)).splitlines()[-1]


def below_loss(**fields):
    """The line below the loss line, which is the first."""
    first, second = table(FakeAudit(**fields)).splitlines()[:2]
    assert first.startswith("loss: loss:0 (asked)")
    return second


def test_the_table():
    assert table(MIXED) == EXPECTED


def test_the_terminal_says_the_same_words():
    written = io.StringIO()
    console = Console(width=200, file=written)
    console.print(rich_table(MIXED))
    words = written.getvalue().split()
    assert sorted(words) == sorted(EXPECTED.split())


def test_the_summary_of_the_issue():
    cuts = [variable(f"c{i}", Verdict.NONE, cut=(STOPPED,)) for i in range(3)]
    flows = [variable(f"f{i}") for i in range(17)]
    said = summary(*flows, *cuts, variable("u", Verdict.NONE, unused=True))
    assert said == "17 get a gradient, 4 do not: 3 cut by 1 stop_gradient, 1 unused"


def test_the_summary_counts_every_verdict():
    variables = [variable(each.value, each) for each in Verdict]
    assert summary(*variables) == ("2 get a gradient (1 in some runs only), 3 do not: 1 raises an error, 1 always zero, 1 cut")


def test_an_unused_variable_whose_zeros_were_asked_for_counts_once():
    assert summary(variable("w", Verdict.ZERO, unused=True)) == "0 get a gradient, 1 does not: 1 unused"


def test_several_barriers_are_counted_by_kind():
    cuts = (cut("a", BarrierKind.PYTHON, "PyFunc"), cut("b"), cut("c"))
    assert summary(variable("w", Verdict.NONE, cut=cuts)).endswith("1 cut by 2 stop_gradients and 1 Python call")


def test_a_long_cut_counts_what_it_does_not_name():
    line = table(FakeAudit(variables=(variable("w", Verdict.NONE, cut=(cut("a"),), cut_size=9),))).splitlines()[4]
    assert line.endswith("stop-gradient at a; 8 more")


def test_a_stop_that_a_library_made_is_counted_where_something_else_cuts():
    own, library = cut("mine", BarrierKind.PYTHON, "PyFunc"), cut("keras", library=True)
    line = table(FakeAudit(variables=(variable("w", Verdict.NONE, cut=(library, own)),))).splitlines()[4]
    assert line.endswith("python at mine (PyFunc); 1 more")


def test_a_stop_that_a_library_made_is_named_where_nothing_else_cuts():
    line = table(FakeAudit(variables=(variable("w", Verdict.NONE, cut=(cut("keras", library=True),)),))).splitlines()[4]
    assert line.endswith("stop-gradient at keras")


def test_an_integer_loss_is_said_once_below_its_line():
    assert below_loss(loss_dtypes=("int64",), variables=(variable("w", Verdict.NONE),)) == (
        "the loss is int64: only a float loss has a gradient"
    )


def test_a_loss_that_trains_nothing_is_said_below_its_line():
    assert below_loss(variables=(variable("w", Verdict.NONE, cut=(STOPPED,)),)).startswith("this loss trains nothing")


@pytest.mark.parametrize(
    "graph, said",
    [
        ("x = Placeholder\nw = VariableV2\nloss = Square x", "the loss depends on none of these variables"),
        ("x = Placeholder\nw = VariableV2\nloss = Identity x", "the loss depends on nothing in this graph: it was computed"),
        ("x = Const\nw = VariableV2\nloss = Identity x", "the loss is a constant: it depends on nothing in this graph"),
    ],
)
def test_a_loss_that_depends_on_no_variable_is_said_below_its_line(graph, said):
    assert below_loss(graph=dag(graph), variables=(variable("w", Verdict.NONE, unused=True),)).startswith(said)


def test_a_frozen_variable_is_said_to_be_not_trainable():
    assert "not trainable" in table(FakeAudit(variables=(variable("w", trainable=False),)))


def test_assumptions_are_said_aloud():
    assumed = tuple(Assumption(f"gelu_{i}", "IdentityN", "its custom gradient was not saved") for i in range(3))
    assert "assumed to let gradients through: gelu_0 and 2 more (IdentityN): its custom gradient was not saved" in (
        table(FakeAudit(variables=(variable("w"),), assumptions=assumed))
    )


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\nb", "\u202eevil", "tab\t", "\x00", "\ud800"])
def test_names_are_escaped(name):
    audit = FakeAudit(variables=(variable(name, Verdict.NONE, cut=(cut(name),)),), loss=(name,))
    assert all(char.isprintable() for char in table(audit).replace("\n", ""))


def test_a_name_is_no_markup():
    written = io.StringIO()
    console = Console(width=200, file=written)
    console.print(rich_table(FakeAudit(variables=(variable("[bold]w[/bold]"),), loss=("[red]l[/]:0",))))
    assert "[bold]w[/bold]" in written.getvalue() and "[red]l[/]:0" in written.getvalue()


def test_variables_that_are_named_in_one_row_have_each_its_shape():
    audit = FakeAudit(variables=(variable("a", shape=(2,)), variable("b", shape=(None, 3)), variable("c", shape=None)))
    assert "a, b, c   [2], [?, 3], ?" in table(audit)


def test_what_is_hypothetical_says_so():
    assert table(FakeAudit(hypothesis="without hidden")).startswith("loss: loss:0 (asked); hypothetical: without hidden\n")


def test_what_the_step_writes_without_a_gradient_is_no_frozen_variable():
    slot = variable("m", Verdict.NONE, trainable=False, unused=True, is_updated=True)
    frozen = variable("f", Verdict.NONE, trainable=False, unused=True, is_updated=False)
    moved = variable("g", trainable=False, is_updated=True)
    assert (
        summary(variable("w"), slot) == "1 gets a gradient; 1 state (slots, averages) that the step writes without a gradient"
    )
    assert summary(frozen, moved) == "2 frozen: 1 gets a gradient, 1 does not: 1 unused"


def test_counts_tell_trainable_from_frozen():
    frozen = variable("f", trainable=False), variable("g", Verdict.NONE, trainable=False, cut=(STOPPED,))
    said = summary(variable("w"), variable("v"), *frozen)
    assert said == "2 get a gradient; 2 frozen: 1 gets a gradient, 1 does not: 1 cut by 1 stop_gradient"
    assert summary(*frozen).startswith("2 frozen: 1 gets a gradient")


def test_each_of_several_barriers_has_its_line_beside_it():
    cuts = (cut("argmax", where="a.py:1"), cut("round", where="b.py:2"))
    audit = FakeAudit(variables=(variable("w", Verdict.NONE, cut=cuts),))
    (row,) = [line for line in table(audit).splitlines() if line.startswith("none")]
    assert "argmax, a.py:1; stop-gradient at round, b.py:2" in row


def test_a_term_of_the_loss_that_a_gradient_comes_only_through_is_named():
    audit = FakeAudit(variables=(variable("w", only_through=("l2/mul",)),))
    assert "comes only through the loss term l2/mul" in table(audit)


def test_an_untracked_layer_is_no_plain_variable():
    reason = LeftOutReason.FORGOTTEN
    found = tuple(LeftOut(name, True, reason, is_untracked=True) for name in ("scale0", "inner/kernel", "inner/bias"))
    lines = table(FakeAudit(variables=(variable("w"),), left_out=found)).splitlines()
    assert "the model does not track a plain tf.Variable: in Keras 3 create scale0 with self.add_weight" in lines
    assert "the model does not track the layer of inner/* (2): make it an attribute of the model" in lines


def test_a_cell_names_as_many_variables_as_fit_into_it():
    names = ["a" * 60 + "/" + "b" * 30, "c" * 60, "d", "e"]
    row = next(
        line for line in table(FakeAudit(variables=tuple(map(variable, names)))).splitlines() if line.startswith("flows")
    )
    assert f"{names[0]} and 3 more" in row and len(row) < 130


FORGOTTEN = LeftOut("head", True, LeftOutReason.FORGOTTEN)


@pytest.mark.parametrize(
    "is_recorded, first, last",
    [
        (False, "none of the variables asked about gets a gradient", "not asked about, but read by the loss: head"),
        (True, "this loss trains nothing: no variable gets a gradient", "not asked for although the loss reads them: head"),
    ],
)
def test_what_the_user_did_not_ask_about_is_no_fault(is_recorded, first, last):
    blocked = variable("w", Verdict.NONE, cut=(STOPPED,))
    lines = table(FakeAudit(variables=(blocked,), left_out=(FORGOTTEN,), is_recorded=is_recorded)).splitlines()
    assert first in lines and last in lines
