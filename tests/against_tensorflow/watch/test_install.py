"""``graphcut.install()``: the complaints of TensorFlow and Keras about a missing gradient include the reason."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import traceback
import warnings

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import backprop, context
from tensorflow.python.ops import clip_ops
from tensorflow.python.training import optimizer

import graphcut
from graphcut import pytest_plugin
from graphcut.api import install
from graphcut.backend.record import gradient_calls
from tests import guest

keras = tf.keras
needs_eager = pytest.mark.skipif(not tf.executing_eagerly(), reason="the code executes eagerly")
HAS_NOTES = hasattr(BaseException, "add_note")
X, Y = np.linspace(0.0, 1.0, 24, dtype=np.float32).reshape(8, 3), np.ones((8, 1), np.float32)


@pytest.fixture
def installed():
    graphcut.install()
    yield
    graphcut.uninstall()


def said(error):
    """What an error says, its notes included."""
    return "\n".join([str(error), *getattr(error, "__notes__", ())])


def stopped(w):
    """The gradient of a loss that a variable does not reach."""
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.stop_gradient(w) ** 2)
    return tape.gradient(loss, w)


def raised(function, *args):
    """What a function raises."""
    with pytest.raises((ValueError, TypeError, AttributeError, RuntimeError)) as info:
        function(*args)
    return info.value


class warned:
    """What is warned of, or logged by TensorFlow, within a context."""

    def __enter__(self):
        self.texts = []
        self._caught = warnings.catch_warnings(record=True)
        self._warnings = self._caught.__enter__()
        warnings.simplefilter("always")
        self._handler = logging.Handler()
        self._handler.emit = lambda record: self.texts.append(record.getMessage())
        logging.getLogger("tensorflow").addHandler(self._handler)
        return self

    def __exit__(self, *error):
        logging.getLogger("tensorflow").removeHandler(self._handler)
        self._caught.__exit__(*error)
        self.texts += [str(each.message) for each in self._warnings]

    @property
    def explanations(self):
        """Those that are graphcut's."""
        return [each for each in self.texts if each.startswith("graphcut explains")]


def compiled(between, last):
    """A model with something between two layers, or behind both."""
    head = [keras.layers.Dense(1, name="b")] if last else []
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, name="a"), keras.layers.Lambda(between, output_shape=(1,)), *head]
    )
    model.compile("sgd", "mse")
    return model


@needs_eager
def test_an_optimizer_that_is_handed_nothing_says_why(installed):
    w = tf.Variable([1.0, 2.0], name="w")
    error = raised(keras.optimizers.SGD().apply_gradients, [(stopped(w), w)])
    assert str(error).startswith("No gradients provided for any variable")
    assert "w [2] gets no gradient" in said(error)
    assert "cut by stop-gradient at StopGradient" in said(error)
    assert "test_install.py" in said(error)
    assert bool(getattr(error, "__notes__", ())) == HAS_NOTES


def test_an_optimizer_of_tensorflow_1_says_why(installed):
    with tf.Graph().as_default():
        w = tf.compat.v1.get_variable("w", [2])
        error = raised(tf.compat.v1.train.GradientDescentOptimizer(0.1).minimize, tf.reduce_sum(tf.round(w)))
    assert "cut by not-differentiable at Round" in said(error)


@needs_eager
def test_fit_of_a_model_that_learns_nothing_says_why(installed):
    error = raised(lambda: compiled(tf.round, last=False).fit(X, Y, verbose=0))
    assert said(error).count("cut by not-differentiable at") == 1
    assert "The same holds for" in said(error)


@needs_eager
def test_a_warning_of_variables_without_a_gradient_is_followed_by_the_reason(installed):
    with warned() as seen:
        compiled(tf.stop_gradient, last=True).fit(X, Y, verbose=0)
    kinds = [each.partition(" ")[0] for each in seen.texts if each.startswith(("Gradients", "graphcut"))]
    assert kinds[:2] == ["Gradients", "graphcut"]
    (text,) = seen.explanations
    assert re.search(r"a(_\d+)?/kernel", text), text  # Keras of TensorFlow 2.1 numbers the layers of a process
    assert "cut by stop-gradient" in text and "What to do:" in text


@needs_eager
def test_clipping_of_a_missing_gradient_says_why_once(installed):
    w, v = tf.Variable([1.0], name="w"), tf.Variable([1.0], name="v")
    with warned() as seen:
        for _ in range(4):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(tf.floor(w) + v)
            tf.clip_by_global_norm(tape.gradient(loss, [w, v]), 1.0)
    (text,) = seen.explanations
    assert "cut by not-differentiable at Floor" in text and "v " not in text


