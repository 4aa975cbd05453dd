"""``graphcut explain`` and ``graphcut table`` on a training step: they show each gradient that it takes."""

from __future__ import annotations

import pytest
import tensorflow as tf

from graphcut.cli import main

pytestmark = pytest.mark.skipif(not tf.executing_eagerly(), reason="the file makes its variables eagerly")

SOURCE = """
import tensorflow as tf

g, d = tf.Variable([1., 2.], name="g"), tf.Variable([3., 4.], name="d")


def step():
    with tf.GradientTape(persistent=True) as tape:
        fake = g * 2.
        g_loss = tf.reduce_sum(tf.stop_gradient(fake) * d)
        d_loss = tf.reduce_sum(d * d)
    first = tape.gradient(g_loss, [g, d])
    return first, tape.gradient(d_loss, [d])


def loss():
    return tf.reduce_sum(g * tf.round(d))
"""


@pytest.fixture(autouse=True)
def model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gan.py").write_text(SOURCE, encoding="utf-8")


def test_each_gradient_that_was_asked_for_the_variable_is_explained(capfd):
    assert main(["explain", "gan.py:step", "g", "d"]) == 0
    out = capfd.readouterr().out
    assert out.count("For the gradient of ") == 2 and out.count("g [2] ") == 1 and out.count("d [2] gets a gradient") == 2


def test_each_gradient_has_a_column(capfd):
    assert main(["table", "gan.py:step"]) == 0
    head, *rows = capfd.readouterr().out.splitlines()
    assert head.split() == ["variable", "g_loss", "d_loss"]
    assert [row.split()[0] for row in rows] == ["g", "d"] and "none: stop-gradient" in rows[0] and "not audited" in rows[0]


def test_a_function_of_no_arguments_that_returns_its_loss_is_what_is_audited(capfd):
    assert main(["explain", "gan.py:loss", "d"]) == 0
    assert "not-differentiable at Round" in capfd.readouterr().out
