"""Suggestions for one loss of a step or graph with several: an edit says what it takes from the other losses."""

from __future__ import annotations

import importlib.util
import sys

import pytest
import tensorflow as tf

import graphcut
from graphcut.cli import main
from tests.against_tensorflow.live.questions.test_edits import edit, loaded
from tests.patching import applied

pytestmark = pytest.mark.skipif(sys.version_info < (3, 8), reason="the syntax tree has no ends before Python 3.8")
X = tf.TensorSpec([2, 3])
ACTOR_CRITIC = """
import tensorflow as tf

encoder, actor, critic = (tf.Variable([1.0, 2.0, 3.0], name=name) for name in ("encoder", "actor", "critic"))

def step(x):
    with tf.GradientTape(persistent=True) as tape:
        z = x * encoder
        v = tf.reduce_sum(z * critic, axis=1)
        adv = 1.0 - v
        policy_loss = tf.reduce_sum(tf.reduce_sum(z * actor, axis=1) * adv)
        value_loss = tf.reduce_sum(tf.square(1.0 - v))
    policy = tape.gradient(policy_loss, [encoder, actor, critic])
    return policy, tape.gradient(value_loss, [encoder, critic])
"""
SHARED = """
import tensorflow as tf

encoder, critic = (tf.Variable([1.0, 2.0, 3.0], name=name) for name in ("encoder", "critic"))

def step(x):
    with tf.GradientTape(persistent=True) as tape:
        v = tf.reduce_sum(x * critic, axis=1)
        loss = tf.reduce_sum(x * encoder) - tf.reduce_sum(v)
        value_loss = tf.reduce_sum(tf.square(v))
    return tape.gradient(loss, [encoder, critic]), tape.gradient(value_loss, [critic])
"""
STRAIGHT_THROUGH = """
import tensorflow as tf

encoder, codebook = (tf.Variable([1.0, 2.0, 3.0], name=name) for name in ("encoder", "codebook"))

def step(x):
    with tf.GradientTape(persistent=True) as tape:
        z = x * encoder
        q = tf.gather(codebook, tf.argmax(z, 1))[:, tf.newaxis]
        out = q + tf.stop_gradient(z - q)
        loss = tf.reduce_sum(tf.square(out))
        other_loss = tf.reduce_sum(tf.exp(out))
    return tape.gradient(loss, [encoder]), tape.gradient(other_loss, [codebook])
"""


