"""Arguments that are not quite right: a dataset, a tuple, a model instead of a step, and the error messages."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import graphcut
from tests.against_tensorflow.steps.judge import EAGER, VERSION, variable

X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
SPEC = tf.TensorSpec([3])
models = pytest.mark.skipif(not hasattr(tf.keras.Model, "train_step"), reason="models have no train_step before TF 2.2")


def model(loss="mse"):
    made = tf.keras.Sequential([tf.keras.layers.Dense(1)])
    made.build((None, 3))
    made.compile("sgd", loss)
    return made


def refused(call, *args, **kwargs):
    with pytest.raises(graphcut.GraphcutError) as error:
        call(*args, **kwargs)
    return str(error.value)


@models
@pytest.mark.parametrize("way", ["dataset", "batch", "pair", "named"])
def test_a_model_takes_what_its_fit_takes(way):
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)
    args = {"dataset": (data,), "batch": (next(iter(data)),), "pair": ((X, Y),), "named": ()}[way]
    (audit,) = graphcut.audit_step(model(), *args, **({"x": X, "y": Y} if way == "named" else {}))
    assert [each.verdict.value for each in audit] == ["flows", "flows"]


SEEN = []


class Alone(tf.keras.Model):
    """A model whose own step notes what data it gets."""

    def __init__(self):
        super().__init__()
        self.kernel = tf.keras.layers.Dense(1)
        self.kernel.build((None, 3))

    def call(self, x):
        return self.kernel(x)

    def train_step(self, data):
        SEEN.append(type(data) if isinstance(data, (tuple, dict)) else tf.Tensor)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.kernel(tf.nest.flatten(data)[0]) ** 2)
        weights = self.kernel.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"loss": loss}


ALONE = {
    "array": lambda: X,
    "dictionary": lambda: {"x": X},
    "dataset": lambda: tf.data.Dataset.from_tensor_slices(X).batch(4),
    "dataset of tuples": lambda: tf.data.Dataset.from_tensor_slices((X,)).batch(4),
}


@pytest.mark.skipif(not hasattr(tf.keras.utils, "pack_x_y_sample_weight"), reason="from TensorFlow 2.4 on")
@pytest.mark.parametrize("way", ALONE)
def test_a_step_without_targets_gets_its_data_as_from_fit(way):
    alone = Alone()
    alone.compile("sgd")
    SEEN.clear()
    (audit,) = graphcut.audit_step(alone, ALONE[way]())
    assert [each.verdict.value for each in audit] == ["flows", "flows"]
    audited = set(SEEN)
    SEEN.clear()
    alone.fit(ALONE[way](), verbose=0)
    assert len(audited) == 1 and audited == set(SEEN)


@models
def test_what_is_missing_is_said():
    assert "y is missing" in refused(graphcut.audit_step, model(), X)
    assert "x and y are missing" in refused(graphcut.audit_step, model())


@models
def test_a_compiled_model_with_targets_is_a_step():
    message = refused(graphcut.audit, model(), X, Y)
    assert message.endswith("Call graphcut.audit_step(model, x, y).")


@models
def test_a_loss_without_return_is_named():
    def loss(y, prediction):
        tf.reduce_mean(y - prediction)

    assert "the loss is None" in refused(graphcut.audit_step, model(loss), X, Y)


@models
def test_predict_under_the_tape():
    made = model()

    def step(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(made.predict(x) - y)
        return tape.gradient(loss, made.trainable_variables)

    assert "call model(x) under the tape" in refused(graphcut.audit_step, step, X, Y)


def test_a_loss_of_none():
    w = variable(1.0, "w")

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
        return tape.gradient(None, w)

    message = refused(graphcut.audit_step, step, SPEC)
    assert "the loss is None" in message and "test_ways_in.py" in message


def test_no_advice_to_use_a_function_without_a_gradient():
    w = variable(1.0, "w")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.constant(np.mean(x * w))
        return tape.gradient(loss, w)

    message = refused(graphcut.audit_step, step, SPEC)
    assert "use tf.reduce_mean" in message and "numpy_function" not in message


def test_doubles_for_a_float_variable():
    w = variable(1.0, "w")
    message = refused(graphcut.audit, lambda x: tf.reduce_sum(x * w), np.ones(3))
    assert message.endswith("your array x is float64; pass float32: x.astype('float32')")


@pytest.mark.parametrize("error", [RuntimeError("oops"), ValueError("oops"), KeyError("oops")])
def test_a_step_that_raises_after_its_first_gradient(error):
    w = variable(1.0, "w")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(x * w)
        tape.gradient(loss, w)
        raise error

    (audit,) = graphcut.audit_step(step, SPEC)
    assert audit[w].verdict.value == "flows" and "oops" in audit.loss_source


def test_a_step_that_needs_a_value_after_its_first_gradient():
    w = variable(1.0, "w")

    def step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(x * w)
        tape.gradient(loss, w)
        return loss.numpy()

    (audit,) = graphcut.audit_step(step, SPEC)
    assert "after it the step raises" in audit.loss_source


def stepping(w, returns):
    def train_step(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(x * w)
        gradient = tape.gradient(loss, w)
        if returns == "update":
            w.assign_sub(gradient)
        return gradient if returns == "gradient" else loss

    return train_step


@pytest.mark.parametrize("returns", ["gradient", "loss", "update"])
def test_a_step_is_recognised(returns):
    message = refused(graphcut.audit, stepping(variable(1.0, "w"), returns), SPEC)
    assert "train_step takes its gradients itself (tape.gradient at " in message
    assert "Call graphcut.audit_step(train_step, x)" in message


@pytest.mark.skipif(VERSION < (2, 2), reason="before TensorFlow 2.2 no name tells that a tape made an op")
def test_a_step_that_was_traced_before_is_recognised():
    step = tf.function(stepping(variable(1.0, "w"), "update"))
    step(tf.ones([3]))
    assert "graphcut.audit_step(train_step, x)" in refused(graphcut.audit, step, tf.ones([3]))


def test_a_gradient_penalty_is_no_step():
    w = variable(1.0, "w")

    def loss(x):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(tf.square(x * w))
        return value + tf.reduce_sum(tf.square(tape.gradient(value, w)))

    assert graphcut.audit(loss, SPEC)[w].verdict.value == "flows"


def test_a_gradient_of_an_input_is_no_step():
    w = variable(1.0, "w")

    def forces(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            energy = tf.reduce_sum(tf.square(x * w))
        return tf.reduce_sum(tape.gradient(energy, x))

    assert graphcut.audit(forces, SPEC)[w].verdict.value == "flows"


def step(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(x * x)
    return tape.gradient(loss, [x])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("train.py:step", X), "'train.py:step' names a Python function, as on the command line\nIn Python, import it"),
        (("package.train:step",), "'package.train:step' names a Python function"),
        (("graph.pb",), "a value of type str was given, which is not a training step\n"),
        ((None,), "a value of type NoneType was given, which is not a training step\n"),
        ((3, X), "a value of type int was given, which is not a training step\n"),
        (
            (step, "float32[?,3]"),
            "'float32[?,3]' is how the command line writes an argument\nIn Python, pass tf.TensorSpec([None",
        ),
    ],
)
def test_what_is_no_step_or_no_argument_is_said(given, words):
    assert refused(graphcut.audit_step, *given).startswith(words)


def test_a_graph_is_no_name_of_a_function_either():
    assert refused(graphcut.audit, "train.py:loss").startswith("'train.py:loss' names a Python function")
    assert refused(graphcut.audit, lambda x: x * 2.0, "float32[3]").startswith("'float32[3]' is how the command line writes")


@models
def test_losses_by_output_are_named():
    i = tf.keras.Input([3])
    made = tf.keras.Model(i, {"logits": tf.keras.layers.Dense(1)(i)})
    made.compile("sgd", {"logits": "mse"})
    assert "compiled with the loss {'logits': 'mse'}" in refused(graphcut.audit_step, made, X)


def test_names_that_are_offered_can_be_used():
    w, v = variable([1.0], "encoder/kernel"), variable([1.0], "head/kernel")

    def two(x):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(x * w + v)
        return tape.gradient(loss, [w, v])

    (audit,) = graphcut.audit_step(two, tf.TensorSpec([1]))
    names = [each.name for each in audit]
    for wrong in ("kernell", "kernel"):
        message = refused(audit.suggest_unblock, wrong)
        offered = message.partition("did you mean ")[2].rstrip("?").split(" or ")
        assert sorted(each.strip("'") for each in offered) == sorted(names)


@pytest.mark.skipif(not EAGER, reason="a module's variables are read in TensorFlow 2")
def test_a_module_whose_call_declares_its_signature():
    class Net(tf.Module):
        def __init__(self):
            super().__init__()
            self.w = tf.Variable([1.0, 2.0], name="w")

        @tf.function(input_signature=[tf.TensorSpec([2])])
        def __call__(self, x):
            return tf.reduce_sum(self.w * x)

    class Deeper(Net):
        """Its call is inherited."""

    assert [each.verdict for each in graphcut.audit(Deeper())] == [graphcut.Verdict.FLOWS]


def test_a_missing_argument_is_named():
    message = refused(graphcut.audit, lambda x, y: x * y, SPEC)
    assert "missing" in message and "'y'" in message and "Binding inputs" not in message
    assert "give example arguments or a tf.TensorSpec for each" in message
