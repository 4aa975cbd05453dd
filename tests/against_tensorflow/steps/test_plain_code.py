"""A plain function is judged as its eager run, and a ``tf.function`` as its trace; both are compared with TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from graphcut import BarrierKind, Verdict
from tests.against_tensorflow.steps.judge import EAGER, LIVE, VERSION

pytestmark = pytest.mark.skipif(not EAGER, reason="only what runs eagerly differs from its trace")

POINT = np.array([1.0, 2.0], np.float32)


@pytest.fixture(scope="module")
def variables():
    return [tf.Variable([1.5, 2.5], name="w"), tf.Variable(0.7, name="s"), tf.Variable(1.2, name="v")]


@pytest.fixture(scope="module")
def data():
    return tf.data.Dataset.from_tensor_slices([[1.0, 2.0], [3.0, 4.0]])


def to_float(x, w, s, v, data):
    return float(tf.reduce_sum(w)) * v * tf.reduce_sum(x)


def to_float_of_variable(x, w, s, v, data):
    return float(s) * v


def to_float_in_lambda(x, w, s, v, data):
    return (lambda value: float(value) * v)(s)


def to_float_of_constant(x, w, s, v, data):
    return v * float(tf.constant(2.0)) / float(tf.shape(x)[0])


def to_int(x, w, s, v, data):
    return tf.cast(int(tf.reduce_sum(w)), tf.float32) * v


def converted_in_eager_code_too(x, w, s, v, data):
    return tf.reduce_sum(tf.map_fn(lambda each: float(each) * s, w * x))


def inner_function(x, w, s, v, data):
    @tf.function
    def inner(value):
        return float(tf.reduce_sum(value)) * s

    return inner(w) * v


def loop_over_data(x, w, s, v, data):
    total = tf.constant(0.0)
    for batch in data:
        total += tf.reduce_sum(w * batch)
    return total + s


def enumerated_data(x, w, s, v, data):
    total = tf.constant(0.0)
    for _, batch in enumerate(data):
        total += tf.reduce_sum(w * batch)
    return total + s


def zipped_data(x, w, s, v, data):
    total = tf.constant(0.0)
    for one, other in zip(data, data):
        total += tf.reduce_sum(w * one * other)
    return total


def data_until(x, w, s, v, data):
    total = tf.constant(0.0)
    for batch in data:
        total += tf.reduce_sum(w * batch)
        if total > 3.0:
            break
    return total


def array_that_is_written(x, w, s, v, data):
    array = tf.TensorArray(tf.float32, 2)
    array.write(0, s)
    array.write(1, v)
    return tf.reduce_sum(array.stack())


def array_of_which_one_is_read(x, w, s, v, data):
    array = tf.TensorArray(tf.float32, 2, element_shape=[])
    array = array.write(0, tf.reduce_sum(w * x)).write(1, v)
    return array.read(0)


def array_that_python_loops_write(x, w, s, v, data):
    array, state = tf.TensorArray(tf.float32, 0, dynamic_size=True, clear_after_read=False), tf.reduce_sum(w * x)
    for place, each in enumerate((s, v)):
        array = array.write(place, state)
        state = state * each
    return tf.reduce_sum(array.gather([0, 1])) + array.read(0)


def array_that_is_written_again(x, w, s, v, data):
    array = tf.TensorArray(tf.float32, 1, clear_after_read=False).write(0, s * 1.0)
    return array.write(0, tf.reduce_sum(w * x)).read(0)


def array_that_a_loop_writes(x, w, s, v, data):
    array = tf.TensorArray(tf.float32, 2, clear_after_read=False).write(0, s * 1.0)
    for place in tf.range(2):
        array = array.write(place, tf.reduce_sum(w * x))
    return array.read(0)


def array_read_in_a_branch(x, w, s, v, data):
    array = tf.TensorArray(tf.float32, 2, clear_after_read=False).write(0, tf.reduce_sum(w * x)).write(1, v * 1.0)
    total = s * 1.0
    if total > 0.0:
        total += array.read(0)
    return total


def asks_whether_eager(x, w, s, v, data):
    return s * 1.0 if tf.executing_eagerly() else v * 1.0


def prints_where_eager(x, w, s, v, data):
    loss = tf.reduce_sum(w * x) * s
    if tf.executing_eagerly():
        print("loss", loss.numpy())
    return loss


def reads_its_value_where_eager(x, w, s, v, data):
    loss = tf.reduce_sum(w * x)
    if tf.executing_eagerly():
        return loss + tf.reduce_sum(s * x).numpy()
    return loss * v


def scales_by_its_value_where_eager(x, w, s, v, data):
    loss = tf.reduce_sum(w * x)
    return loss * float((s * 1.0).numpy()) if tf.executing_eagerly() else loss * s


def loop_over_tensor(x, w, s, v, data):
    total = tf.constant(0.0)
    for each in w * x:
        total += each * s
    return total


def loop_carries_more(x, w, s, v, data):
    total, other = tf.reduce_sum(w * x), s * 1.0
    for _ in tf.range(2):
        total, other = total * 2.0, other * v
    return total


def while_carries_more(x, w, s, v, data):
    total, other = tf.reduce_sum(w * x), s * 1.0
    while total < 100.0:
        total, other = total * 2.0, other * v
    return total


def branch_makes_more(x, w, s, v, data):
    total, other = tf.reduce_sum(w * x), s * 1.0
    if total > 0.0:
        total, other = total * 2.0, other * v
    return total


def branch_in_a_loop(x, w, s, v, data):
    total, other = tf.reduce_sum(w * x), s * 1.0
    for index in tf.range(2):
        if index < 5:
            total, other = total * 2.0, other * v
    return total


def calls_of_control_flow(x, w, s, v, data):
    scanned = tf.scan(lambda all, each: (all[0] + each, all[1] * s), w * x, (tf.constant(0.0), v * 1.0))
    return tf.cond(tf.reduce_sum(x) > 0.0, lambda: (scanned[0][-1], s), lambda: (scanned[0][0], s))[0]


def loop_in_a_function(x, w, s, v, data):
    return tf.function(loop_carries_more)(x, w, s, v, None)


def vectorized(x, w, s, v, data):
    return tf.reduce_sum(tf.vectorized_map(lambda each: (each * s, each * v), w * x)[0])


LOSSES = (
    to_float, to_float_of_variable, to_float_in_lambda, to_float_of_constant, to_int, converted_in_eager_code_too,
    inner_function, loop_over_data, enumerated_data, zipped_data, data_until, array_that_is_written, asks_whether_eager,
    prints_where_eager, loop_over_tensor, loop_carries_more, while_carries_more, branch_makes_more, branch_in_a_loop,
    calls_of_control_flow, array_of_which_one_is_read, array_that_python_loops_write, array_read_in_a_branch,
)  # fmt: skip
# In earlier versions, attributes cannot be added to tensors.
VALUES = (reads_its_value_where_eager, scales_by_its_value_where_eager)
# In TensorFlow 2.1, float() of a variable fails, and eager tf.map_fn does not convert its function.
LATER = (to_float_of_variable, to_float_in_lambda, converted_in_eager_code_too)


def step_of(loss, variables, data, persistent=False):
    def step(x):
        with tf.GradientTape(persistent=persistent) as tape:
            value = loss(x, *variables, data)
        return tape.gradient(value, variables)

    return step


@pytest.mark.parametrize("loss", (loop_in_a_function, vectorized), ids=lambda loss: loss.__name__)
def test_a_function_fills_in_zeros_in_eager_code_too(loss, variables, data):
    step = step_of(loss, variables, data)
    (audit,) = graphcut.audit_step(step, tf.TensorSpec([2]))
    assert [each is not None for each in step(tf.constant(POINT))] == [each.verdict is not Verdict.NONE for each in audit]
    assert "zero" in [each.verdict.value for each in audit] and audit.disagreements == ()


@pytest.mark.parametrize("loss", (loop_carries_more, branch_makes_more), ids=lambda loss: loss.__name__)
def test_a_persistent_tape_is_judged_as_it_runs_eagerly(loss, variables, data):
    audit = check(step_of(loss, variables, data, persistent=True), variables)
    assert [each.verdict.value for each in audit] == ["flows", "none", "none"]


def test_a_step_goes_on_with_the_none_of_its_eager_run():
    w, s, v = [tf.Variable(2.0, name=name) for name in "wsv"]
    sgd = tf.keras.optimizers.SGD(0.1)

    def step(x):
        with tf.GradientTape() as tape:
            loss = loop_carries_more(x, w, s, v, None)
        gradients = tape.gradient(loss, [w, s, v])
        sgd.apply_gradients([(each, one) for each, one in zip(gradients, [w, s, v]) if each is not None])

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([2]))
    assert [each.is_updated for each in audit] == [True, False, False]
    assert [each.optimizer_got_gradient for each in audit] == [True, None, None]
    assert audit.recorded == (True, False, False) and not audit.disagreements


def direct(loss):
    return float(loss)


def computed(loss):
    return 2.0 * float(loss) + 1.0


@pytest.mark.parametrize("number", (direct, computed), ids=lambda number: number.__name__)
def test_a_tape_that_is_asked_for_the_gradient_of_a_number_raises(number, variables):
    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(variables[0] * x)
        variables[0].assign_sub(tape.gradient(number(loss), variables)[0])

    with pytest.raises((AttributeError, TypeError)):
        step(tf.constant(POINT))
    (audit,) = graphcut.audit_step(step, tf.TensorSpec([2]))
    assert "it is not a tensor but a float, and TensorFlow raises " in str(audit)
    assert "the step raises" in str(audit) and audit.recorded == (None, None, None)
    assert [each.is_updated for each in audit] == [None, None, None]


def prints_at_the_end(loss, variables, data):
    def step(x):
        with tf.GradientTape() as tape:
            value = loss(x, *variables, data)
        gradients = tape.gradient(value, variables)
        if tf.executing_eagerly():
            print("loss", value.numpy())
        return gradients

    return step


def check(step, variables):
    """Hold the verdicts of a step against what the step returns when it is called."""
    (audit,) = graphcut.audit_step(step, tf.TensorSpec([2]))
    for found, gradient in zip(audit, step(tf.constant(POINT))):
        assert (found.verdict is Verdict.NONE) == (gradient is None), found
        assert gradient is None or found.verdict in LIVE, found
    assert audit.disagreements == ()
    return audit


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_a_plain_step_is_judged_as_it_runs_eagerly(loss, variables, data):
    if VERSION < (2, 2) and loss in LATER:
        pytest.skip("from TensorFlow 2.2 on")
    check(step_of(loss, variables, data), variables)


@pytest.mark.skipif("__getattr__" not in vars(tf.Tensor), reason="from TensorFlow 2.5 on")
@pytest.mark.parametrize("loss", VALUES, ids=lambda loss: loss.__name__)
def test_the_value_that_eager_code_reads_passes_no_gradient(loss, variables, data):
    audit = check(step_of(loss, variables, data), variables)
    assert [each.verdict.value for each in audit] == ["flows", "none", "none"]
    assert audit[variables[1]].cut[0].kind is BarrierKind.PYTHON


@pytest.mark.parametrize("loss", (array_that_is_written_again, array_that_a_loop_writes), ids=lambda loss: loss.__name__)
def test_an_overwritten_element_of_an_array_is_at_best_without_a_gradient(loss, variables, data):
    step = step_of(loss, variables, data)
    (audit,) = graphcut.audit_step(step, tf.TensorSpec([2]))
    assert step(tf.constant(POINT))[0] is not None and audit[variables[0]].verdict in LIVE
    assert audit.disagreements == ()


def number_times_sum(y, prediction):
    return float(tf.reduce_sum(y)) * tf.reduce_sum(prediction)


class NumberTimesSum(tf.keras.losses.Loss):
    def call(self, y, prediction):
        return number_times_sum(y, prediction)


@pytest.mark.skipif(
    VERSION < (2, 2) or not hasattr(tf.keras.Model, "_get_trainable_state"), reason="only Keras 2 from 2.2 on converts losses"
)
@pytest.mark.parametrize("is_function", (False, True), ids=("method", "function"))
def test_keras_converts_loss_functions_in_eager_code_too_and_methods_do_not_change(is_function, variables, data):
    wrapper = type(tf.keras.losses.MeanSquaredError()).__mro__[1]
    loss = wrapper(number_times_sum) if is_function else NumberTimesSum()
    audit = check(step_of(lambda x, w, s, v, data: loss(w * x, s * x), variables, data), variables)
    assert [each.verdict.value for each in audit][:2] == ["flows" if is_function else "none", "flows"]


class Branching(tf.keras.layers.Layer):
    """A layer of which only an eager run takes the branches and the number."""

    def __init__(self):
        super().__init__()
        self.one, self.other, self.read = (tf.keras.layers.Dense(2, name=name) for name in ("one", "other", "read"))

    def call(self, x):
        h, carried = self.one(x), self.other(x)
        for _ in tf.range(2):
            h, carried = h + float(tf.reduce_sum(self.read(x))), carried * 2.0
        if tf.reduce_sum(h) > -100.0:
            h = h * 2.0
        return h


@pytest.mark.skipif(hasattr(tf.keras.Model, "_get_trainable_state") or VERSION < (2, 16), reason="Keras 3 converts no call")
def test_a_layer_and_a_loss_of_keras_3_are_judged_as_they_run_eagerly():
    layer, loss = Branching(), NumberTimesSum()
    layer(tf.ones([1, 2]))

    def step(x):
        with tf.GradientTape() as tape:
            value = loss(x, layer(x))
        return tape.gradient(value, layer.trainable_variables)

    (audit,) = graphcut.audit_step(step, tf.TensorSpec([1, 2]))
    assert audit.recorded == tuple(each is not None for each in step(tf.ones([1, 2])))
    assert [each.verdict.value for each in audit] == ["flows"] * 2 + ["none"] * 4
    assert audit.disagreements == () and "call" not in vars(layer) and "call" not in vars(loss)


def test_a_step_may_print_its_loss_where_it_is_run_eagerly(variables, data):
    assert len(check(prints_at_the_end(loop_over_data, variables, data), variables)) == 3


@pytest.mark.parametrize("loss", (to_float, to_float_of_variable, inner_function), ids=lambda loss: loss.__name__)
def test_a_traced_step_is_judged_as_it_is_traced(loss, variables, data):
    check(tf.function(step_of(loss, variables, data)), variables)


def test_a_number_is_cut_by_python(variables, data):
    audit = check(step_of(to_float, variables, data), variables)
    (cut,) = audit.variables[0].cut
    assert cut.kind is BarrierKind.PYTHON
    assert "float(tf.reduce_sum(w))" in audit.explain(audit.variables[0].name)


def test_a_plain_loss_is_judged_as_the_step_that_holds_it(variables, data):
    w, s, v = variables
    plain = graphcut.audit(lambda x: to_float(x, w, s, v, data), tf.TensorSpec([2]), variables=variables)
    traced = graphcut.audit(tf.function(lambda x: to_float(x, w, s, v, data)), tf.TensorSpec([2]), variables=variables)
    assert [each.verdict.value for each in plain] == ["none", "none", "flows"]
    assert [each.verdict.value for each in traced] == ["flows", "none", "flows"]


def comprehension(x, w, s, v, data):
    return sum([tf.reduce_sum(w * batch) for batch in data])


def listed(x, w, s, v, data):
    return sum(tf.reduce_sum(w * batch) for batch in list(data))


def mapped(x, w, s, v, data):
    total = tf.constant(0.0)
    for each in map(lambda batch: w * batch, data):  # noqa: C417 - what is tested
        total += tf.reduce_sum(each)
    return total


def written_in_a_loop(x, w, s, v, data):
    array = tf.TensorArray(tf.float32, 2)
    for index in tf.range(2):
        array.write(index, s)
    return tf.reduce_sum(array.stack())


@pytest.mark.parametrize("loss", (comprehension, listed, mapped, written_in_a_loop), ids=lambda loss: loss.__name__)
def test_what_only_eager_code_does_is_refused(loss, variables, data):
    step = step_of(loss, variables, data)
    with pytest.raises(graphcut.GraphcutError, match="cannot be traced: EagerOnlyError: .*\n.*test_plain_code.*\n.*watch"):
        graphcut.audit_step(step, tf.TensorSpec([2]))
    with graphcut.watch() as watched:
        step(tf.constant(POINT))
    assert any(each.verdict is Verdict.FLOWS for each in watched.audits[0])


def test_a_tape_that_stops_in_a_branch_is_refused(variables):
    w, s, v = variables

    def step(x):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(w)
            if tf.reduce_sum(x) > 0.0:
                with tape.stop_recording():
                    value = value * s
            loss = value * v
        return tape.gradient(loss, variables)

    with pytest.raises(graphcut.GraphcutError, match=r"tape.stop_recording\(\) in a branch or loop"):
        graphcut.audit_step(step, tf.TensorSpec([2]))
