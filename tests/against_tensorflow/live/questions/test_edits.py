"""Each kind of edit of a user's file: the printed edit runs as printed, and the user's functions do not change."""

from __future__ import annotations

import gc
import importlib.util
import linecache
import sys

import pytest
import tensorflow as tf

import graphcut
from graphcut import Verdict
from tests.patching import applied

pytestmark = [
    pytest.mark.skipif(sys.version_info < (3, 8), reason="the syntax tree has no ends before Python 3.8"),
    pytest.mark.skipif(not tf.executing_eagerly(), reason="the file makes its variables eagerly"),
]
GETS = (Verdict.FLOWS, Verdict.CONDITIONAL)
HEAD = """
import tensorflow as tf

w = tf.Variable([[0.1, 0.2, 0.3], [0.4, 0.5, 0.7]], name="w")
other = tf.Variable(tf.ones([2, 3]), name="other")
table = tf.Variable(tf.random.normal([3, 2]), name="table")
labels = tf.constant([0, 1, 2, 1], tf.int64)


def network(x, kernel):
    return tf.nn.l2_normalize(tf.matmul(x, kernel), 1)


def ask(x):
"""
LOSSES = {
    "where": "p = tf.sigmoid(x @ w)\nreturn tf.reduce_sum(tf.where(p > 0., 1., 0.))",
    "where_of_a_name": "p = x @ w\nmask = p < 0.5\nreturn tf.reduce_sum(tf.where(mask, x[:, :1], 2.0 * x[:, 1:]))",
    "equal": "logits = x @ w\nreturn -tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32))",
    "equal_of_names": (
        "logits = x @ w\npred = tf.argmax(logits, axis=-1)\ncorrect = tf.equal(pred, labels)\n"
        "return -tf.reduce_mean(tf.cast(correct, tf.float32))"
    ),
    "one_hot": "p = x @ w\nreturn tf.reduce_sum(tf.one_hot(tf.argmax(p, 1), 3) * x[:, :1])",
    "cast": "p = x @ w\nhard = tf.cast(p > 0.5, tf.float32)\nreturn tf.reduce_sum(hard * x[:, :1])",
    "sample": "s = tf.one_hot(tf.random.categorical(x @ w, 1)[:, 0], 3)\nreturn tf.reduce_sum(s * x[:, :1])",
    "sample_as_a_number": "a = tf.random.categorical(x @ w, 1)\nreturn tf.reduce_sum(tf.cast(a, tf.float32) ** 2.0)",
    "sign": "return tf.reduce_sum(tf.sign(x @ w))",
    "rounding_of_a_call": "return tf.reduce_sum(tf.round(tf.matmul(x, w)) * 2.0)",
    "argsort": "z = x @ w\nreturn tf.reduce_sum(tf.cast(tf.argsort(z), tf.float32))",
    "casts": "z = x @ w\nreturn tf.reduce_sum(tf.cast(tf.cast(z, tf.int32), tf.float32))",
    "gather": "d = x @ w\nindex = tf.argmin(d, 1)\nreturn tf.reduce_sum(tf.gather(table, index))",
    "logic": "p = x @ w\nboth = tf.logical_and(p > 0.1, p < 0.9)\nreturn tf.reduce_sum(tf.cast(both, tf.float32))",
    "stop_over_lines": "h = tf.stop_gradient(\n    x @ w\n)\nreturn tf.reduce_sum(tf.nn.relu(h))",
}
# A choice, with the weights and the sizes that a soft one must have to compute the same where it is nearly hard.
CHOICES = {
    "along_the_first_axis": "tf.gather(square, tf.argmax(p, 0))",
    "along_a_middle_axis": "tf.cast(tf.argmax(p[None] * weights, 1), tf.float32)",
    "of_a_cube": "tf.gather(square, tf.argmax(p[None] * weights, 1))",
    "as_a_number": "tf.cast(tf.argmax(p, 0), tf.float32)",
    "between_two_values": "tf.one_hot(tf.argmax(p, -1), 3, 2.0, -1.0)",
    "of_one_value": "tf.one_hot(tf.argmin(p, 1), 3, on_value=4.0)",
    "with_classes_first": "tf.one_hot(tf.argmax(p, 0), 3, axis=0)",
    "with_classes_last": "tf.one_hot(tf.argmax(p, 1), depth=3, axis=-1)",
    "neither": "tf.cast(tf.logical_not(tf.logical_or(p > 21.0, p < -10.0)), tf.float32)",
    "one_of_two_and_a_third": "tf.cast(tf.logical_and(tf.logical_or(p > 21.0, p < -10.0), p < 40.0), tf.float32)",
    "either_as_a_condition": "tf.where(tf.logical_or(p > 21.0, p < -10.0), 2.0 * square, 3.0 * square)",
    "not_as_a_condition": "tf.where(tf.logical_not(p > 21.0), 2.0 * square, 3.0 * square)",
    "greater_as_a_call": "tf.cast(tf.greater(p, 21.0), tf.float32)",
    "both_unequal": "tf.cast(tf.not_equal(tf.argmax(p, 1), [0, 1, 0]), tf.float32)",
    "the_descending_order": "tf.cast(tf.argsort(p, -1, 'DESCENDING'), tf.float32)",
    "whole_steps": "p // 7.0",
}
# The classes of these stand along another axis than the choice: no weights of the same shape are the same.
TURNED = ["tf.one_hot(tf.argmax(p, 0), 3)", "tf.one_hot(tf.argmax(p, -1), 3, axis=0)"]
CHOICE = (
    "p = 50.0 * w @ square\np = tf.concat([p, p[:1] * [[-1.0, 2.0, 0.5]]], 0)\n"
    "return tf.reduce_sum(%s * square * [[1.0], [2.0], [4.0]])"
)
SQUARE = """
square = tf.constant([[0.1, 0.5, 0.3], [0.9, 0.2, 0.8], [0.4, 0.6, 0.7]])
weights = tf.constant([[[1.0]], [[-1.0]], [[2.0]]])
"""
TAPES = {
    "before": (
        "h = x @ w\ng = tf.tanh(h)\nwith tf.GradientTape() as tape:\n    loss = tf.reduce_sum(g)\n"
        "return tape.gradient(loss, w)"
    ),
    "after": "with tf.GradientTape() as tape:\n    h = x @ w\nloss = tf.reduce_sum(h)\nreturn tape.gradient(loss, w)",
    "not_watched": "with tf.GradientTape() as tape:\n    loss = tf.reduce_sum(x * x)\nreturn tape.gradient(loss, x)",
}
PROSE = {
    "in_a_lambda": "return tf.reduce_sum((lambda v: tf.round(tf.matmul(v, w)))(x))",
}
SPEC = tf.TensorSpec([4, 2])


