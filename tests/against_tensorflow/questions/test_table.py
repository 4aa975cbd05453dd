"""Losses side by side, from audits made by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Tuple

from graphcut import Assumption, Verdict, table
from tests.unit.render.text.fakes import cut, variable


@dataclass(frozen=True)
class Said:
    variables: Tuple[Any, ...]
    loss: Tuple[str, ...] = ("loss:0",)
    loss_keys: Tuple[str, ...] = ("",)
    source: str = "tf.Graph"
    assumptions: Tuple[Any, ...] = ()

    @property
    def identities(self):
        return tuple(frozenset([each.name]) for each in self.variables)

    @property
    def graph_identities(self):
        return frozenset(each.name for each in self.variables)


def gan():
    names = ["generator/kernel", "generator/bias"], ["discriminator/kernel", "discriminator/bias"]
    stopped = {"verdict": Verdict.NONE, "cut": (cut("fakes/stop", where="gan.py:7"),)}
    first = Said(tuple(map(variable, names[0] + names[1])), ("generator_loss:0",))
    second = Said(
        tuple(variable(name, **stopped) for name in names[0]) + tuple(map(variable, names[1])), ("discriminator_loss:0",)
    )
    return table([first, second])


def test_rows_are_folded_and_columns_are_losses():
    assert str(gan()) == "\n".join(
        [
            "variable             generator_loss  discriminator_loss",
            "generator/* (2)      flows           none: stop-gradient",
            "discriminator/* (2)  flows           flows",
        ]
    )


def test_json_holds_verdicts_and_cuts():
    found = json.loads(gan().to_json())
    assert found["losses"] == ["generator_loss", "discriminator_loss"]
    assert found["rows"][0]["variables"] == ["generator/kernel", "generator/bias"]
    cell = {"verdict": "none", "unused": False}
    assert found["rows"][0]["cells"][1] == dict(cell, cut=[{"op": "fakes/stop", "kind": "stop-gradient", "where": "gan.py:7"}])


def test_html_is_one_table_with_headings_on_both_sides():
    html = gan().to_html()
    assert html.startswith('<table class="graphcut">') and html.rstrip().endswith("</table>")
    assert '<th scope="col">discriminator_loss</th>' in html and ">generator/* (2)</th>" in html
    assert "stop-gradient at fakes/stop (gan.py:7)" in html


def test_a_name_is_never_markup():
    html = table({"<script>": Said((variable("<b>&\x1b[31m"),))}).to_html()
    assert "<script>" not in html and "<b>" not in html and "\x1b" not in html


def test_a_variable_that_one_audit_lacks_is_said_to_be_missing():
    lines = str(table({"a": Said((variable("v"), variable("w"))), "b": Said((variable("v"),))})).splitlines()
    assert lines[2].split() == ["w", "flows", "not", "audited"]


def test_headings_may_be_given():
    assert table({"policy": Said(()), "value": Said(())}).losses == ("policy", "value")


def test_functions_give_their_names_and_twins_are_numbered():
    heads = table([Said((), source="function policy"), Said((), source="function policy"), Said((), source="function value")])
    assert heads.losses == ("loss", "loss (2)", "value")


def test_renumbered_layers_are_matched_by_position_and_named():
    first = Said((variable("dense/kernel"), variable("dense_1/kernel")))
    second = Said((variable("dense_1/kernel"), variable("dense_2/kernel", Verdict.NONE, unused=True)))
    lines = str(table({"a": first, "b": second})).splitlines()
    assert lines[1:3] == ["dense/kernel    flows  flows", "dense_1/kernel  flows  none: unused"]
    assert lines[-1] == "matched by position: dense_1/kernel is dense_2/kernel"
    assert [row["matched_by"] for row in json.loads(table([first, second]).to_json())["rows"]] == ["position", "position"]


def test_parts_of_one_graph_are_never_matched_by_position():
    lines = str(table({"a": Said((variable("w_1"), variable("w_2"))), "b": Said((variable("w_2"),))})).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["w_1", "w_2"]


def test_unused_variables_are_told_apart_from_cut_ones():
    lines = str(table([Said((variable("v", Verdict.NONE, unused=True),))])).splitlines()
    assert lines[1] == "v         none: unused"


def test_an_empty_table_has_its_headings():
    assert str(table([])) == "variable"


def test_what_is_assumed_is_told_with_the_losses_that_rest_on_it():
    assumed = (Assumption("swish", "IdentityN", "its own gradient was not saved"),)
    both = {
        "a": Said((variable("w"),), assumptions=assumed),
        "b": Said((variable("w"),), assumptions=assumed),
        "c": Said((variable("w"),)),
    }
    made = table(both)
    note = "for a and b: swish (IdentityN) is assumed to let gradients through: its own gradient was not saved"
    assert str(made).splitlines()[-1].replace("a, b", "a and b") == note
    assert [len(each) for each in json.loads(made.to_json())["assumptions"]] == [1, 1, 0]
    assert "its own gradient was not saved" in made.to_html() and "<tfoot>" in made.to_html()
    assert "<tfoot>" not in table({"c": Said((variable("w"),))}).to_html()
