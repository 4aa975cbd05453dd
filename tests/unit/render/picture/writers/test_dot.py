from __future__ import annotations

import networkx as nx
import pytest

from graphcut.analysis.idioms import Idiom
from graphcut.render.picture.build import picture
from graphcut.render.picture.model import Box, Line, Link, Role
from graphcut.render.picture.style import LINE_WORDS, LINES, ROLE_WORDS, ROLES, VERDICT_WORDS, VERDICTS
from graphcut.render.picture.writers.dot import title, to_dot, write
from graphcut.render.text.advice import OWN, SAMPLES, brief
from graphcut.results import BarrierKind, LeftOut, LeftOutReason, Verdict
from graphcut.results.barrier_kinds import BARRIER_RECORDS
from tests.unit.render.text.fakes import FakeAudit, cut, dag, variable

HOSTILE = [
    "<lambda>", "<b>bold</b>", 'quo"te', "back\\slash", "tail\\", "new\nline", "\\N\\G", "a:b:c", "&lt;script&gt;", "\x1b[31m",
    "</title><script>alert(1)</script>", "--><x", "]]>", "{a|<p>b}", "n0", "node", "\ud800", "é\u202eé", "x" * 10000, "",
]  # fmt: skip


def named(name):
    graph = dag("w = VariableV2\nstop = StopGradient w\nloss = Mean stop")
    odd = {"w": name + "/w", "stop": name + "/stop", "loss": name}
    fake = dag("")
    for op, told in graph.nodes(data=True):
        fake.add_node(odd[op], **{**told, "inputs": tuple(odd[each[:-2]] + ":0" for each in told["inputs"])})
    for one, other, told in graph.edges(data=True):
        fake.add_edge(odd[one], odd[other], **told)
    stopped = variable(odd["w"], Verdict.NONE, cut=(cut(odd["stop"], where=name + ":1"),))
    return FakeAudit(graph=fake, variables=(stopped,), loss=(name + ":0",))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_only_ever_quoted_labels(name):
    text = to_dot(named(name))
    assert "=<" not in text and all(char.isprintable() or char in "\n\t" for char in text)


def test_every_word_has_a_look_and_a_line_in_the_legend():
    assert set(VERDICTS) == set(VERDICT_WORDS) == set(Verdict)
    assert set(LINES) == set(LINE_WORDS) == set(Line)
    assert set(ROLES) == set(ROLE_WORDS)


@pytest.mark.parametrize("look", ["shape", "color", "style"])
def test_any_one_look_tells_the_verdicts_apart(look):
    told = {(looks[look], looks["shape"] if look == "style" else "") for looks in VERDICTS.values()}
    assert len(told) == len(Verdict)


class Forgetful(FakeAudit):
    """An audit whose gradient call forgot some variables, each of which several ops stand for."""

    @property
    def left_out_ops(self):
        left = [LeftOut("head/a", True, LeftOutReason.FORGOTTEN), LeftOut("head/b", True, LeftOutReason.FORGOTTEN)]
        return {0: left[0], 1: left[0], 2: left[1], 3: LeftOut("base", False, LeftOutReason.FROZEN)}


def test_the_title_counts_what_the_gradient_call_forgot():
    assert title(Forgetful(variables=(variable("c"),))) == "the variable gets a gradient; 2 more were not asked for"
    assert title(Forgetful(variables=(variable("c", Verdict.NONE, unused=True),))).endswith(
        ": unused; 2 more were not asked for"
    )


def test_the_title_begins_with_what_is_wrong():
    raises, zero = variable("a", Verdict.RAISES), variable("b", Verdict.ZERO, cut=(cut("mul", BarrierKind.ZERO, "Mul"),))
    assert title(FakeAudit(variables=(raises, zero, variable("c")))) == (
        "2 of 3 variables get no gradient (1 by an error, 1 always zeros): raises; mul"
    )
    assert title(FakeAudit(variables=(variable("c"),))) == "the variable gets a gradient"


