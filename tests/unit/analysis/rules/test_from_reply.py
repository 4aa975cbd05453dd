"""The graphs that TensorFlow's gradient functions build are read correctly, including ops of packages."""

from __future__ import annotations

from graphcut.analysis.rules.from_reply import input_answers
from graphcut.analysis.rules.oracle import GradientReply, InputGradient
from graphcut.graph.op_outputs import Signature, arguments
from tests.robustness.making import FLOAT, T, graph, node


def test_an_op_of_a_package_may_make_the_gradients_of_several_inputs():
    scratch = graph(node("given", "Placeholder", dtype={"type": FLOAT}), node("grad", "Package>ResampleGrad", "given", **T))
    signatures = {"Package>ResampleGrad": Signature(arguments(["data:T", "warp:T"]), {})}
    gradients = (InputGradient("grad:0", False), InputGradient("grad:1", False), None)
    reply = GradientReply(scratch.SerializeToString(), ("given:0",), gradients, op_defs=signatures.get)
    data, warp, nothing = input_answers(reply)
    assert (data.outputs, warp.outputs, nothing) == (frozenset([0]), frozenset([0]), None)