@needs_eager
@pytest.mark.parametrize("use", [lambda none: none.numpy(), lambda none: 0.1 * none, lambda none: tf.convert_to_tensor(none)])
def test_an_error_that_a_missing_gradient_causes_is_explained_at_the_top_of_a_script(installed, use, capsys):
    w = tf.Variable([1.0], name="w")
    error = raised(lambda: use(stopped(w)))
    sys.excepthook(type(error), error, error.__traceback__)
    assert capsys.readouterr().err.count("cut by stop-gradient at StopGradient") == 1


@needs_eager
def test_an_error_that_has_nothing_to_do_with_it_is_left_as_it_is(installed):
    assert stopped(tf.Variable([1.0])) is None
    error = raised(lambda: int("x"))
    assert install.explain_error(error) == ""
    assert said(error) == str(error)


@needs_eager
def test_an_optimizer_that_is_handed_none_of_another_variable_is_told_nothing(installed):
    w, other = tf.Variable([1.0], name="w"), tf.Variable([1.0], name="other")
    assert stopped(w) is None
    assert "graphcut" not in said(raised(keras.optimizers.SGD().apply_gradients, [(None, other)]))


@needs_eager
@pytest.mark.skipif(not hasattr(threading, "excepthook"), reason="from Python 3.8 on")
def test_an_error_in_a_thread_is_explained(monkeypatch, capsys):
    errors, w = [], tf.Variable([1.0], name="w")
    monkeypatch.setattr(threading, "excepthook", lambda args: errors.append(args.exc_value))
    graphcut.install()
    try:
        thread = threading.Thread(target=lambda: stopped(w).numpy())
        thread.start()
        thread.join()
    finally:
        graphcut.uninstall()
    assert "cut by stop-gradient" in said(errors[0]) + capsys.readouterr().err


class _Call:
    when = "call"

    def __init__(self, error):
        self.excinfo = None if error is None else type("Info", (), {"value": error})


class _Outcome:
    def __init__(self):
        self.sections = []

    def get_result(self):
        return self


def reported(error):
    """What pytest says of an error: its own words, and sections of the report."""
    hook, outcome = pytest_plugin.pytest_runtest_makereport(object(), _Call(error)), _Outcome()
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(outcome)
    return "\n".join([said(error), *(text for _, text in outcome.sections)])


@needs_eager
def test_a_failing_test_is_explained(installed):
    error = raised(lambda: stopped(tf.Variable([1.0], name="w")).numpy())
    assert reported(error).count("cut by stop-gradient") == 1


@needs_eager
def test_a_failing_test_is_left_alone_where_it_is_not_installed():
    error = raised(lambda: stopped(tf.Variable([1.0], name="w")).numpy())
    assert reported(error) == str(error)


@needs_eager
def test_a_step_that_repeats_is_recorded_no_more(installed):
    w = tf.Variable([1.0])
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = w * w
        assert tape.gradient(loss, w) is not None
    assert not getattr(context.context(), "op_callbacks", ())
    assert gradient_calls.WATCHES[0].rests


@needs_eager
def test_a_traced_step_that_repeats_enters_one_wrapper_of_graphcut(installed):
    """The benchmarks measure how long it takes."""
    w = tf.Variable([1.0])

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = w * w
        w.assign_sub(tape.gradient(loss, w))

    for _ in range(12):
        step()
    entered = functions_entered(step)
    is_recent = tuple(map(int, tf.__version__.split(".")[:2])) >= (
        2,
        15,
    )  # TensorFlow 2.4 and 2.8 call an earlier trace directly
    assert entered.count("wrapper") in ((1,) if is_recent else (0, 1)) and len(entered) <= 3, entered


def asked_twice(w):
    with tf.GradientTape() as tape:
        loss = w * w
    return tape.gradient(loss, w), tape.gradient(loss, w)


def trained_by_number(w):
    with tf.GradientTape() as tape:
        loss = float(tf.reduce_sum(w))
    return tape.gradient(loss, w)


FAILING = {
    "a tape that is asked twice": asked_twice,
    "a gradient of a number": trained_by_number,
    "an optimizer without gradients": lambda w: keras.optimizers.SGD().apply_gradients([(stopped(w), w)]),
    "fit without gradients": lambda w: compiled(tf.round, last=False).fit(X, Y, verbose=0),
}
AWAKE, AT_REST = 0, 3  # steps before


def frames_of(error):
    """The frames of an error, each as the file and the function; files that AutoGraph writes have names of their own."""
    frames = [(each.filename, each.name) for each in traceback.extract_tb(error.__traceback__)]
    return [("", name) if "__autograph_generated" in file else (file, name) for file, name in frames]


def own_frames(frames):
    return [name for file, name in frames if file.startswith(os.path.join(os.path.dirname(graphcut.__file__), ""))]