@pytest.mark.parametrize(
    "names, bad, words",
    [
        ("ab", "a", "1 of 2 variables gets no gradient: mul"),
        ("abc", "ab", "2 of 3 variables get no gradient: mul"),
        ("ab", "ab", "none of the 2 variables gets a gradient: mul"),
        ("a", "a", "the variable gets no gradient: mul"),
    ],
)
def test_the_title_is_a_sentence_for_every_number(names, bad, words):
    found = [variable(each, Verdict.NONE, cut=(cut("mul", BarrierKind.ZERO, "Mul"),)) for each in bad]
    assert title(FakeAudit(variables=(*found, *(variable(each) for each in names if each not in bad)))) == words


def test_the_title_names_every_stop_of_a_cut():
    stops = (cut("stop", where="sub.py:25"), cut("stop_1", where="sub.py:26"))
    audit = FakeAudit(variables=(variable("w", Verdict.NONE, cut=stops), variable("v")))
    assert title(audit).endswith("no gradient: stop_gradient, sub.py:25; stop_gradient, sub.py:26")


def test_the_title_names_the_ops_of_a_file_that_knows_no_lines():
    stops = [variable(each, Verdict.NONE, cut=(cut(f"{each}/stop"),)) for each in "ab"]
    gather = variable("c", Verdict.NONE, cut=(cut("pick", BarrierKind.INPUT, "GatherV2"),))
    argmax = variable("d", Verdict.NONE, cut=(cut("head/ArgMax", BarrierKind.NOT_DIFFERENTIABLE, "ArgMax"),))
    assert title(FakeAudit(variables=(*stops, gather, argmax, variable("e")))).endswith(
        "no gradient: 2 × stop_gradient; GatherV2 pick; head/ArgMax"
    )


@pytest.mark.parametrize("kind, words", [("outside-tape", "outside the tape"), ("state", "assignment"), ("input", "GatherV2")])
def test_the_title_names_the_cause_where_the_op_is_an_ordinary_one(kind, words):
    barrier = cut("op", BarrierKind(kind), "GatherV2", where="sub.py:25")
    blocked = variable("w", Verdict.NONE, cut=(barrier,))
    assert title(FakeAudit(variables=(blocked,))) == f"the variable gets no gradient: {words}, sub.py:25"


@pytest.mark.parametrize("end", ["loss", "Identity"])
def test_the_loss_shows_its_line(end):
    class Placed(FakeAudit):
        def place(self, op):
            return ("/src/model.py:7" if self.flat.names[op] == "loss" else None), False

    audit = Placed(graph=dag("w = VariableV2\nloss = Mean w\nIdentity = Identity loss"), loss=(end + ":0",))
    (loss,) = [box for _, box in picture(audit).nodes(data="box") if box.role is Role.LOSS]
    assert loss.lines == (end + ":0", "model.py:7")


def test_the_title_names_the_condition_of_a_loop():
    barrier = cut("while!result#0", BarrierKind.INPUT, "_Retval", where="sub.py:25")
    blocked = variable("w", Verdict.NONE, cut=(barrier,))
    assert title(FakeAudit(variables=(blocked,))) == "the variable gets no gradient: condition, sub.py:25"


ADVICE = [each.brief for each in BARRIER_RECORDS.values()] + [each.brief for each in Idiom]
SAMPLED = [brief(cut("op", BarrierKind.NOT_DIFFERENTIABLE, each), "") for each in sorted({*OWN, *SAMPLES})]


@pytest.mark.parametrize("words", sorted({*ADVICE, *SAMPLED}))
def test_no_advice_is_cut_short(words):
    drawn = nx.MultiDiGraph()
    drawn.add_node("n0", box=Box(Role.LOSS, "loss", (), ("loss",)))
    drawn.add_node("n1", box=Box(Role.OP, "op", (), ("op",)))
    drawn.add_edge("n0", "n1", key=Line.CUT, link=Link(Line.CUT, ("state",), advice=(words,)))
    assert words in write(drawn, "")
