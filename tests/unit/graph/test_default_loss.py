"""Which tensor is the loss of a graph that names none."""

from __future__ import annotations

import pytest

from graphcut.errors import GraphcutError
from graphcut.graph.default_loss import default_loss
from graphcut.graph.metadata import GraphMetadata
from graphcut.graph.names import Names
from tests.unit.graph.text import graph

FROZEN = "x = Placeholder()\nw = Const()\nw/read = Identity(w)\n"
SWITCH = "p = Placeholder[dtype=10]()\ns = Switch(y, p)\n"


def loss_of(text):
    """The names of the tensors that are chosen."""
    flat = graph(text)
    return [flat.tensor_name(each) for each in default_loss(flat, Names(flat), GraphMetadata("g.pb"))[0]]


def test_what_a_switch_passes_to_an_empty_branch_is_no_loss():
    assert loss_of(FROZEN + "y = Mul(x, w/read)\n" + SWITCH + "z = Exp(y)") == ["z:0"]


def test_a_frozen_graph_without_a_loss_is_called_frozen():
    with pytest.raises(GraphcutError, match="it was frozen, which makes constants of them, and cannot certify anything"):
        loss_of(FROZEN + "y = Mul(x, w/read)\nz = Exp(x)")
