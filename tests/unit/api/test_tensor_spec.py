from __future__ import annotations

import pytest

from graphcut.api.tensor_spec import Spec, parse_spec
from graphcut.errors import GraphcutError


@pytest.mark.parametrize(
    "text, spec",
    [
        ("float32[32,10]", Spec("float32", (32, 10))),
        ("int64[]", Spec("int64", ())),
        ("bool[?]", Spec("bool", (None,))),
        (" bfloat16 [ None , 3 ] ", Spec("bfloat16", (None, 3))),
    ],
)
def test_a_spec_is_dtype_and_shape(text, spec):
    assert parse_spec(text) == spec


@pytest.mark.parametrize(
    "text", ["", "float32", "[3]", "float32[3", "float32[3,]", "float32[-1]", "float32[a]", "float32[3][4]"]
)
def test_what_is_no_spec_is_an_error_that_shows_one(text):
    with pytest.raises(GraphcutError, match=r"such as float32\[32,\?\]"):
        parse_spec(text)