def loaded(path, text):
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def source(body, more=""):
    return HEAD.replace("\n\n\ndef network", "\n" + more + "\n\ndef network") + "".join(
        "    %s\n" % line for line in body.split("\n")
    )


def edit(text, suggestions):
    for each in suggestions:
        text = applied(text, each.diff) if each.diff and each.alternative == 0 else text
    return text


def test_a_stop_that_a_name_is_assigned_to_itself_through_goes_with_its_line(tmp_path):
    text = source("k = x @ w\nk = tf.stop_gradient(k)\nreturn tf.reduce_sum(k)")
    module = loaded(tmp_path / "before.py", text)
    (found,) = graphcut.audit(module.ask, SPEC).suggest_unblock(module.w)
    assert found.confirmed
    assert edit(text, [found]) == text.replace("    k = tf.stop_gradient(k)\n", "")


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_a_loss_has_its_gradient_once_the_edit_is_applied(name, tmp_path):
    text = source(LOSSES[name])
    module = loaded(tmp_path / "before.py", text)
    audit = graphcut.audit(module.ask, SPEC)
    found = audit.suggest_unblock(module.w)
    assert audit[module.w].verdict not in GETS and all(each.confirmed for each in found) and found[0].diff
    after = loaded(tmp_path / "after.py", edit(text, found))
    with tf.GradientTape() as tape:
        loss = after.ask(tf.random.uniform([4, 2]))
    assert tape.gradient(loss, after.w) is not None


@pytest.mark.parametrize("name", sorted(CHOICES))
def test_a_soft_choice_computes_what_the_hard_one_did(name, tmp_path):
    text = source(CHOICE % CHOICES[name], SQUARE)
    module = loaded(tmp_path / "before.py", text)
    found = graphcut.audit(module.ask, SPEC).suggest_unblock(module.w)
    assert found[0].confirmed and found[0].diff
    after = loaded(tmp_path / "after.py", edit(text, found))
    x = tf.ones([4, 2])
    assert float(after.ask(x)) == pytest.approx(float(module.ask(x)), abs=1e-3)


@pytest.mark.parametrize("choice", TURNED)
def test_weights_of_another_shape_take_no_choice_s_place(choice, tmp_path):
    module = loaded(tmp_path / "before.py", source(CHOICE % choice, SQUARE))
    found = graphcut.audit(module.ask, SPEC).suggest_unblock(module.w)
    assert not any(each.diff for each in found)


@pytest.mark.parametrize("name", sorted(TAPES))
def test_a_tape_takes_its_gradient_once_the_edit_is_applied(name, tmp_path):
    text = source(TAPES[name])
    module = loaded(tmp_path / "before.py", text)
    (audit,) = graphcut.audit_step(module.ask, SPEC)
    found = audit.suggest_unblock(audit.variables[0].name)
    assert all(each.confirmed for each in found) and found[0].diff
    assert module.ask(tf.ones([4, 2])) is None
    assert loaded(tmp_path / "after.py", edit(text, found)).ask(tf.ones([4, 2])) is not None


@pytest.mark.parametrize("name", sorted(PROSE))
def test_where_no_code_can_be_vouched_for_there_is_prose(name, tmp_path):
    module = loaded(tmp_path / "before.py", source(PROSE[name]))
    (found,) = graphcut.audit(module.ask, SPEC).suggest_unblock(module.w)
    assert (found.diff, found.code, found.confirmed) == ("", "", False) and str(found) == found.prose != ""


