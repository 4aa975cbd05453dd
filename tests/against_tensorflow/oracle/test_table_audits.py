"""An audit by the gradient table equals, byte for byte, one by the TensorFlow of that version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tensorflow as tf

import graphcut
from graphcut import GraphcutError
from graphcut.analysis.rules import gradient_table
from tests.against_tensorflow.corpus.answers import graphs, trfl
from tests.against_tensorflow.oracle.graphs import CASES
from tests.against_tensorflow.oracle.judge import built
from tests.against_tensorflow.share import own_share

VERSION = ".".join(tf.__version__.split(".")[:2])
FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
FILES = [
    ("documents/003.meta", {}),
    ("documents/003.pb", {}),
    ("documents/003.pbtxt", {}),
    ("graphs/loop_v1.meta", {"loss": "loss"}),
    ("graphs/conditional_v2.pb", {"loss": "loss"}),
    ("graphs/saved_model", {}),
    ("graphs/saved_model", {"signature": "head_only"}),
]
pytestmark = [
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(
        not any(each.startswith(VERSION + ".") for each in gradient_table.versions()),
        reason="the table has no column for TensorFlow %s" % VERSION,
    ),
]


def document(source, oracle, **asked):
    """The audit as JSON without its assumptions, or the error."""
    try:
        audit = graphcut.audit(source, oracle=oracle, **asked)
    except (GraphcutError, TypeError, ValueError) as error:
        return str(error)
    found = json.loads(audit.to_json())
    found.pop("assumptions")
    return json.dumps(found, indent=1)


@pytest.mark.parametrize("name, asked", FILES)
def test_fixture_files_are_audited_alike(name, asked):
    assert document(str(FIXTURES / name), VERSION, **asked) == document(str(FIXTURES / name), "installed", **asked)


@pytest.mark.parametrize("record", graphs() + trfl(), ids=lambda record: record.name)
def test_the_corpus_is_audited_alike(record, tmp_path):
    path = record.unpacked(tmp_path)
    asked = {"loss": record.loss, "variables": list(record.variables), "stop_gradients": record.stop_gradients}
    assert document(path, VERSION, **asked) == document(path, "installed", **asked)


@pytest.mark.parametrize("mode", ["v1", "v2", "call"])
@pytest.mark.parametrize("name", own_share(CASES))
def test_every_hard_graph_is_audited_alike(name, mode):
    if mode in CASES[name].skip:
        pytest.skip(CASES[name].skip[mode])
    with built(CASES[name], mode) as one:
        message = tf.compat.v1.get_default_graph().as_graph_def(add_shapes=True)
        question = one.question
        asked = {"loss": names(question.loss), "stop_gradients": names(question.stops)}
        bodies = [node for function in message.library.function for node in function.node_def]
        if any(is_the_users(node) for node in [*message.node, *bodies]):
            pytest.skip("the gradient function lives in this process, and no file or table holds it")
        variables = [name for target in question.targets.values() for name in names(target)]
    kept = those_there(message, variables, asked)
    assert document(message, VERSION, variables=kept, **asked) == document(message, "installed", variables=kept, **asked)


def is_the_users(node):
    """Whether an op runs a Python function, or ``gradient_override_map`` named a gradient function for it."""
    if node.op == "EagerPyFunc":
        return True
    known = node.attr["_gradient_op_type"].s if "_gradient_op_type" in node.attr else b""
    return bool(known) and not known.startswith(b"CustomGradient-")


def names(values):
    """The names of tensors and variables, one or several."""
    listed = values if isinstance(values, (list, tuple)) else [values]
    return [getattr(getattr(each, "handle", each), "name", "") for each in listed]


def those_there(message, targets, asked):
    """The targets that graphcut finds in the message: a handle from around a function is not in it."""
    if all(targets) and are_there(message, targets, asked):
        return targets
    return [each for each in targets if each and are_there(message, [each], asked)]


def are_there(message, targets, asked):
    """Whether graphcut finds these targets in the message."""
    try:
        graphcut.audit(message, variables=targets, oracle=VERSION, **asked)
    except GraphcutError:
        return False
    return True
