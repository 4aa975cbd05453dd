"""Nodes read from their bytes: the same answer as protobuf's, or none."""

from __future__ import annotations

import pytest

from graphcut.graph.attrs import entry
from graphcut.graph.flatten.node_bytes import UNKNOWN, read_nodes
from graphcut.graph.messages import CLASSES

Node = CLASSES["Node"]
FLOAT = entry("T", type=1)
COMMON = Node(op="MatMul", attr=[FLOAT]).SerializeToString()
SHORT = entry("S", s=b"12345")
WHOLE = Node(name="a", op="MatMul", input=["x", "y"], attr=[entry("S", s=b"1234567"), entry("v", s=b"v" * 200)])
DEVICE = b"\x22\x05/cpu0"  # field 4, which graphcut's own message leaves out
DEBUG = b"\x32\x04\x0a\x02xy"  # field 6


def read(*nodes, most=100):
    """Return what is read from the nodes, all of whose kinds are known, and the forms that it leaves."""
    forms, kinds = {}, {}
    raw = [each if isinstance(each, bytes) else each.SerializeToString() for each in nodes]
    return list(read_nodes(raw, forms, most, lambda op, attrs: kinds.setdefault((op, attrs), len(kinds)))), forms


NODES = {
    "plain": Node(name="a", op="MatMul", input=["x", "y"], attr=[FLOAT]),
    "no_attributes": Node(name="a", op="NoOp"),
    "control_input": Node(name="a", op="MatMul", input=["x:1", "^y"], attr=[FLOAT]),
    "no_name": Node(op="MatMul", input=["x"], attr=[FLOAT]),
    "no_op": Node(name="a", input=["x"], attr=[FLOAT]),
    "empty": Node(),
    "long_name": Node(name="n" * 128, op="MatMul", attr=[FLOAT]),
    "long_input": Node(name="a", op="MatMul", input=["i" * 300, "x"], attr=[FLOAT]),
    "long_op": Node(name="a", op="O" * 200, input=["x"], attr=[FLOAT]),
    "empty_input": Node(name="a", op="MatMul", input=["", "x"], attr=[FLOAT]),
    "long_attribute": Node(name="a", op="Const", attr=[entry("value", s=b"v" * 300), FLOAT]),
    "huge_attribute": Node(name="a", op="Const", attr=[entry("value", s=b"v" * 70000)]),
    "device": Node(name="a", op="MatMul", input=["x"], attr=[FLOAT]).SerializeToString() + DEVICE + DEBUG,
    "no_name_but_device": DEVICE + COMMON,
    "another_order": COMMON + Node(name="a", input=["x"]).SerializeToString(),
    "twice_a_name": Node(name="a", op="MatMul").SerializeToString() + Node(name="b", attr=[FLOAT]).SerializeToString(),
    "varint_instead_of_name": b"\x08\x05" + COMMON,
    "beyond_ascii": Node(name="\u00e9", op="MatMul", input=["\u00fc"], attr=[FLOAT]),
    "a_node_in_a_long_name": Node(name="\x01" * 126 + COMMON.decode() + "\x01" * 9, op="Add", attr=[FLOAT]),
    "a_node_in_a_long_input": Node(name="a", op="Add", input=["\x01" * 127 + COMMON.decode()], attr=[FLOAT]),
    "an_input_in_a_name": Node(name="b\x12\x01c\x1a\x01d", op="Add", attr=[FLOAT]),
}


@pytest.mark.parametrize("name", sorted(NODES))
def test_a_node_is_read_as_protobuf_reads_it_or_left_to_it(name):
    data = NODES[name]
    given = Node.FromString(data) if isinstance(data, bytes) else data
    for found, kind, inputs, _ in read(NODES["plain"], data, data)[0][1:]:
        assert kind == UNKNOWN or (found.decode(), [text.decode() for text in inputs]) == (given.name, list(given.input))
        assert kind == UNKNOWN or (kind == 0) == ((given.op, list(given.attr)) == ("MatMul", [FLOAT]))


@pytest.mark.parametrize("size", range(1, WHOLE.ByteSize()))
def test_part_of_a_node_is_left_to_protobuf_or_is_a_node(size):
    known = [WHOLE, Node(name="a", op="MatMul"), Node(name="a", op="MatMul", attr=[SHORT])]
    _, kind, inputs, _ = read(*known, WHOLE.SerializeToString()[:size])[0][-1]
    if kind != UNKNOWN:
        part = Node.FromString(WHOLE.SerializeToString()[:size])
        assert [text.decode() for text in inputs] == list(part.input)


@pytest.mark.parametrize("name", ["plain", "no_attributes", "control_input", "device", "long_attribute", "beyond_ascii"])
def test_the_usual_nodes_are_not_left_to_protobuf(name):
    assert read(NODES[name])[0][0][1] != UNKNOWN


def test_attributes_that_name_one_op_are_no_part_of_its_kind():
    named = [Node(name=name, op="VarHandleOp", attr=[FLOAT, entry("shared_name", s=name.encode())]) for name in "ab"]
    found, forms = read(*named)
    assert [kind for _, kind, _, _ in found] == [0, 0] and not forms
    assert [attrs for *_, attrs in found] == [tuple(each.attr) for each in named]


def test_no_more_forms_are_kept_than_asked_for():
    nodes = [Node(name="a", op="MatMul", attr=[entry("N", i=index)]) for index in range(9)]
    assert len(read(*nodes, most=4)[1]) == 4
