"""Messages are read whole or refused, whichever version of protobuf reads them and whatever warnings do."""

from __future__ import annotations

import warnings

import pytest
from google.protobuf.message import DecodeError

from graphcut.errors import GraphcutError
from graphcut.graph.attrs import parse_attrs
from graphcut.graph.messages import CLASSES, read_message

END_OF_A_GROUP = b"\x0c"  # no group began: protobuf before version 4 warns, and keeps what it read so far


@pytest.mark.parametrize("action", ["error", "ignore", "default"])
@pytest.mark.parametrize("kind", ["Graph", "MetaGraph", "SavedModel", "DebugInfo", "VariableDef"])
@pytest.mark.parametrize("data", [END_OF_A_GROUP, b"\x0a\xff"], ids=["end of a group", "cut short"])
def test_a_damaged_message_is_refused(kind, data, action):
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        with pytest.raises((DecodeError, ValueError)):
            read_message(kind, data)


def test_a_whole_message_is_read():
    graph = CLASSES["Graph"](node=[CLASSES["Node"](name="w", op="NoOp")])
    assert read_message("Graph", graph.SerializeToString()) == graph


def test_a_damaged_attribute_is_refused_where_warnings_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(GraphcutError, match="an attribute that protobuf cannot read"):
            parse_attrs((END_OF_A_GROUP,))
