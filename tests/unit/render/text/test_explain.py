from __future__ import annotations

from dataclasses import replace

import pytest

import graphcut
from graphcut.analysis.reasons.reason import Reason, Term
from graphcut.analysis.reasons.routes import Step
from graphcut.render.text.advice import LIBRARY, LOOP, LOSS_DTYPE, NO_BRANCH, PIECES, PRODUCT, STAND_INS, advice
from graphcut.render.text.explain import explain
from graphcut.render.text.route_line import route
from graphcut.results import BarrierKind, Condition, Verdict
from graphcut.results.barrier_kinds import BARRIER_RECORDS
from graphcut.results.words import VERDICTS
from graphcut.util.source_lines import source_line
from tests.unit.render.text.fakes import FakeAudit, cut, variable

AUDIT = FakeAudit()


def said(*cuts, audit=AUDIT, verdict=Verdict.NONE, reason=None, **fields):
    known = Reason(**{"cut": cuts, "size": len(cuts), "crossed": 1, **(reason or {})})
    return explain(replace(audit, known=known), variable("w", cut=cuts, verdict=verdict, **fields))


@pytest.mark.parametrize("barrier", BarrierKind)
def test_every_barrier_has_words(barrier):
    assert BARRIER_RECORDS[barrier].because in said(cut("z", barrier, "Op"))


@pytest.mark.parametrize("barrier", BarrierKind)
def test_every_barrier_has_advice_of_its_own(barrier):
    assert BARRIER_RECORDS[barrier].advice in said(cut("z", barrier, "Op"))
    advice_of_kind = BARRIER_RECORDS[barrier].advice
    assert [each for each, record in BARRIER_RECORDS.items() if record.advice == advice_of_kind] == [barrier]


@pytest.mark.parametrize("dtype, key", [("float32", "float"), ("bfloat16", "float"), ("bool", "bool"), ("int64", "int")])
def test_what_an_op_makes_tells_what_may_stand_in_its_place(dtype, key):
    assert advice(cut("z", BarrierKind.NOT_DIFFERENTIABLE, "Op"), dtype) == STAND_INS[key]


def test_a_stop_inside_a_library_has_advice_of_its_own():
    assert LIBRARY in said(cut("z", library=True))


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_words(verdict):
    assert VERDICTS[verdict] in said(verdict=verdict)


def test_the_cut_has_its_line():
    text = said(cut("z", where="model.py:3"))
    assert "It is cut by stop-gradient at z, model.py:3: tf.stop_gradient was put there to stop it." in text


def test_a_value_that_comes_back_as_several_constants_is_told_once():
    left = [cut("constant%s" % end, BarrierKind.PYTHON, "Const", where="model.py:3") for end in ("", "_1", "_2", "_3")]
    other = cut("constant_4", BarrierKind.PYTHON, "Const", where="model.py:9")
    text = said(*left, other)
    assert text.count("model.py:3") == 1 and text.count("model.py:9") == 1
    assert "more" not in text


def test_the_line_of_the_code_is_quoted(tmp_path):
    (tmp_path / "model.py").write_text("one\n    two = 'it\\'s'\t# \x1b\n")
    text = said(cut("z", where="%s:2" % (tmp_path / "model.py")))
    assert text.splitlines()[2] == "    two = 'it\\'s'\\t# \\x1b"


@pytest.mark.parametrize("where", [None, "", "gone.py:3", "no line", "/:1", "/dev/zero:1", "/etc/passwd:1"])
def test_a_line_that_cannot_be_read_is_left_out(where):
    assert source_line(where) == ""


def test_a_variable_that_is_not_trainable_needs_no_advice():
    assert "What to do" not in said(cut("z"), trainable=False)


def test_an_unused_variable_is_said_to_be_unused():
    assert "nothing leads from it to the loss loss:0" in said(unused=True)


def test_a_condition_names_branch_and_predicate():
    text = said(verdict=Verdict.CONDITIONAL, conditions=(Condition("case", "index:0", 2),))
    assert "Every route lies in branch 2 of case (predicate index:0)" in text


