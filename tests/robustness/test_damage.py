"""Damage at random: a file is read or refused, whatever was done to it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from graphcut import GraphcutError
from graphcut.api import load
from graphcut.api.select.resolve_loss import resolve_loss
from graphcut.api.select.resolve_variables import targets
from graphcut.graph.formats import reader
from graphcut.graph.messages import CLASSES

FIXTURES = Path(__file__).parents[2] / "fixtures"
FILES = ["documents/003.meta", "documents/003.pb", "documents/003.pbtxt", "graphs/loop_v1.meta", "graphs/conditional_v2.pb"]
TYPES = ("Enter", "Exit", "Merge", "Switch", "LoopCond", "NextIteration", "Shape", "ReadVariableOp", "VarHandleOp", "If")
ROUNDS = 60


def read_or_refused(path):
    """Do what happens before TensorFlow is imported; return the message of the error, if there is one."""
    try:
        traced = load.read(str(path))
        load.to_dag(traced)
        targets(traced, None)
        resolve_loss(traced, None)
    except GraphcutError as error:
        assert 1 <= len(str(error).splitlines()) <= 3
        return str(error)
    return None


@pytest.mark.parametrize("name", FILES)
def test_bytes_are_changed(tmp_path, name):
    dice = random.Random(name)
    good = (FIXTURES / name).read_bytes()
    path = tmp_path / Path(name).name
    for _ in range(ROUNDS):
        path.write_bytes(changed(good, dice))
        read_or_refused(path)


def changed(good, dice):
    data = bytearray(good)
    for _ in range(dice.choice([1, 1, 2, 20])):
        place = dice.randrange(len(data))
        kind = dice.randrange(3)
        if kind == 0:
            data[place] = dice.randrange(256)
        elif kind == 1:
            del data[place : place + dice.randrange(1, 30)]
        else:
            data[place : place + 4] = dice.choice([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x80\x80\x80\x01"])
    return bytes(data)


@pytest.mark.parametrize("name", [name for name in FILES if not name.endswith("pbtxt")])
def test_ops_are_changed(tmp_path, name):
    dice = random.Random(name)
    content = reader.read(str(FIXTURES / name))
    path = tmp_path / Path(name).name
    for _ in range(ROUNDS):
        path.write_bytes(rewired(content, dice).SerializeToString())
        read_or_refused(path)


def rewired(content, dice):
    """The message with attributes, inputs, types and ops changed at random."""
    kind, held = ("Graph", content.graph) if content.meta is None else ("MetaGraph", content.meta)
    message = CLASSES[kind].FromString(held.SerializeToString())
    nodes = (message if content.meta is None else message.graph_def).node
    for _ in range(dice.choice([1, 1, 2, 6])):
        node, other = dice.choice(nodes), dice.choice(nodes)
        kind = dice.randrange(6)
        if kind == 0 and node.attr:
            del node.attr[dice.randrange(len(node.attr))]
        elif kind == 1:
            node.attr.extend(list(other.attr))
        elif kind == 2 and node.input:
            del node.input[dice.randrange(len(node.input))]
        elif kind == 3:
            node.input.append(other.name + dice.choice(["", ":0", ":1"]))
        elif kind == 4:
            node.op = dice.choice(TYPES + (other.op,))
        elif kind == 5:
            del nodes[list(nodes).index(node)]
    return message
