"""Operations whose gradient a user wrote: custom gradients, overridden ones, Python gradients of functions."""

from __future__ import annotations


def one_input(gradient):
    """``gradient(tf, x, dy)`` is what the custom gradient of ``sin`` answers."""

    def build(tf, x):
        @tf.custom_gradient
        def function(x):
            return tf.sin(x), lambda dy: gradient(tf, x, dy)

        return function(x)

    return build


def second_none(tf, a, b):
    @tf.custom_gradient
    def function(a, b):
        return a * b, lambda dy: (dy * b, None)

    return function(a, b)


def second_zero(tf, a, b):
    @tf.custom_gradient
    def function(a, b):
        return a + b, lambda dy: (tf.zeros_like(a), dy)

    return function(a, b)


def two_results(tf, a, b):
    @tf.custom_gradient
    def function(a, b):
        return (a + b, a * b), lambda first, second: (second, first)

    return function(a, b)


def result_ignored(tf, a, b):
    @tf.custom_gradient
    def function(a, b):
        return (tf.sin(a), tf.sin(b)), lambda first, second: (first, tf.zeros_like(b))

    return function(a, b)


def with_variable(gradient):
    """``gradient(tf, variable, dy)`` is what the variable that the function reads is given."""

    def build(tf, variable, v):
        @tf.custom_gradient
        def function(v):
            def backward(dy, variables=None):
                return dy, [gradient(tf, each, dy) for each in variables]

            return v * tf.reshape(tf.identity(variable), [4]), backward

        with tf.variable_scope(tf.get_variable_scope(), use_resource=True):
            return function(v)

    return build


def nested(tf, x):
    @tf.custom_gradient
    def outer(x):
        @tf.custom_gradient
        def inner(y):
            return tf.sin(y), lambda dy: dy * 2.0

        return inner(x) * 3.0, lambda dy: inner(dy)

    return outer(x)


def register(tf):
    """The gradients that ``gradient_override_map`` names below, registered once for each process."""
    gradients = {
        "RandomGraphsNone": lambda op, dy: None,
        "RandomGraphsZeros": lambda op, dy: tf.zeros_like(dy),
        "RandomGraphsOnes": lambda op, dy: tf.ones_like(op.inputs[0]),
        "RandomGraphsSame": lambda op, dy: dy,
    }
    for name, gradient in gradients.items():
        try:
            tf.RegisterGradient(name)(gradient)
        except KeyError:
            return


def overridden(type, name, function):
    def build(tf, x):
        register(tf)
        with tf.get_default_graph().gradient_override_map({type: name}):
            return function(tf, x)

    return build


def python_gradient(tf, v):
    from tensorflow.python.framework import function

    @function.Defun(tf.float32, python_grad_func=lambda op, dy: dy * 2.0, shape_func=lambda op: [op.inputs[0].get_shape()])
    def halved(x):
        return x * 0.5

    return halved(v)


def python_gradient_none(tf, v):
    from tensorflow.python.framework import function

    @function.Defun(tf.float32, python_grad_func=lambda op, dy: None, shape_func=lambda op: [op.inputs[0].get_shape()])
    def doubled(x):
        return x * 2.0

    return doubled(v)


OPERATIONS = {
    "custom_identity": ("f", "=", one_input(lambda tf, x, dy: dy), 2),
    "custom_cos": ("f", "=", one_input(lambda tf, x, dy: dy * tf.cos(x)), 2),
    "custom_zeros": ("f", "=", one_input(lambda tf, x, dy: tf.zeros_like(dy)), 2),
    "custom_zeros_of_input": ("f", "=", one_input(lambda tf, x, dy: tf.zeros_like(x)), 1),
    "custom_ones": ("f", "=", one_input(lambda tf, x, dy: tf.ones_like(x)), 2),
    "custom_none": ("f", "=", one_input(lambda tf, x, dy: None), 2),
    "custom_clipped": ("f", "=", one_input(lambda tf, x, dy: tf.clip_by_value(dy, -1.0, 1.0)), 2),
    "custom_stopped": ("f", "=", one_input(lambda tf, x, dy: tf.stop_gradient(dy)), 1),
    "custom_second_none": ("fe", "=", second_none, 2),
    "custom_first_zero": ("fe", "=", second_zero, 2),
    "custom_two_results": ("fe", "==", two_results, 2),
    "custom_result_ignored": ("fe", "==", result_ignored, 2),
    "custom_nested": ("f", "=", nested, 1),
    "custom_variable": ("Rv", "v", with_variable(lambda tf, w, dy: tf.ones_like(w) * tf.reduce_sum(dy)), 2),
    "custom_variable_zeros": ("Rv", "v", with_variable(lambda tf, w, dy: tf.zeros_like(w)), 1),
    "custom_variable_none": ("Rv", "v", with_variable(lambda tf, w, dy: None), 1),
    "override_none": ("f", "=", overridden("Tanh", "RandomGraphsNone", lambda tf, x: tf.tanh(x)), 1),
    "override_zeros": ("f", "=", overridden("Tanh", "RandomGraphsZeros", lambda tf, x: tf.tanh(x)), 1),
    "override_ones": ("f", "=", overridden("Identity", "RandomGraphsOnes", lambda tf, x: tf.identity(x)), 1),
    "override_floor": ("f", "=", overridden("Floor", "RandomGraphsSame", lambda tf, x: tf.floor(x)), 1),
    "python_gradient": ("v", "v", python_gradient, 1),
    "python_gradient_none": ("v", "v", python_gradient_none, 1),
}