def test_one_barrier_is_enough():
    assert "Remove it and the gradient gets through; nothing else blocks it." in said(cut("z"))


@pytest.mark.parametrize("barrier", [BarrierKind.ZERO_FILLED, BarrierKind.OUTSIDE_TAPE, BarrierKind.DTYPE])
def test_nothing_is_promised_of_one_line_where_several_may_have_to_move(barrier):
    assert "gets through" not in said(cut("z", barrier, "Op"))


def test_barriers_side_by_side():
    text = said(cut("y"), cut("z"))
    assert "Remove any one of them and the gradient gets through; each blocks a route of its own." in text


def test_barriers_one_behind_the_other():
    text = said(cut("y"), cut("z"), reason={"crossed": 2})
    assert "Remove both of them and the gradient gets through; nothing else blocks it." in text


def test_what_would_still_make_the_gradient_zero():
    text = said(cut("z"), reason={"behind": (cut("m", BarrierKind.ZERO, "Mul"),)})
    assert "Remove it and the gradient is still always zero: zero at m (Mul)." in text


def test_what_would_raise_then():
    text = said(cut("z"), reason={"raising": cut("hue", BarrierKind.NO_GRADIENT, "AdjustHue")})
    assert "Remove it and TensorFlow raises an error: w also feeds hue (AdjustHue), which has no gradient." in text


def test_an_integer_loss_comes_before_any_barrier():
    text = said(cut("z"), audit=FakeAudit(loss_dtypes=("int64",)))
    assert text.splitlines()[1] == "The loss loss:0 is int64: only a float loss has a gradient."
    assert LOSS_DTYPE in text and BARRIER_RECORDS[BarrierKind.STOP_GRADIENT].advice not in text and "Remove" not in text


def test_the_regularizer_is_named():
    term, other = Term("l2", "model.py:9", True), Term("entropy", None, False)
    text = said(verdict=Verdict.FLOWS, reason={"term": term, "terms": 2, "cut_off": (other,)})
    assert "It comes only through the regularizer l2 (model.py:9), one of 2 terms of the loss; entropy uses it too" in text
    assert "leave it out of the regularizer" in text


def test_a_barrier_that_the_gradient_goes_round_is_told_where_it_is_asked_for():
    text = said(verdict=Verdict.FLOWS, reason={"harmless": (cut("clean"),)})
    assert "Another route is blocked by stop-gradient at clean; the gradient bypasses it." in text


def test_a_barrier_that_ends_the_gradient_in_other_runs_is_told_before_those_it_goes_round():
    text = said(verdict=Verdict.CONDITIONAL, reason={"ending": (cut("else"),), "harmless": (cut("clean"),)})
    first, second = text.splitlines()[1:3]
    assert first == "In other runs the gradient reaches stop-gradient at else, and ends there."
    assert second.startswith("Another route is blocked by stop-gradient at clean")


@pytest.mark.parametrize("kind", ["If", "StatelessIf", "Case"])
def test_zeros_that_fill_a_branch_are_told_from_those_of_a_result_that_nobody_reads(kind):
    assert advice(cut("z", BarrierKind.ZERO_FILLED, kind), "") == NO_BRANCH
    assert advice(cut("z", BarrierKind.ZERO_FILLED, "PartitionedCall"), "") == BARRIER_RECORDS[BarrierKind.ZERO_FILLED].advice
    assert advice(cut("z", BarrierKind.ZERO_FILLED, "StatelessWhile"), "") == LOOP


@pytest.mark.parametrize(
    "kind, text", [("MatMul", PRODUCT), ("Mul", PRODUCT), ("Pack", PIECES), ("Sign", BARRIER_RECORDS[BarrierKind.ZERO].advice)]
)
def test_a_gradient_that_is_always_zero_is_told_by_what_makes_it_so(kind, text):
    assert advice(cut("z", BarrierKind.ZERO, kind), "float32") == text


