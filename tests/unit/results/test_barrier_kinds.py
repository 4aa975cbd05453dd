"""Every kind of barrier has a complete record."""

from __future__ import annotations

import dataclasses

import pytest

from graphcut import BarrierKind
from graphcut.results.barrier_kinds import BARRIER_RECORDS


def test_every_kind_has_a_record_in_the_order_of_the_kinds():
    assert list(BARRIER_RECORDS) == list(BarrierKind)


@pytest.mark.parametrize("kind", BarrierKind)
def test_a_record_is_complete(kind):
    texts = [value for value in dataclasses.astuple(BARRIER_RECORDS[kind])[1:] if isinstance(value, str)]
    assert len(texts) == 6 and all(text.strip() == text != "" for text in texts)


@pytest.mark.parametrize("field", ["meaning", "singular", "plural", "because", "advice", "brief"])
def test_no_two_kinds_say_the_same(field):
    texts = [getattr(record, field) for record in BARRIER_RECORDS.values()]
    assert len(set(texts)) == len(texts)


def test_deliberate_kinds_come_first():
    assert [kind.deliberate for kind in BarrierKind] == sorted((kind.deliberate for kind in BarrierKind), reverse=True)


@pytest.mark.parametrize("kind", BarrierKind)
def test_the_docstring_of_the_kinds_names_each(kind):
    assert f"``{kind.value}``" in (BarrierKind.__doc__ or "")
