"""Variables of a SavedModel are those of the user's objects, and its outputs are called by their keys."""

from __future__ import annotations

import pytest

import graphcut
from graphcut.errors import GraphcutError
from graphcut.graph.messages import CLASSES
from tests.robustness.making import FLOAT, RESOURCE, T, node, types

READ = {"dtype": {"type": FLOAT}}


def body(name, *stopped):
    """A function of the two handles it captures: a sum, with a stop behind each of those in ``stopped``."""
    arguments = [CLASSES["ArgDef"](name=each, type=RESOURCE) for each in ("one", "other")]
    signature = CLASSES["OpDef"](name=name, input_arg=arguments, output_arg=[CLASSES["ArgDef"](name="y", type=FLOAT)])
    nodes = []
    for each in ("one", "other"):
        nodes.append(node("read_" + each, "ReadVariableOp", each, **READ))
        stop = "StopGradient" if each in stopped else "Identity"
        nodes.append(node("end_" + each, stop, "read_%s:value:0" % each, **T))
    nodes.append(node("y", "AddV2", "end_one:output:0", "end_other:output:0", **T))
    return CLASSES["Function"](signature=signature, node_def=nodes, ret={"y": "y:z:0"})


def call(name, function, *handles):
    called = {"func": CLASSES["NameAttrList"](name=function)}
    return node(name, "StatefulPartitionedCall", *handles, Tin=types(RESOURCE, RESOURCE), Tout=types(FLOAT), f=called)


def handle(name):
    return node(name, "VarHandleOp", dtype={"type": FLOAT}, shape={"shape": CLASSES["Shape"]()})


def saved_model(folder, signatures):
    """Two variables called ``k`` in a list, saved with their handles the other way round, as TensorFlow does it."""
    meta = CLASSES["MetaGraph"]()
    meta.graph_def.node.extend([handle("k"), handle("k_1")])
    for place, (key, stopped) in enumerate(signatures.items()):
        meta.graph_def.library.function.append(body("f%d" % place, *stopped))
        meta.graph_def.node.append(call("StatefulPartitionedCall_%d" % place, "f%d" % place, "k_1", "k"))
        meta.signature_def[key].outputs["energy" if place == 0 else "score"].name = "StatefulPartitionedCall_%d:0" % place
        meta.signature_def[key].outputs["both"].name = "StatefulPartitionedCall_%d:0" % place
        meta.object_graph_def.concrete_functions["f%d" % place].bound_inputs.extend([2, 3])
    root, layers, *variables = (meta.object_graph_def.nodes.add() for _ in range(5))
    root.children.add(node_id=4, local_name="_all_variables")
    root.children.add(node_id=1, local_name="layers")
    for place in range(2):
        layers.children.add(node_id=2 + place, local_name=str(place))
    for each in variables:
        each.variable.name, each.variable.dtype, each.variable.trainable = "k", FLOAT, True
    function = meta.object_graph_def.nodes.add().function
    function.concrete_functions.append("f0")
    root.children.add(node_id=5, local_name="serve")
    folder.mkdir(exist_ok=True)
    (folder / "saved_model.pb").write_bytes(CLASSES["SavedModel"](meta_graphs=[meta]).SerializeToString())
    return str(folder)


@pytest.fixture
def two(tmp_path):
    """The first signature stops the first variable, the second one the second."""
    return saved_model(tmp_path / "two", {"act": ["one"], "rate": ["other"]})


def verdicts(audit):
    return {each.name: each.verdict.value for each in audit}


def test_variables_of_one_name_are_told_by_the_path_to_them(two):
    assert verdicts(graphcut.audit(two, signature="act")) == {"layers/0": "none", "layers/1": "flows"}
    assert verdicts(graphcut.audit(two, signature="rate")) == {"layers/0": "flows", "layers/1": "none"}


def test_the_key_of_an_output_finds_its_signature(two):
    audit = graphcut.audit(two, loss="score")
    assert verdicts(audit) == {"layers/0": "flows", "layers/1": "none"}
    assert str(audit).startswith("loss: score = result 0 of StatefulPartitionedCall_1 (asked for)")


def test_a_key_of_several_signatures_is_refused_with_them(two):
    with pytest.raises(
        GraphcutError, match="'both' is an output of several signatures: 'act', 'rate'\nPick one with signature="
    ):
        graphcut.audit(two, loss="both")


def test_the_outputs_of_all_signatures_are_candidates(two):
    with pytest.raises(GraphcutError, match=r"candidates: 'both' \(of 'act'\), 'energy' \(of 'act'\), 'both' \(of 'rate'\)"):
        graphcut.audit(two)


def test_a_saved_model_without_signatures_names_its_functions(tmp_path):
    with pytest.raises(
        GraphcutError, match="has no signatures, so the functions of its objects are not in its graph: 'serve'"
    ):
        graphcut.audit(saved_model(tmp_path / "bare", {}))