@needs_eager
@pytest.mark.parametrize("steps", [AWAKE, AT_REST])
@pytest.mark.parametrize("name", sorted(FAILING))
def test_a_traceback_shows_the_same_frames_as_without_it(name, steps):
    w = tf.Variable([1.0, 2.0])
    before = frames_of(raised(FAILING[name], w))
    graphcut.install()
    try:
        for _ in range(steps):
            stopped(w)
        frames = frames_of(raised(FAILING[name], w))
    finally:
        graphcut.uninstall()
    if sys.version_info >= (3, 11):
        assert frames == before
    assert len(own_frames(frames)) <= 3


@needs_eager
def test_an_error_that_ends_a_script_shows_no_frame_of_graphcut(installed, capsys):
    error = raised(asked_twice, tf.Variable([1.0, 2.0]))
    sys.excepthook(type(error), error, error.__traceback__)
    assert os.path.join("graphcut", "backend") not in capsys.readouterr().err


def functions_entered(call):
    """The names of the functions of graphcut that a call enters."""
    found = []
    folder = os.path.join(os.path.dirname(graphcut.__file__), "")

    def note(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(folder):
            found.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return found


@needs_eager
def test_a_gradient_that_goes_missing_later_names_the_line_when_it_repeats(installed):
    w, errors = tf.Variable([1.0], name="w"), []
    for number in range(6):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(w if number < 4 else tf.round(w))
        gradient = tape.gradient(loss, w)
        if gradient is None:
            errors.append(said(raised(keras.optimizers.SGD().apply_gradients, [(gradient, w)])))
    first, second = errors
    assert "w was read while the tape recorded, and is cut off" in first
    assert "cut by not-differentiable at Round" in second


@needs_eager
def test_the_reason_stays_known_where_the_same_gradient_is_missing_again(installed):
    w = tf.Variable([1.0], name="w")
    errors = [said(raised(keras.optimizers.SGD().apply_gradients, [(stopped(w), w)])) for _ in range(5)]
    assert all("cut by stop-gradient" in each for each in errors)


def hooks():
    """What ``install`` wraps."""
    owners = [
        (backprop.GradientTape, ("gradient", "jacobian", "batch_jacobian", "_push_tape", "_pop_tape", "watch")),
        (optimizer.Optimizer, ("minimize", "apply_gradients")),
        (clip_ops, ("clip_by_global_norm",)),
        (tf, ("clip_by_global_norm", "gradients")),
        (sys, ("excepthook",)),
        (threading, ("excepthook",)),
        (threading.Thread, ("_bootstrap_inner",)),
    ]
    return [getattr(owner, name, None) for owner, names in owners for name in names]


@needs_eager
def test_nothing_remains_of_it(capsys):
    w = tf.Variable([1.0], name="w")
    before, state = hooks(), guest.process_state()
    graphcut.install()
    graphcut.install()
    raised(keras.optimizers.SGD().apply_gradients, [(stopped(w), w)])
    assert hooks() != before
    graphcut.uninstall()
    graphcut.uninstall()
    assert hooks() == before
    assert not getattr(context.context(), "op_callbacks", ())
    assert guest.changed(state, guest.process_state()) == []
    assert "graphcut" not in said(raised(keras.optimizers.SGD().apply_gradients, [(stopped(w), w)]))


@needs_eager
def test_a_hook_of_another_over_ours_stays(installed, monkeypatch, capsys):
    inner = sys.excepthook
    monkeypatch.setattr(sys, "excepthook", lambda *args: inner(*args))
    theirs = sys.excepthook
    graphcut.uninstall()
    assert sys.excepthook is theirs
    error = raised(lambda: stopped(tf.Variable([1.0])).numpy())
    theirs(type(error), error, None)
    assert "graphcut explains" not in capsys.readouterr().err


@needs_eager
def test_a_fault_of_its_own_leaves_the_error_as_it_is(installed, monkeypatch):
    def fails(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr(install, "explain_groups", fails)
    w = tf.Variable([1.0], name="w")
    error = raised(keras.optimizers.SGD().apply_gradients, [(stopped(w), w)])
    assert "graphcut" not in said(error)
    assert install.explain_error(raised(lambda: stopped(w).numpy())) == ""


@needs_eager
def test_a_watch_and_an_audit_go_on_beside_it(installed):
    w = tf.Variable([1.0], name="w")
    with graphcut.watch() as watched:
        stopped(w)
    (audit,) = graphcut.audit_step(lambda: stopped(w))
    assert [each["w"].verdict.value for each in (*watched.audits, audit)] == ["none", "none"]


@needs_eager
def test_a_function_that_is_traced_at_rest_is_explained(installed):
    w, error = tf.Variable([1.0], name="w"), None
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = w * w
        tape.gradient(loss, w)
    assert gradient_calls.WATCHES[0].rests
    error = raised(tf.function(lambda: 0.1 * stopped(w)))
    assert "cut by stop-gradient" in install.explain_error(error)
