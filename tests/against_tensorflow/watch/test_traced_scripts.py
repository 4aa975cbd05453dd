"""Scripts that ``graphcut run --trace`` traces: what their gradients give, where the trace ends, and that nothing runs."""

from __future__ import annotations

import json
from fnmatch import fnmatch

import pytest
import tensorflow as tf

from graphcut.cli import main
from tests.against_tensorflow.watch.test_scripts import EXPECTED, FOLDER, described, matches, needs_eager

ENDS = {
    "eager_loop": "for the third time",
    "replaced_variable": "x = x - 0.1 * gradient",
    "keras_fit": "model.fit(",
    "custom_train_step": "model.fit(",
    "traced_step": "was traced to its end",
    "persistent_tape": "was traced to its end",
    "custom_gradient": "was traced",
    "fails_first": "NameError",
}


def trace(path, tmp_path, capfd, *options):
    """Return the exit code, the audits, the script's output and the message about the end of the trace."""
    written = tmp_path / "audits.json"
    code = main(["run", "--trace", "--json", str(written), *options, str(path)])
    return (code, json.loads(written.read_text()), *capfd.readouterr())


@needs_eager
@pytest.mark.parametrize("name", sorted(ENDS))
def test_a_traced_script_gives_what_it_gives_when_it_runs(name, tmp_path, capfd):
    expected = EXPECTED[name]
    code, audits, _, err = trace(FOLDER / (name + ".py"), tmp_path, capfd)
    assert code == expected.get("exit", 0), err
    assert ENDS[name] in err and "nothing was run" in err
    assert len(audits) == len(expected["gradients"])
    for audit, wanted in zip(audits, expected["gradients"]):
        actual = {each["name"]: described(each) for each in audit["variables"]}
        known = {pattern: [each for name, each in actual.items() if fnmatch(name, pattern)] for pattern in wanted}
        for pattern, words in wanted.items():
            assert pattern == "x" or matches(known[pattern][0], words), (pattern, known)


NOTHING_RUNS = """
import tensorflow as tf
w = tf.Variable(tf.py_function(lambda: print("side effect") or 1.0, [], tf.float32), shape=[], name="w")
for x in tf.data.Dataset.range(3).map(lambda each: tf.cast(each, tf.float32)):
    with tf.GradientTape() as tape:
        loss = tf.py_function(lambda each: print("side effect") or each, [w * x], tf.float32)
    tf.print("side effect", tape.gradient(loss, w))
print("the end")
"""
SESSION = """
import tensorflow.compat.v1 as tf
with tf.Graph().as_default():
    w = tf.get_variable("w", [], use_resource=True)
    step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.round(w) + w)
    with tf.Session() as session:
        session.run(step)
"""
NEEDS_A_VALUE = """
import tensorflow as tf
x = tf.constant(2.0)
if x > 1.0:
    print("greater")
"""


@needs_eager
def test_nothing_is_executed_and_a_dataset_ends(tmp_path, capfd):
    script = tmp_path / "script.py"
    script.write_text(NOTHING_RUNS)
    code, audits, out, err = trace(script, tmp_path, capfd)
    assert (code, len(audits)) == (0, 1), err
    assert "the end" in out and "side effect" not in out + err


def test_a_session_ends_the_trace(tmp_path, capfd):
    script = tmp_path / "script.py"
    script.write_text(SESSION)
    code, (audit,), _, err = trace(script, tmp_path, capfd)
    assert (code, audit["variables"][0]["verdict"]) == (0, "flows")
    assert "script.py:7: session.run(step)" in err


@needs_eager
def test_a_branch_on_a_value_is_no_failure(tmp_path, capfd):
    script = tmp_path / "script.py"
    script.write_text(NEEDS_A_VALUE)
    code, audits, _, err = trace(script, tmp_path, capfd)
    assert (code, audits) == (0, [])
    assert "script.py:4: if x > 1.0:" in err and "took no gradient up to there" in err


@needs_eager
def test_enough_gradients_end_the_trace(tmp_path, capfd):
    code, audits, _, err = trace(FOLDER / "persistent_tape.py", tmp_path, capfd, "--stop-after", "1")
    assert (code, len(audits)) == (0, 1)
    assert "until the gradients that were asked for" in err


@needs_eager
def test_what_was_wrapped_is_put_back(tmp_path, capfd):
    before = tf.compat.v1.Session.run, tf.keras.Model.fit
    trace(FOLDER / "traced_step.py", tmp_path, capfd)
    assert (tf.compat.v1.Session.run, tf.keras.Model.fit) == before
    assert tf.executing_eagerly() and tf.Variable(1.0).numpy() == 1.0
