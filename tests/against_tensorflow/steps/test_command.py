"""``graphcut audit path.py:train_step``: an audit for each gradient that the step takes."""

from __future__ import annotations

import json

import pytest

from graphcut.cli import main

TRAIN = """
import tensorflow as tf

w, v = (tf.compat.v1.Variable(2.0, name=name, use_resource=True) for name in "wv")


def train_step(x):
    hidden = x * w
    with tf.GradientTape() as one, tf.GradientTape() as two:
        first, second = tf.reduce_sum(hidden * v), tf.reduce_sum(v * x)
    return one.gradient(first, [w, v]) + two.gradient(second, [v])
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / "train.py").write_text(TRAIN)
    return "%s:train_step" % (tmp_path / "train.py")


def test_each_gradient_is_a_table(source, capfd):
    assert main(["audit", source, "--spec", "float32[3]"]) == 0
    told = capfd.readouterr().out
    assert told.count("loss:") == 2
    assert "outside-tape" in told


def test_several_audits_are_a_list_and_numbered_pictures(source, tmp_path, capfd):
    assert main(["audit", source, "--spec", "float32[3]", "--json", "-", "--svg", str(tmp_path / "cut.dot")]) == 0
    first, second = json.loads(capfd.readouterr().out)
    assert [each["verdict"] for each in first["variables"]] == ["none", "flows"]
    assert second["recorded"] == [True]
    assert sorted(each.name for each in tmp_path.glob("*.dot")) == ["cut-1.dot", "cut-2.dot"]


RAISING = """
import tensorflow as tf

w = tf.compat.v1.Variable([1.0, 2.0], name="w", use_resource=True)


def step():
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.round(w))
    (gradient,) = tape.gradient(loss, [w])
    w.assign_sub(0.1 * gradient)


def raises_first():
    return w.no_such_attribute
"""


def test_a_step_without_arguments_that_raises_after_its_gradient_is_audited(tmp_path, capfd):
    (tmp_path / "raising.py").write_text(RAISING)
    assert main(["audit", "%s:step" % (tmp_path / "raising.py")]) == 0
    told = capfd.readouterr().out
    assert "not-differentiable at Round (Round)" in told and "after it the step raises" in told


def test_what_raises_before_any_gradient_is_refused_with_its_line(tmp_path, capfd):
    (tmp_path / "raising.py").write_text(RAISING)
    assert main(["audit", "%s:raises_first" % (tmp_path / "raising.py")]) == 2
    out, err = capfd.readouterr()
    assert not out and "no_such_attribute" in err and "raising.py:15" in err
