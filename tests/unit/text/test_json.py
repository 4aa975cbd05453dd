from __future__ import annotations

import json

from graphcut.render.text.json_report import to_dict, to_json
from graphcut.results import Role, Stop, Verdict
from tests.unit.text.fakes import FakeAudit, cut, variable

AUDIT = FakeAudit(
    variables=(variable("w", Verdict.NONE, cut=(cut("z", where="model.py:3"),), shape=(None, 2)),),
    stops=(Stop("z", Role.CUTS, True, ("w",)),),
)


def test_keys_and_words():
    assert to_dict(AUDIT) == {
        "loss": ["loss:0"],
        "loss_source": "asked",
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
