"""The caches of an oracle are bounded: an op with very many inputs leaves nothing behind."""

from __future__ import annotations

import gc
from functools import partial

import pytest

import graphcut
from graphcut.analysis.rules import pattern
from graphcut.util.caching import BoundedCache
from tests.robustness.making import T, graph, node, variable

MANY = 20_000  # more than an oracle caches for one op, which is a sixteenth of its limit


@pytest.mark.parametrize("oracle", ["2.15", pytest.param("installed", marks=pytest.mark.tensorflow)])
@pytest.mark.parametrize("join, fed", [("AddN", "N"), ("Pack", "N"), ("Merge", "N"), ("IdentityN", None)])
def test_an_op_with_many_inputs_leaves_nothing_behind(join, fed, oracle, tmp_path):
    attrs = {**T, fed: {"i": MANY}} if fed else {"T": {"list": {"type": [1] * MANY}}}
    message = graph(variable("w"), node("many", join, *["w"] * MANY, **attrs), node("loss", "Identity", "many", **T))
    (tmp_path / "wide.pb").write_bytes(message.SerializeToString())
    before = _long_tuples()
    audit = graphcut.audit(str(tmp_path / "wide.pb"), loss="loss", oracle=oracle)
    assert audit["w"].verdict.value == "flows"
    assert _new(before), "the audit itself holds them while it lives"
    del audit, message, attrs
    gc.collect()
    assert not _new(before)


def _new(before):
    """Return the types of new long tuples, lists and dicts, except those of the test run itself."""
    known = set(map(id, before))
    return [type(each) for each in _long_tuples() if id(each) not in known and each is not before]


def _long_tuples():
    return [each for each in gc.get_objects() if isinstance(each, (tuple, list, dict)) and len(each) >= MANY]


def test_what_is_remembered_stays_within_its_room():
    cache = BoundedCache(64)
    for key in range(1000):
        assert cache.get(key, 4, partial(int, key)) == key
        assert len(cache) <= 16
    assert cache.get(999, 4, lambda: "computed again") == 999


def test_a_wide_pattern_is_the_same_without_being_remembered():
    before = pattern._cached_pass_all.cache_info().currsize
    wide = pattern.pass_all(2, 5000, (0, 1))
    assert wide == pattern._cached_pass_all.__wrapped__(2, 5000, (0, 1), None) and wide.passes == {0, 1}
    assert pattern._cached_pass_all.cache_info().currsize == before
