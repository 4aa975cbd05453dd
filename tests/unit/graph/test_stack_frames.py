"""Which frame of a stack is the user's."""

from __future__ import annotations

import contextlib

import pytest

from graphcut.graph import stack_frames
from graphcut.graph.stack_frames import is_library, place, place_of_op

TENSORFLOW = "/usr/lib/python3/site-packages/tensorflow/python/ops/math_ops.py"


def test_the_innermost_frame_of_the_user_s():
    assert place([("main.py", 3), ("layers.py", 7), (TENSORFLOW, 900)]) == ("layers.py:7", True)


def test_what_only_tensorflow_s_wrappers_stand_inside_of_is_the_user_s():
    wrapper = TENSORFLOW.replace("math_ops", "gen_math_ops")
    assert place([("layers.py", 7), (wrapper, 900)]) == ("layers.py:7", False)


KERAS = "/usr/lib/python3/site-packages/keras/src/"


def test_a_stop_that_the_line_asks_of_keras_is_the_user_s():
    calls = [(KERAS + "ops/core.py", 697, "stop_gradient"), (KERAS + "backend/tensorflow/core.py", 831, "stop_gradient")]
    wrapper = (TENSORFLOW.replace("math_ops", "gen_array_ops"), 10839, "stop_gradient")
    assert place([("model.py", 7, "loss"), *calls, wrapper]) == ("model.py:7", False)


def test_a_stop_that_a_layer_makes_is_the_library_s():
    layer = (KERAS + "layers/core/lambda_layer.py", 120, "call")
    assert place([("model.py", 7, "loss"), layer, (KERAS + "ops/core.py", 697, "stop_gradient")]) == ("model.py:7", True)


def test_who_asked_for_an_audit_made_no_op():
    asked = ("main.py", 30), (stack_frames.__file__.replace("stack_frames", "names"), 5)
    assert place([*asked, (TENSORFLOW, 900)]) == (None, True)
    assert place([*asked, ("layers.py", 7), (TENSORFLOW, 900)]) == ("layers.py:7", True)


@pytest.mark.parametrize("wrapper", ["backend/record/tapes", "backend/live/plain_code"])
def test_a_wrapper_of_graphcut_between_the_line_and_tensorflow_makes_no_op(wrapper):
    own = stack_frames.__file__.replace("graph/stack_frames", wrapper)
    stop = (TENSORFLOW.replace("math_ops", "gen_array_ops"), 10839, "stop_gradient")
    assert place([("layers.py", 7, "loss"), (own, 170, "call"), stop]) == ("layers.py:7", False)


def test_the_command_line_s_own_frames_are_no_place():
    click = "/x/site-packages/click/core.py"
    own = stack_frames.__file__.replace("graph/stack_frames", "cli/__init__")
    assert place([(own, 5), (click, 911), (own, 7), (click, 783), (TENSORFLOW, 900)]) == (None, True)


def test_no_frame_of_the_user_s():
    assert place([(TENSORFLOW, 900)]) == (None, True) and place([]) == (None, False)


@pytest.mark.parametrize(
    "path", [contextlib.__file__, "<frozen importlib>", TENSORFLOW, "/tmp/__autograph_generated_filex.py"]
)
def test_what_is_no_user_s(path):
    assert is_library(path)


@pytest.mark.parametrize(
    "path",
    [
        "<stdin>",
        "<ipython-input-3-abc>",
        "/tmp/ipykernel_1/23.py",
        "/x/site-packages/mine/layers.py",
        "tensorflow/train.py",
    ],
)
def test_what_is(path):
    assert not is_library(path)


def test_a_line_that_only_trains_a_model_is_no_place_of_its_ops():
    trainer = (KERAS + "backend/tensorflow/trainer.py", 377, "fit")
    layer = (KERAS + "layers/core/dense.py", 120, "call")
    handler = (KERAS + "utils/traceback_utils.py", 117, "error_handler")
    ran = [("train.py", 43, "<module>"), handler, trainer, handler, layer]
    assert place_of_op([*ran, (TENSORFLOW, 900, "round")]) == (None, True)
    assert place_of_op([*ran, ("layers.py", 7, "call"), (TENSORFLOW, 900, "round")]) == ("layers.py:7", True)
    assert place_of_op([("train.py", 43, "step"), handler, layer, (TENSORFLOW, 900, "round")]) == ("train.py:43", True)


def test_a_call_of_a_model_is_a_place_though_keras_2_has_it_beside_fit():
    called = ("/usr/lib/python3/site-packages/keras/src/engine/training.py", 590, "__call__")
    assert place_of_op([("train.py", 43, "step"), called, (TENSORFLOW, 900, "round")]) == ("train.py:43", True)
