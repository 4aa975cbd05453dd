"""Files that are messages, and whose graph is broken."""

from __future__ import annotations

import pytest

from graphcut.graph.messages import CLASSES
from tests.robustness.asking import audited
from tests.robustness.making import COMPLEX, STRING, calling, doubling, function, graph, identity, node, raw_name, variable

W = variable("w")


@pytest.mark.parametrize(
    "text, said",
    [
        ("weight", "op 'loss' reads 'weight', and there is no such op in the graph; did you mean 'weights'?"),
        ("weights:3", "op 'loss' reads 'weights:3', and that op has no such output"),
        ("weights:-1", "op 'loss' reads 'weights:-1', and that op has no such output"),
        ("weights:99999999999999999999", "and that op has no such output"),
        ("weights:" + "9" * 5000, "and that op has no such output"),
        ("weights:²", "op 'loss' reads 'weights:²', and that op has no such output"),
        ("", "op 'loss' reads '', and there is no such op"),
        ("^", "op 'loss' waits for '', and there is no such op"),
        ("^weight", "op 'loss' waits for 'weight', and there is no such op in the graph; did you mean 'weights'?"),
    ],
)
def test_an_input_that_names_nothing(refused, text, said):
    assert said in refused(graph(variable("weights"), identity("loss", text)))


def test_two_ops_of_one_name(refused):
    assert "the graph has two ops named 'w'" in refused(graph(W, W))


def test_an_op_without_a_name(refused):
    assert "the graph has an op without a name" in refused(graph(variable("")))


def test_two_functions_of_one_name(refused):
    functions = [function("f", result="x"), function("f", identity("y", "x"), result="y:output:0")]
    assert "two functions named 'f'" in refused(graph(W, functions=functions))


@pytest.mark.parametrize(
    "broken",
    [graph(variable("name")), graph(W, identity("loss", "name")), graph(W, node("loss", "name", "w"))],
    ids=["op", "input", "type"],
)
def test_names_that_are_not_utf_8(refused, broken):
    said = refused(raw_name(broken, b"name", b"\xff\xfen\x80"))
    assert "protobuf cannot read" in said or "has an op whose name or type is no text" in said


def test_a_cycle_that_is_no_loop(refused):
    said = refused(graph(W, identity("a", "c"), identity("b", "a"), identity("c", "b"), identity("loss", "w")))
    assert "3 ops feed each other in a cycle: 'a' <- 'c' <- 'b'" in said


def test_an_op_that_feeds_itself(refused):
    assert "op 'a' feeds itself" in refused(graph(W, identity("a", "a")))


def test_a_call_of_a_missing_function(refused):
    said = refused(graph(W, calling("loss", "layr", "w"), functions=[function("layer", result="x")]))
    assert "op 'loss' calls function 'layr', which is not in the graph's library; did you mean 'layer'?" in said


@pytest.mark.parametrize("inputs", [(), ("w", "w")])
def test_a_call_with_too_few_or_too_many_inputs(refused, inputs):
    said = refused(graph(W, calling("loss", "f", *inputs), functions=[function("f", result="x")]))
    assert "passes %d inputs to function 'f', which takes 1" % len(inputs) in said


def test_a_function_that_returns_what_it_does_not_have(refused):
    said = refused(graph(W, calling("loss", "f", "w"), functions=[function("f", result="nothing:y:0")]))
    assert "op 'f' returns 'nothing', and there is no such op in function 'f'" in said


def test_recursion(refused):
    functions = [
        function("even", calling("c", "odd", "x"), result="c:output:0"),
        function("odd", calling("c", "even", "x"), result="c:output:0"),
    ]
    said = refused(graph(W, calling("loss", "even", "w"), functions=functions))
    assert "function 'even' calls itself by way of 'odd'" in said


@pytest.mark.parametrize("depth, count", [(30, "7516192767"), (4000, "more than 10^12")])
def test_a_library_that_would_open_to_a_billion_ops(tmp_path, depth, count):
    (tmp_path / "graph.pb").write_bytes(doubling(depth).SerializeToString())
    said = audited(tmp_path / "graph.pb")
    assert said.code == 2 and "expanding the graph's functions would make %s" % count in said.err


def test_a_wide_op_in_a_function_that_is_called_often(refused):
    wide = function("f", node("s", "Split", "x", "x", num_split={"i": 10**6}, T={"type": 1}), result="s:output:7")
    calls = [calling("call%d" % index, "f", "w") for index in range(1000)]
    assert "would make 1000" in refused(graph(W, *calls, functions=[wide]))


