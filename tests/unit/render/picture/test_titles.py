"""The titles of boxes with several ops; which boxes share a frame, are large, or are folded."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

from graphcut.render.picture.build import picture
from graphcut.render.picture.model import Box, Role
from graphcut.render.picture.scopes import place_scopes
from graphcut.render.picture.view import PictureOptions
from graphcut.render.picture.writers.dot import title, to_dot
from graphcut.results import Condition, LeftOut, LeftOutReason, Verdict
from tests.unit.render.picture.audits import STOPPED, through
from tests.unit.render.text.fakes import FakeAudit, cut, dag, variable

NAMES = ("hidden", "w1", "w2")


class Placed(FakeAudit):
    """Every op has the line of its number in ``model.py``; what is called ``Lib`` has one in another file each."""

    def place(self, op):
        name = self.flat.names[op]
        return (f"/src/{name}.py:{op}" if name.startswith("Lib") else f"/src/model.py:{op}"), False


def row(*names, kind=FakeAudit):
    """A row of ops from a variable to the loss, cut at none, with a second that is cut off."""
    lines = ["w = VariableV2", "u = VariableV2", "stop = StopGradient u"]
    lines += [f"{name} = Relu {before}" for before, name in zip(("w", *names), names)]
    lines += [f"loss = Add {names[-1]} stop"]
    variables = (variable("w"), variable("u", Verdict.NONE, cut=(cut("stop"),)))
    return kind(graph=dag("\n".join(lines)), variables=variables, carrying=frozenset({"loss", "w", *names}))


def folded(audit):
    return [(box.title, box.lines) for _, box in picture(audit).nodes(data="box") if box.folded]


def test_ops_without_a_scope_are_called_by_their_source_lines():
    assert folded(row("a", "b", "c", kind=Placed)) == [("model.py:3-5", ("Relu", "3 ops"))]


def test_ops_of_a_notebook_are_called_by_their_cell(monkeypatch):
    shell = SimpleNamespace(compile=SimpleNamespace(_filename_map={"/src/model.py": 7}))
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert folded(row("a", "b", "c", kind=Placed))[0][0] == "In[7]:3-5"


def test_ops_of_many_files_are_called_by_their_types():
    assert folded(row("Lib1", "Lib2", "Lib3", kind=Placed)) == [("Relu", ("3 ops",))]


def test_ops_of_one_layer_are_called_by_it():
    assert folded(row("dense/a", "dense/b", kind=Placed)) == [("dense", ("Relu", "2 ops"))]


def test_ops_of_several_layers_are_called_by_the_first_and_the_last():
    names = [f"net/block_{at}/Relu" for at in range(5)]
    assert folded(row(*names)) == [("net", ("block_0 … block_4", "Relu", "5 ops"))]


def layers(variables_in, ops_in):
    """A layer that gets a gradient and one behind a stop."""
    lines, live, last = ["x = Placeholder"], {"loss"}, "x"
    for at in (0, 1):
        home, scope = variables_in % at, ops_in % at
        lines += [
            f"{home}/kernel = VariableV2",
            f"{scope}/MatMul = MatMul {last} {home}/kernel",
            f"{scope}/Relu = Relu {scope}/MatMul",
        ]
        last = f"{scope}/Relu"
        lines += ["stop = StopGradient " + last] if at == 0 else []
        last = "stop" if at == 0 else last
    live.update({variables_in % 1 + "/kernel", ops_in % 1 + "/MatMul", ops_in % 1 + "/Relu"})
    variables = (
        variable(variables_in % 0 + "/kernel", Verdict.NONE, cut=(cut("stop"),)),
        variable(variables_in % 1 + "/kernel"),
    )
    return FakeAudit(graph=dag("\n".join([*lines, f"loss = Mean {last}"])), variables=variables, carrying=frozenset(live))


def scopes(audit):
    return {box.ops[0]: box.scope for _, box in picture(audit).nodes(data="box") if box.role in (Role.VARIABLE, Role.OP)}


def test_a_layer_counted_up_within_its_model_shares_a_frame_with_its_variables():
    found = scopes(layers("layer%s_a", "functional_1/layer%s_a_1"))
    assert found["layer0_a/kernel"] == ("functional_1", "layer0_a") == found["functional_1/layer0_a_1/MatMul"]


def test_a_layer_counted_up_shares_a_frame_with_its_variables():
    found = scopes(layers("layer%s_a", "layer%s_a_1"))
    assert found["layer0_a/kernel"] == ("layer0_a",) == found["layer0_a_1/MatMul"]


def test_what_is_cut_is_larger_than_what_flows():
    lines = to_dot(STOPPED).splitlines()
    sizes = {name: any("fontsize=14" in each for each in lines if re.search(f'[^o]label="?{name}', each)) for name in NAMES}
    assert sizes == {"hidden": True, "w1": True, "w2": False}


def test_what_flows_is_folded_where_something_is_cut_and_what_is_cut_is_not():
    audit = layers("net/layer%s", "net/layer%s")
    found = [box.ops for _, box in picture(audit).nodes(data="box") if box.role is Role.OP]
    assert found == [("net/layer0/MatMul",), ("net/layer0/Relu",), ("net/layer1/MatMul", "net/layer1/Relu")]


def test_nothing_is_folded_for_size_where_everything_flows():
    assert not folded(through(2, 5))


def test_the_title_says_what_gets_a_gradient_in_some_runs_only():
    condition = (Condition("cond", "pred:0", "then"),)
    gate, w = variable("gate", Verdict.CONDITIONAL, conditions=condition), variable("w")
    assert title(FakeAudit(variables=(gate, w))) == "both variables get a gradient, 1 in some runs only"
    assert title(FakeAudit(variables=(gate,))) == "the variable gets a gradient, in some runs only"


def test_no_scope_in_a_title_covers_a_variable_that_was_left_out():
    names = [f"net/layer_{at}/{name}" for at in range(40) for name in ("kernel", "bias")]
    lines = [f"{name} = VariableV2" for name in (*names, "net/frozen")]
    graph = dag("\n".join([*lines, f"sum = AddN {' '.join(names)} net/frozen", "loss = Mean sum"]))
    facts = {"graph": graph, "variables": tuple(map(variable, names)), "carrying": frozenset(["sum", "loss", *names])}
    frozen = (LeftOut("net/frozen", False, LeftOutReason.FROZEN),)
    titles = [
        next(box.title for _, box in picture(FakeAudit(left_out=each, **facts)).nodes(data="box")) for each in ((), frozen)
    ]
    assert titles == ["net/* (80)", "net/layer_0..39/* (80)"]


def test_a_layer_without_variables_is_in_the_frame_of_its_model():
    graph = dag("""
        x = Placeholder
        net/dense/kernel = VariableV2
        net_1/dense_1/MatMul = MatMul x net/dense/kernel
        net_1/round_1/Round = Round net_1/dense_1/MatMul
        net/head/kernel = VariableV2
        net_1/head_1/MatMul = MatMul net_1/round_1/Round net/head/kernel
        loss = Mean net_1/head_1/MatMul
    """)
    variables = (variable("net/dense/kernel", Verdict.NONE, cut=(cut("net_1/round_1/Round"),)), variable("net/head/kernel"))
    audit = FakeAudit(graph=graph, variables=variables, carrying=frozenset({"loss", "net_1/head_1/MatMul", "net/head/kernel"}))
    (barrier,) = [box for _, box in picture(audit).nodes(data="box") if box.role is Role.BARRIER]
    assert (barrier.scope, barrier.title) == (("net",), "round_1/Round")


def test_all_variables_of_a_scope_without_a_frame_are_named_by_a_pattern():
    boxes = [
        Box(Role.LOSS, "loss", (), ("loss",)),
        Box(Role.VARIABLE, "both variables", (), (), ("net",), variables=("a", "b")),
    ]
    assert [each.title for each in place_scopes(boxes, {0: [], 1: [0]})] == ["loss", "net/* (2)"]


def test_an_op_with_the_name_of_a_scope_is_in_its_frame():
    graph = dag("""
        w = VariableV2
        softmax/Reshape = Reshape w
        softmax = Softmax softmax/Reshape
        softmax/Mul = Mul softmax softmax/Reshape
        loss = Mean softmax/Mul
    """)
    live = frozenset({"loss", "w", "softmax", "softmax/Reshape", "softmax/Mul"})
    drawn = picture(FakeAudit(graph=graph, variables=(variable("w"),), carrying=live))
    scopes = {box.ops: box.scope for _, box in drawn.nodes(data="box") if box.role is Role.OP}
    assert len(scopes) == 3 and set(scopes.values()) == {("softmax",)}


def test_a_scope_of_one_op_is_no_frame_around_the_op_of_its_name():
    graph = dag("w = VariableV2\nCast/Read = Cast w\nCast = Cast Cast/Read\nloss = Mean Cast")
    audit = FakeAudit((variable("w"),), graph=graph, carrying=frozenset({"loss", "w", "Cast", "Cast/Read"}))
    assert all(not box.scope for _, box in picture(audit).nodes(data="box"))


def test_what_graphcut_named_itself_is_in_words():
    graph = dag(
        "w = VariableV2\nwhile!variable#3 = _LoopVar w\nwhile!result#3 = _Retval while!variable#3\nloss = Mean while!result#3"
    )
    live = frozenset({"loss", "w", "while!variable#3", "while!result#3"})
    drawn = picture(FakeAudit((variable("w"),), graph=graph, carrying=live), PictureOptions(detail="ops"))
    assert {"loop variable", "result"} & {box.title for _, box in drawn.nodes(data="box")}


def test_the_loss_is_in_no_frame():
    graph = dag("w = VariableV2\nloss/Mul = Mul w\nloss/Add = Add loss/Mul w\nloss = Mean loss/Add")
    live = frozenset({"loss", "w", "loss/Mul", "loss/Add"})
    scopes = {
        box.role: box.scope for _, box in picture(FakeAudit((variable("w"),), graph=graph, carrying=live)).nodes(data="box")
    }
    assert scopes[Role.LOSS] == () and scopes[Role.OP] == ("loss",)


def test_a_row_through_an_op_with_the_name_of_a_scope_is_one_box():
    assert folded(row("softmax/Reshape", "softmax", "softmax/Mul")) == [("Relu", ("3 ops",))]


def test_a_row_through_an_op_that_only_reads_a_variable_in_its_scope_is_one_box():
    graph = dag("""
        w = VarHandleOp -> resource
        u = VarHandleOp -> resource
        v = VariableV2
        stop = StopGradient v
        MatMul/Read = ReadVariableOp w
        MatMul = MatMul MatMul/Read stop
        Mul = Mul MatMul
        loss = Mean Mul
    """)
    variables = (variable("w"), variable("v", Verdict.NONE, cut=(cut("stop"),)))
    audit = FakeAudit(variables, graph=graph, carrying=frozenset({"loss", "Mul", "MatMul", "MatMul/Read", "w"}))
    assert folded(audit) == [("MatMul, Mul", ())]


def test_an_op_with_the_name_of_its_scope_says_it_once():
    boxes = [
        Box(Role.LOSS, "loss", (), ("loss",)),
        Box(Role.OP, "Softmax", (), ("net/Softmax_1/Softmax",), ("net", "Softmax_1")),
    ]
    boxes += [Box(Role.OP, "Relu", (), ("net/Relu",), ("net",))]
    assert [each.title for each in place_scopes(boxes, {0: [], 1: [0], 2: [0]})] == ["loss", "Softmax_1", "Relu"]


def test_a_variable_is_in_the_frame_of_its_layer_whose_ops_are_deeper_inside():
    boxes = [
        Box(Role.LOSS, "loss", (), ("loss",)),
        Box(Role.OP, "mul", (), ("net/norm/batchnorm/mul",), ("net", "norm", "batchnorm")),
        Box(Role.OP, "add", (), ("net/norm/batchnorm/add",), ("net", "norm", "batchnorm")),
        Box(Role.VARIABLE, "gamma", (), (), ("norm",), variables=("norm/gamma",)),
    ]
    placed = place_scopes(boxes, {0: [], 1: [0], 2: [0], 3: [1]})
    assert placed[3].scope == ("net/norm",) and placed[1].scope == ("net/norm", "batchnorm")
