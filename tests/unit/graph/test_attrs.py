from __future__ import annotations

import pytest

from graphcut.errors import GraphcutError
from graphcut.graph.attrs import attribute, attributes, entry, parse_attrs
from graphcut.graph.flat import Kind


def test_an_attribute_is_read_from_its_bytes():
    kind = Kind("Op", (entry("N", i=2), entry("T", type=1)), (1,))
    assert attributes(kind)["N"].i == attribute(kind, "N").i == 2 and attribute(kind, "T").type == 1


def test_what_is_not_there_is_none():
    assert attribute(Kind("Op", (entry("N", i=2),), (1,)), "M") is None


def test_a_key_that_begins_as_another_is_not_that():
    assert attribute(Kind("Op", (entry("Nx", i=2),), (1,)), "N") is None


def test_damaged_bytes_are_an_error():
    with pytest.raises(GraphcutError, match="damaged"):
        parse_attrs((b"\n\xff\xff",))
