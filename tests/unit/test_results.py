from __future__ import annotations

import pytest

from graphcut.results import VariableAudit, Verdict, replace_fields
from tests.unit.render.text.fakes import variable


def test_a_changed_result_reads_no_path():
    row = VariableAudit("w", "w:0", Verdict.FLOWS, True, "float32", (), (), unread)
    other = replace_fields(row, is_updated=True)
    assert (other.name, other.is_updated, row.is_updated) == ("w", True, None)
    assert other.__dict__["_path"] is unread


def unread():
    raise AssertionError("nobody asked for the path")


def test_a_path_given_as_a_function_is_called_with_the_name_of_its_field_when_it_is_read():
    assert variable("w", path=lambda field: ("loss", field)).path == ("loss", "path")


def test_a_result_cannot_be_changed():
    with pytest.raises(AttributeError):
        variable("w").verdict = Verdict.NONE
