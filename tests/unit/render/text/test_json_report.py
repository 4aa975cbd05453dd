from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import graphcut
from graphcut.render.text.json_report import to_dict, to_json
from graphcut.results import (
    Assumption,
    BarrierKind,
    Condition,
    Disagreement,
    LeftOut,
    LeftOutReason,
    Role,
    Stop,
    Verdict,
)
from tests.unit.render.text.fakes import FakeAudit, cut, variable

AUDIT = FakeAudit(
    variables=(variable("w", Verdict.NONE, cut=(cut("z", where="model.py:3"),), shape=(None, 2)),),
    stops=(Stop("z", Role.CUTS, True, ("w",)),),
)


def test_keys_and_words():
    assert to_dict(AUDIT) == {
        "schema_version": 1,
        "loss": ["loss:0"],
        "loss_source": "asked",
        "hypothesis": None,
        "counts": {"raises": 0, "none": 1, "zero": 0, "conditional": 0, "flows": 0},
        "variables": [
            {
                "name": "w",
                "tensor": "w:0",
                "verdict": "none",
                "trainable": True,
                "dtype": "float32",
                "shape": [None, 2],
                "cut": [
                    {
                        "op": "z",
                        "type": "StopGradient",
                        "input": 0,
                        "kind": "stop-gradient",
                        "deliberate": True,
                        "library": False,
                        "where": "model.py:3",
                    }
                ],
                "path": [],
                "conditions": [],
                "unused": False,
                "sparse": False,
                "cut_size": 0,
                "is_updated": None,
                "optimizer_got_gradient": None,
                "trained_by": [],
                "is_trained": None,
                "only_through": [],
            }
        ],
        "stops": [{"op": "z", "role": "cuts", "sole": True, "cuts": ["w"], "library": False, "where": None}],
        "assumptions": [],
        "left_out": [],
        "recorded": [],
        "disagreements": [],
    }


def test_the_text_is_the_dict():
    assert json.loads(to_json(AUDIT)) == to_dict(AUDIT)


def test_odd_names_are_ascii():
    odd = FakeAudit(variables=(variable("\x1b[31m\u202e\ud800"),))
    assert to_json(odd).isascii() and "\x1b" not in to_json(odd)


ROOT = Path(__file__).parents[4]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "audit.schema.json").read_text(encoding="utf-8"))
FULL = FakeAudit(
    variables=tuple(
        variable(verdict.value, verdict, conditions=(Condition("cond", "p:0", "then"), Condition("case", "i:0", 1)))
        for verdict in Verdict
    )
    + tuple(variable(kind.value, cut=(cut("z", kind),)) for kind in BarrierKind),
    stops=tuple(Stop("z", role, True, ("w",)) for role in Role),
    assumptions=(Assumption("op", "Type", "reason"),),
    left_out=tuple(LeftOut("w", None, reason) for reason in LeftOutReason),
    recorded=(True, False, None),
    disagreements=(Disagreement("w", Verdict.NONE, "gradient"),),
)


def errors(document):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(document)]


@pytest.mark.parametrize("audit", [AUDIT, FULL], ids=["one", "every word"])
def test_the_published_schema_accepts_an_audit(audit):
    assert errors(to_dict(audit)) == []


@pytest.mark.parametrize("file", ["documents/003.meta", "graphs/conditional_v2.pb", "graphs/loop_v1.meta"])
def test_the_published_schema_accepts_the_audit_of_a_file(file):
    assert errors(json.loads(graphcut.audit(str(ROOT / "fixtures" / file)).to_json())) == []


def test_the_published_schema_refuses_what_is_not_in_it():
    document = to_dict(AUDIT)
    assert errors({**document, "schema_version": 2}) and errors({**document, "more": 1})
    assert errors({**document, "variables": [{**document["variables"][0], "verdict": "nope"}]})