def test_an_op_with_2_to_the_50_outputs(refused):
    assert "has 1125899906842624 outputs" in refused(graph(W, node("s", "Split", "w", "w", num_split={"i": 2**50})))


@pytest.mark.parametrize("step", [0, 1], ids=["alike", "each another"])
def test_many_ops_with_many_outputs(tmp_path, step):
    wide = [node("s%d" % at, "Split", "w", "w", num_split={"i": 10**6 + step * at}, T={"type": 1}) for at in range(1000)]
    (tmp_path / "graph.pb").write_bytes(graph(W, *wide).SerializeToString())
    said = audited(tmp_path / "graph.pb")
    assert said.code == 2 and "the graph's ops declare " in said.err


def test_an_attribute_that_is_no_message(refused):
    broken = CLASSES["Node"](name="w", op="VariableV2", attr=[b"\xff\xff\xff\xff"])
    assert "an op has an attribute that protobuf cannot read" in refused(graph(broken))


def test_an_op_of_control_flow_with_too_few_inputs(refused):
    said = refused(graph(W, identity("loss", "w"), node("switch", "Switch", "w", T={"type": 1})))
    assert "op 'switch' (Switch) has 1 inputs, its type takes 2" in said


def test_a_graph_without_ops(refused):
    assert "holds no op" in refused(b"\x22\x02\x08\x01")


@pytest.mark.parametrize("dtype, name", [(STRING, "string"), (COMPLEX, "complex64")])
def test_a_loss_that_is_no_real_number(refused, dtype, name):
    said = refused(graph(W, variable("v", dtype), identity("loss", "v", dtype=dtype)), "graph.pb", "--loss", "loss")
    assert "the loss 'loss:0' is of dtype %s" % name in said


def test_an_unknown_loss(refused):
    assert "no op 'los' in this graph; did you mean 'loss'?" in refused(
        graph(W, identity("loss", "w")), "graph.pb", "--loss", "los"
    )


def test_an_output_that_the_loss_s_op_does_not_have(refused):
    said = refused(graph(W, identity("loss", "w")), "graph.pb", "--loss", "loss:1")
    assert "op 'loss' has 1 output, and number 1 is not among them" in said


def test_an_unknown_variable(refused):
    options = ["--loss", "loss", "--variables", "wieght"]
    said = refused(graph(variable("weight"), identity("loss", "weight")), "graph.pb", *options)
    assert "no variable 'wieght' in this graph; did you mean 'weight'?" in said


def test_a_pattern_that_matches_nothing(refused):
    said = refused(graph(W, identity("loss", "w")), "graph.pb", "--loss", "loss", "--variables", "encoder/*")
    assert "no variable 'encoder/*' in this graph\nThe only variable is 'w'." in said


def test_a_signature_of_a_graph_that_has_none(refused):
    assert "has no signatures" in refused(graph(W), "graph.pb", "--signature", "serving_default")


def test_an_unknown_signature(refused):
    meta = CLASSES["MetaGraph"](graph_def=graph(W))
    for key in ("serving_default", "training"):
        meta.signature_def[key].method_name = "predict"
    said = refused(meta, "model.meta", "--signature", "trainig")
    assert "no signature 'trainig'; the signatures are 'serving_default', 'training'; did you mean 'training'?" in said


def test_a_collection_that_is_no_message(refused):
    meta = CLASSES["MetaGraph"](graph_def=graph(W))
    meta.collection_def["variables"].bytes_list.value.append(b"\xff\xff\xff")
    assert "a collection of the MetaGraph holds a VariableDef that protobuf cannot read" in refused(meta, "model.meta")


def test_a_variable_that_does_not_say_its_dtype(refused):
    assert "no op 'los'" in refused(graph(node("w", "VariableV2"), identity("loss", "w")), "graph.pb", "--loss", "los")


def test_a_variable_that_only_the_collections_know(refused):
    meta = CLASSES["MetaGraph"](graph_def=graph(W))
    meta.collection_def["variables"].bytes_list.value.append(CLASSES["VariableDef"](variable_name="v:0").SerializeToString())
    assert "no op 'los'" in refused(meta, "model.meta", "--loss", "los")


def test_no_loss_to_be_found_lists_the_candidates(refused):
    said = refused(graph(W, identity("total_loss", "w"), identity("accuracy", "w")))
    assert "Name it with --loss; candidates: 'total_loss:0', 'accuracy:0'" in said


@pytest.mark.parametrize("number", ["²", "9" * 5000, "\x1b[31m0"])
def test_a_loss_whose_number_is_none(refused, number):
    said = refused(graph(W, identity("loss", "w")), "graph.pb", "--loss", "loss:" + number)
    assert "op 'loss' has 1 output" in said and "\x1b" not in said
