"""Unusual graphs that must work: deep, wide, with odd names, with unknown ops."""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree

import pytest
import tensorflow as tf

import graphcut
from graphcut.graph.messages import CLASSES
from tests.against_tensorflow.share import own_share
from tests.robustness.making import FLOAT, T, graph, identity, nested, node, types, variable

NEW_DTYPE = 77
HOSTILE = [
    "a[bold]b[/bold]",
    "a'b\"c",
    "a\nb",
    "a\x1b[31mred\x1b[0m",
    "a\x1b]0;title\x07",
    "a!b#c",
    "<script>alert(1)</script>",
    "a&amp;b",
    "a\u202eb",
    "a|b{c}\\d",
    "%s%d",
    "ä/ö 💥",
]


@pytest.fixture
def audited(tmp_path):
    def audit(message, **question):
        path = tmp_path / "graph.pb"
        path.write_bytes(message.SerializeToString())
        return graphcut.audit(str(path), loss="loss", **question)

    return audit


def scalar(name, dtype, **value):
    return node(name, "Const", dtype={"type": dtype}, value={"tensor": CLASSES["Tensor"](dtype=dtype, **value)})


def verdicts(audit):
    return {each.name: each.verdict.value for each in audit}


def test_calls_nested_3000_deep(audited):
    start = time.process_time()
    audit = audited(nested(3000))
    assert verdicts(audit) == {"w": "flows"} and len(audit["w"].path) == 6005 and len(audit.explain("w")) < 1000
    assert time.process_time() - start < 30  # seconds of CPU


def test_a_stop_3000_calls_deep(audited):
    audit = audited(nested(3000, "StopGradient"), oracle="installed")
    assert verdicts(audit) == {"w": "raises" if tf.__version__.startswith("1.") else "none"}
    assert len(audit.stops) == 1 and len(str(audit)) < 1000


@pytest.fixture
def hostile(audited):
    stopped = [node(name + "/stop", "StopGradient", name, **T) for name in HOSTILE]
    joined = node("loss", "AddN", *[each.name for each in stopped], N={"i": len(stopped)}, **T)
    return audited(graph(*[variable(name) for name in HOSTILE], *stopped, joined))


def test_hostile_names_are_found_as_they_are(hostile):
    assert verdicts(hostile) == dict.fromkeys(HOSTILE, "none")
    assert all(hostile[name].cut[0].op == name + "/stop" for name in HOSTILE)
    assert {each["name"] for each in json.loads(hostile.to_json())["variables"]} == set(HOSTILE)


def test_hostile_names_are_shown_escaped(hostile):
    for text in [str(hostile), *[hostile.explain(name) for name in HOSTILE]]:
        assert not set(text) & {"\x1b", "\x07", "\u202e"}
    assert r"a\nb" in str(hostile) and "a!b#c" in str(hostile) and len(str(hostile).splitlines()) == len(HOSTILE) + 6


def test_hostile_names_are_drawn_escaped(hostile, tmp_path):
    hostile.draw(str(tmp_path / "cut.svg"))
    drawn = xml.etree.ElementTree.parse(str(tmp_path / "cut.svg"))
    assert not [each for each in drawn.iter() if each.tag.endswith("script")]


@pytest.mark.parametrize("join", own_share(["AddN", "ConcatV2", "Pack", "control inputs"]))
def test_an_op_with_a_million_inputs(audited, join):
    many = 10**6 - 1
    attrs = {**T, "N": {"i": many + 1}}
    axis, inputs = [], ["w"] * many + ["stop"]
    if join == "ConcatV2":
        axis, inputs, attrs = [scalar("axis", 3, int_val=[0])], inputs + ["axis"], {**attrs, "Tidx": {"type": 3}}
    if join == "control inputs":
        attrs, inputs = T, ["w"] + ["^stop"] * many
    join = "Identity" if join == "control inputs" else join
    stop = node("stop", "StopGradient", "u", **T)
    audit = audited(graph(variable("w"), variable("u"), stop, *axis, node("loss", join, *inputs, **attrs)))
    assert verdicts(audit) == {"w": "flows", "u": "none"}


def test_an_op_with_a_hundred_thousand_outputs(audited):
    many = 10**5
    split = node("split", "Split", "axis", "w", num_split={"i": many}, **T)
    loss = node("loss", "AddN", *["split:%d" % index for index in range(many)], N={"i": many}, **T)
    assert verdicts(audited(graph(variable("w"), scalar("axis", 3, int_val=[0]), split, loss))) == {"w": "flows"}


def test_a_custom_gradient_of_a_thousand_arguments(audited):
    many = node("many", "IdentityN", *["w"] * 1000, T=types(*[FLOAT] * 1000))
    assert verdicts(audited(graph(variable("w"), many, identity("loss", "many:999")))) == {"w": "flows"}


def test_unknown_op_types_are_assumed_to_carry_and_named(audited):
    unknown = node("new", "OpOfTheFuture", "w", "w", weird={"s": b"\xff"}, **T)
    nothing_known = node("bare", "OpWithoutAttributes", "new:1")
    audit = audited(graph(variable("w"), unknown, nothing_known, identity("loss", "bare")))
    assert verdicts(audit) == {"w": "flows"}
    assert {each.op: each.type for each in audit.assumptions}.items() >= {"new": "OpOfTheFuture"}.items()
    assert all(each.reason for each in audit.assumptions)


def test_attributes_of_a_newer_tensorflow(audited):
    tanh = node("tanh", "Tanh", "w", new_switch={"b": True}, new_dtype={"type": NEW_DTYPE}, **T)
    assert verdicts(audited(graph(variable("w"), tanh, identity("loss", "tanh")))) == {"w": "flows"}


def test_a_dtype_of_a_newer_tensorflow(audited):
    cast = node("cast", "Cast", "v", SrcT={"type": NEW_DTYPE}, DstT={"type": FLOAT})
    nodes = variable("w"), variable("v", NEW_DTYPE), cast, node("loss", "Mul", "w", "cast", **T)
    assert verdicts(audited(graph(*nodes))) == {"w": "flows"}


def test_a_graph_without_variables(audited):
    audit = audited(graph(node("x", "Placeholder", dtype={"type": FLOAT}), identity("loss", "x")))
    assert len(audit) == 0 and audit.stops == ()
    assert str(audit).splitlines()[1] == "no variable to audit was found in this graph"


def test_an_input_of_a_graph_without_variables(audited):
    message = graph(node("x", "Placeholder", dtype={"type": FLOAT}), identity("loss", "x"))
    assert verdicts(audited(message, variables="x")) == {"x": "flows"}
