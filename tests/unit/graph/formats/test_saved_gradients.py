"""The custom gradients that a SavedModel holds, and what the object graph says of their answers."""

from __future__ import annotations

import pytest

import graphcut
from graphcut.graph.messages import CLASSES
from tests.robustness.making import FLOAT, T, node, types

NAME = "gradient_of_custom"


def function(*nodes):
    """The gradient function: of the gradients ``one`` and ``two`` and the captured ``value``, one result ``y``."""
    arguments = [CLASSES["ArgDef"](name=each, type=FLOAT) for each in ("one", "two", "value")]
    signature = CLASSES["OpDef"](name=NAME, input_arg=arguments, output_arg=[CLASSES["ArgDef"](name="y", type=FLOAT)])
    return CLASSES["Function"](
        signature=signature, node_def=nodes, ret={"y": "y:%s:0" % ("z" if nodes[0].op == "Mul" else "y")}
    )


@pytest.fixture
def saved(tmp_path):
    """A SavedModel: the loss reads the first slot of an ``IdentityN`` of a value and the variable ``w``."""

    def written(gradient, answers=("none_value", "tensor_spec_value")):
        meta = CLASSES["MetaGraph"]()
        custom = {"T": types(FLOAT, FLOAT), "_gradient_op_type": {"s": b"CustomGradient-7"}}
        meta.graph_def.node.extend(
            [
                node("w", "VariableV2", dtype={"type": FLOAT}, shape={"shape": CLASSES["Shape"]()}),
                node("value", "Square", "w", **T),
                node("custom", "IdentityN", "value", "w", **custom),
                node("loss", "Square", "custom", **T),
            ]
        )
        library = meta.graph_def.library
        library.function.append(gradient)
        library.registered_gradients.add(gradient_func=NAME, registered_op_type="CustomGradient-7")
        known = meta.object_graph_def.concrete_functions[NAME]
        known.bound_inputs.append(1)
        for each in answers:
            getattr(known.output_signature.list_value.values.add(), each).SetInParent()
        (tmp_path / "saved_model.pb").write_bytes(CLASSES["SavedModel"](meta_graphs=[meta]).SerializeToString())
        return graphcut.audit(str(tmp_path), loss="loss", variables="w")

    return written


@pytest.mark.parametrize(
    "gradient, verdict",
    [(node("y", "Mul", "one", "value", **T), "flows"), (node("y", "ZerosLike", "one", **T), "zero")],
    ids=["flows", "zero"],
)
def test_a_saved_gradient_is_judged_by_its_function(saved, gradient, verdict):
    audit = saved(function(gradient))
    assert audit["w"].verdict.value == verdict
    assert [each.op for each in audit.assumptions] == ["custom"]


def test_an_answer_of_none_is_told_by_the_object_graph(saved):
    audit = saved(function(node("y", "Mul", "one", "value", **T)), ("tensor_spec_value", "none_value"))
    assert audit["w"].verdict.value == "flows"
    assert audit.what_if(stop="value:0")["w"].verdict.value == "none"


@pytest.mark.parametrize("answers", [(), ("none_value",), ("tensor_spec_value",) * 2, ("list_value", "tensor_spec_value")])
def test_what_does_not_fit_is_assumed_to_let_gradients_through(saved, answers):
    (assumption,) = saved(function(node("y", "ZerosLike", "one", **T)), answers).assumptions
    assert assumption.reason == "its custom gradient was not saved with the graph"