def test_the_stop_is_put_where_the_caller_has_a_name_for_the_value(tmp_path):
    text = source("p = network(x, w)\nz = network(x, other)\nreturn tf.reduce_mean(tf.square(p - z))")
    module = loaded(tmp_path / "before.py", text)
    (found,) = graphcut.audit(module.ask, SPEC).suggest_stops(block=module.other)
    assert found.confirmed and found.code == "z = tf.stop_gradient(network(x, other))"
    after = loaded(tmp_path / "after.py", edit(text, [found]))
    with tf.GradientTape() as tape:
        loss = after.ask(tf.random.uniform([4, 2]))
    assert [each is None for each in tape.gradient(loss, [after.w, after.other])] == [False, True]


def test_the_part_of_a_line_that_costs_no_other_gradient_is_stopped(tmp_path):
    loss = "tf.reduce_mean(tf.square(p - network(x, other)))"
    text = source("p = network(x, w)\nfirst = tf.reduce_sum(p)\nsecond = %s\nreturn first + 0.1 * second" % loss)
    module = loaded(tmp_path / "before.py", text)
    (found,) = graphcut.audit(module.ask, SPEC).suggest_stops(block=module.other)
    assert (found.code, found.confirmed, found.note) == (
        "second = tf.reduce_mean(tf.square(p - tf.stop_gradient(network(x, other))))",
        True,
        "",
    )


def test_every_smallest_set_of_stops_is_an_alternative_that_works(tmp_path):
    text = source("h = tf.tanh(x @ w)\nk = tf.nn.relu(h)\nreturn tf.reduce_mean(k @ tf.transpose(x @ other))")
    module = loaded(tmp_path / "before.py", text)
    found = graphcut.audit(module.ask, SPEC).suggest_stops(block=module.w)
    codes = ["k = tf.stop_gradient(tf.nn.relu(h))", "h = tf.stop_gradient(tf.tanh(x @ w))"]
    assert [(each.alternative, each.code, each.confirmed) for each in found] == [(0, codes[0], True), (1, codes[1], True)]
    for each in found:
        after = loaded(tmp_path / ("after%d.py" % each.alternative), applied(text, each.diff))
        with tf.GradientTape() as tape:
            loss = after.ask(tf.random.uniform([4, 2]))
        assert [gradient is None for gradient in tape.gradient(loss, [after.w, after.other])] == [True, False]


def test_more_sets_of_stops_than_are_listed_are_told(tmp_path):
    lines = ["h%d = tf.tanh(h%d)" % (number, number - 1) for number in range(1, 6)]
    module = loaded(
        tmp_path / "before.py", source("\n".join(["h0 = x @ w", *lines, "return tf.reduce_sum(h5 * (x @ other))"]))
    )
    found = graphcut.audit(module.ask, SPEC).suggest_stops(block=module.w)
    assert [each.alternative for each in found] == [0, 1, 2, 3]
    assert [bool(each.note) for each in found] == [False, False, False, True] and "there are more" in found[-1].note


def test_asking_leaves_functions_modules_and_sources_as_they_were(tmp_path):
    text = source(LOSSES["cast"])
    module = loaded(tmp_path / "before.py", text.replace("ask", "ask_only_here"))
    module.ask = module.ask_only_here  # a name of its own: AutoGraph takes code for known that is like that of another test
    audit = graphcut.audit(module.ask, SPEC)
    code, modules, lines = module.ask.__code__, set(sys.modules), set(linecache.cache)
    assert audit.suggest_unblock(module.w)[0].confirmed
    assert module.ask.__code__ is code
    assert (tmp_path / "before.py").read_text(encoding="utf-8") == text.replace("ask", "ask_only_here")
    assert set(sys.modules) == modules
    assert not [each for each in set(linecache.cache) - lines if "edited." in each]
    assert not [each for each in gc.get_objects() if type(each) is type(code) and "edited." in each.co_filename]


def test_a_file_that_changed_since_it_was_imported_is_not_confirmed(tmp_path):
    text = source(LOSSES["cast"])
    module = loaded(tmp_path / "before.py", text)
    audit = graphcut.audit(module.ask, SPEC)
    (tmp_path / "before.py").write_text(text.replace("0.5", "0.75"), encoding="utf-8")
    assert not any(each.confirmed for each in audit.suggest_unblock(module.w))


def test_a_name_that_is_bound_again_has_its_last_value(tmp_path):
    text = source("s = tf.argmax(x @ w, axis=-1)\ns = tf.one_hot(s, 3)\nreturn tf.reduce_sum(s * x[:, :1])")
    module = loaded(tmp_path / "before.py", text)
    found = graphcut.audit(module.ask, SPEC).suggest_unblock(module.w)
    assert all(each.confirmed for each in found) and "s = tf.nn.softmax(10.0 * (x @ w), axis=-1)" in edit(text, found)