def test_a_cast_is_said_to_be_one():
    text = said(cut("z", BarrierKind.NOT_DIFFERENTIABLE, "Cast"), reason={"dtypes": {"z": "int32"}})
    assert "not-differentiable at z (Cast): no gradient passes a cast to int32." in text


def steps(*names, **barriers):
    return tuple(Step(name, "Op", barriers.get(name)) for name in names)


def test_a_route_names_its_barrier():
    assert route("w", steps("a", "stop", "loss", stop=BarrierKind.STOP_GRADIENT)) == "w → a → ✗ stop → loss"


def test_a_route_folds_scopes():
    assert route("w", steps("model/a/x", "call!model/a/y", "loss")) == "w → model/a (2 ops) → loss"


def test_a_long_route_counts_its_middle():
    found = steps("a", "b") + (Step("c", "Op", left_out=90),) + steps("d", "e", "f", "g", "h", "loss")
    assert route("w", found) == "w → a → b → c → 93 more ops → g → h → loss"


def test_counts_of_ops_that_follow_each_other_are_one():
    found = (
        steps("a", "b") + (Step("c", "Op", left_out=7),) + steps("d", "e") + (Step("f", "Op", left_out=7),) + steps("g", "h")
    )
    counted = route("w", found)
    assert counted.count("more op") == 1 and "more ops → 7" not in counted


def test_twelve_lines_are_enough():
    cuts = tuple(cut(f"z{i}", barrier, where=__file__ + ":1") for i, barrier in enumerate(BarrierKind))
    conditions = tuple(Condition(f"c{i}", "p:0", "else") for i in range(9))
    for verdict in Verdict:
        reason = {
            "harmless": cuts,
            "ending": cuts,
            "term": Term("t", None, True),
            "cut_off": (Term("o", None, False),) * 9,
            "terms": 10,
        }
        text = said(verdict=verdict, conditions=conditions, reason={**reason, "cut": (), "route": steps("a")}, trainable=False)
        assert len(text.splitlines()) <= 12
        text = said(*cuts, verdict=verdict, reason={"size": 99, "route": steps("a")}, trainable=False)
        assert len(text.splitlines()) <= 12


def test_zeros_filled_in_name_the_results_that_the_variable_feeds(tmp_path):
    """Two results of one call: the loss reads the first, and the other variable feeds the second alone."""
    text = """
        node { name: "v" op: "VariableV2"
          attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "shape" value { shape {} } } }
        node { name: "w" op: "VariableV2"
          attr { key: "dtype" value { type: DT_FLOAT } } attr { key: "shape" value { shape {} } } }
        node { name: "call" op: "PartitionedCall" input: "v" input: "w"
          attr { key: "f" value { func { name: "f" } } }
          attr { key: "Tin" value { list { type: DT_FLOAT type: DT_FLOAT } } }
          attr { key: "Tout" value { list { type: DT_FLOAT type: DT_FLOAT } } } }
        node { name: "loss" op: "Neg" input: "call" attr { key: "T" value { type: DT_FLOAT } } }
        library { function {
          signature { name: "f" input_arg { name: "a" type: DT_FLOAT } input_arg { name: "b" type: DT_FLOAT }
            output_arg { name: "n" type: DT_FLOAT } output_arg { name: "m" type: DT_FLOAT } }
          node_def { name: "Neg" op: "Neg" input: "a" attr { key: "T" value { type: DT_FLOAT } } }
          node_def { name: "Abs" op: "Abs" input: "b" attr { key: "T" value { type: DT_FLOAT } } }
          ret { key: "n" value: "Neg:y:0" } ret { key: "m" value: "Abs:y:0" } } }
    """
    path = tmp_path / "graph.pbtxt"
    path.write_text(text)
    audit = graphcut.audit(str(path), loss="loss")
    assert audit["w"].verdict.value == "zero"
    assert "it feeds only output 1 of this call, the loss reads other results, and TensorFlow fills in zeros" in audit.explain(
        "w"
    )