def step_of(text, folder):
    path = folder / ("train%d.py" % len(list(folder.iterdir())))  # no other text of the same size has left a .pyc there
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("train", str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.step


def verdicts(text, folder):
    """Return, for each loss of a step, the verdicts of its variables."""
    return [{row.name: row.verdict.value for row in each} for each in graphcut.audit_step(step_of(text, folder), X)]


def test_a_stop_leaves_the_other_losses_of_the_step_alone(tmp_path):
    audit, _ = graphcut.audit_step(step_of(ACTOR_CRITIC, tmp_path), X)
    for keep in (None, ["encoder", "actor"]):
        first, *_ = found = audit.suggest_stops(block="critic", keep=keep)
        assert all(each.confirmed and "value_loss" not in each.note for each in found)
        assert first.note == "this also stops a part of the gradient of encoder"
    policy, value = verdicts(applied(ACTOR_CRITIC, first.diff), tmp_path)
    assert policy == {"encoder": "flows", "actor": "flows", "critic": "none"}
    assert value == {"encoder": "flows", "critic": "flows"}


def test_a_stop_takes_the_gradient_of_another_loss_only_with_a_warning(tmp_path):
    audit, _ = graphcut.audit_step(step_of(SHARED, tmp_path), X)
    found = audit.suggest_stops(block="critic")
    assert found
    for each in found:
        own, value = verdicts(applied(SHARED, each.diff), tmp_path)
        assert each.confirmed and own == {"encoder": "flows", "critic": "none"}
        assert (value == {"critic": "none"}) == ("this also takes the gradient of value_loss to critic" in each.note)


def test_an_edit_that_opens_one_loss_says_what_it_takes_from_another(tmp_path):
    audit, _ = graphcut.audit_step(step_of(STRAIGHT_THROUGH, tmp_path), X)
    first = audit.suggest_unblock("encoder")[0]
    assert first.confirmed and "this also takes the gradient of other_loss to codebook" in first.note
    own, other = verdicts(applied(STRAIGHT_THROUGH, first.diff), tmp_path)
    assert own == {"encoder": "flows"} and other == {"codebook": "none"}


def test_a_stop_in_a_graph_says_what_it_takes_from_the_other_trained_losses():
    graph = tf.Graph()
    with graph.as_default():
        generator, critic = (tf.compat.v1.get_variable(name, [3], use_resource=True) for name in ("generator", "critic"))
        fake = tf.exp(generator)
        score = tf.reduce_sum(fake * critic)
        losses = [tf.identity(-score, name="g_loss"), tf.identity(score * score, name="d_loss")]
        for loss, variable in zip(losses, (generator, critic)):
            tf.compat.v1.train.GradientDescentOptimizer(0.1).minimize(loss, var_list=[variable])
    (found,) = graphcut.audit(graph, loss="d_loss").suggest_stops(block="generator")
    assert "this also takes the gradient of g_loss:0 to generator" in found.note


TWO_PATHS = """
import tensorflow as tf

def build():
    with tf.Graph().as_default() as graph:
        generator, critic = (tf.compat.v1.get_variable(name, [3], use_resource=True) for name in ("generator", "critic"))
        fake = tf.exp(generator)
        score = tf.reduce_sum(fake * critic)
        seen = {seen}
        losses = [tf.identity(-score, name="g_loss"), tf.reduce_sum(seen * critic, name="d_loss")]
        for loss, variable in zip(losses, (generator, critic)):
            tf.compat.v1.train.GradientDescentOptimizer(0.1).minimize(loss, var_list=[variable])
    return graph
"""


@pytest.mark.skipif(sys.version_info < (3, 8), reason="the syntax tree has no ends before Python 3.8")
def test_an_edit_of_a_function_that_builds_a_graph_is_judged_by_the_other_loss_after_it(tmp_path, capsys):
    (tmp_path / "gan.py").write_text(TWO_PATHS.format(seen="fake * 2.0"), encoding="utf-8")
    assert main(["suggest", "%s:build" % (tmp_path / "gan.py"), "--loss", "d_loss", "--block", "generator"]) == 0
    told = capsys.readouterr().out
    assert "+        seen = tf.stop_gradient(fake * 2.0)" in told and "g_loss" not in told.partition("---")[0]


@pytest.mark.skipif(sys.version_info < (3, 8), reason="the syntax tree has no ends before Python 3.8")
def test_an_edit_of_a_function_that_builds_a_graph_takes_the_gradient_of_another_loss(tmp_path, capsys):
    (tmp_path / "shared.py").write_text(TWO_PATHS.format(seen="fake"), encoding="utf-8")
    source = "%s:build" % (tmp_path / "shared.py")
    assert main(["suggest", source, "--loss", "d_loss", "--block", "generator", "--keep", "critic"]) == 0
    assert "this also takes the gradient of g_loss:0 to generator" in capsys.readouterr().out


USES = """
import tensorflow as tf

trunk = tf.Variable(tf.random.normal([3, 4]), name="trunk")
policy = tf.Variable(tf.random.normal([4, 2]), name="policy")
value = tf.Variable(tf.random.normal([4, 1]), name="value")


def squares(h):
    return tf.reduce_mean((h @ value) ** 2)


def step(x):
    with tf.GradientTape(persistent=True) as tape:
        h = tf.tanh(x @ trunk)
        %s
    return tape.gradient(one, [trunk, policy]), tape.gradient(other, [trunk, value])
"""


@pytest.mark.parametrize(
    "lines, code",
    [
        (
            "one = tf.reduce_mean(h @ policy)\n        v = h @ value\n        other = tf.reduce_mean(v ** 2)",
            "v = tf.stop_gradient(h) @ value",
        ),
        ("one = tf.reduce_mean(h @ policy)\n        other = squares(h)", "other = squares(tf.stop_gradient(h))"),
        (
            "one, other = tf.reduce_mean(h @ policy), tf.reduce_mean(h @ value)",
            "one, other = tf.reduce_mean(h @ policy), tf.reduce_mean(tf.stop_gradient(h) @ value)",
        ),
    ],
)
def test_one_use_of_a_shared_value_is_stopped(lines, code, tmp_path):
    text = USES % lines
    module = loaded(tmp_path / "before.py", text)
    audits = graphcut.audit_step(module.step, tf.TensorSpec([None, 3]))
    (found,) = audits[1].suggest_stops(block="trunk")
    assert found.confirmed and found.code == code and found.note.startswith("only this use is stopped")
    after = loaded(tmp_path / "after.py", edit(text, [found]))
    one, other = after.step(tf.ones([2, 3]))
    assert all(each is not None for each in (*one, other[1])) and other[0] is None


def test_every_use_of_a_variable_in_a_line_is_stopped(tmp_path):
    text = USES % "a, b = h @ policy, (h + 1.0) @ policy\n        one = tf.reduce_mean(a * b)\n        other = squares(h)"
    module = loaded(tmp_path / "before.py", text)
    audits = graphcut.audit_step(module.step, tf.TensorSpec([None, 3]))
    found = audits[0].suggest_stops(block="policy")
    assert found[0].code == "a, b = h @ tf.stop_gradient(policy), (h + 1.0) @ tf.stop_gradient(policy)"
    after = loaded(tmp_path / "after.py", edit(text, found))
    assert [each is None for each in after.step(tf.ones([2, 3]))[0]] == [False, True]


ADVANTAGE = USES.replace("%s", "logs = tf.nn.log_softmax(h @ policy)\n        gain = 1.0 - h @ value\n        %s").replace(
    "tape.gradient(one, [trunk, policy])", "tape.gradient(one, [trunk, policy, value])"
)


def test_a_use_whose_stop_takes_a_part_of_a_kept_gradient_says_so(tmp_path):
    text = ADVANTAGE % "one = tf.reduce_mean(logs * gain)\n        other = tf.reduce_mean(gain ** 2)"
    module = loaded(tmp_path / "before.py", text)
    found = graphcut.audit_step(module.step, tf.TensorSpec([None, 3]))[0].suggest_stops(block="value")
    assert [each.code for each in found] == ["one = tf.reduce_mean(logs * tf.stop_gradient(gain))"]
    assert found[0].note.endswith("; this also stops a part of the gradient of trunk")
    after = loaded(tmp_path / "after.py", edit(text, found))
    one, other = after.step(tf.ones([2, 3]))
    assert [each is None for each in (*one, *other)] == [False, False, True, False, False]


LOW_RANK = """
import tensorflow as tf

base = tf.Variable(tf.random.normal([3, 2]), name="base")
low = tf.Variable(tf.random.normal([3, 2]), name="low")


def step(x):
    with tf.GradientTape() as tape:
        out = x @ (base + tf.round(low))
        loss = tf.reduce_mean(out)
    return tape.gradient(loss, [base, low])
"""


def test_a_stop_spares_what_gets_no_gradient_yet(tmp_path):
    module = loaded(tmp_path / "before.py", LOW_RANK)
    (audit,) = graphcut.audit_step(module.step, tf.TensorSpec([None, 3]))
    found = audit.suggest_stops(block="base")
    assert found[0].confirmed and found[0].code == "out = x @ (tf.stop_gradient(base) + tf.round(low))"
