"""Find the user's frame of a stack: the innermost one outside TensorFlow, Keras, graphcut and Python itself.

A stop that the user's line makes through Keras (``keras.ops.stop_gradient``, ``keras.backend.stop_gradient``) is the user's,
like one made through TensorFlow: the functions of that name in between only pass the call on.

Frames outside graphcut's outermost frame requested the audit and created no op, so none of their lines is the place of an op.
The wrappers around TensorFlow's functions do not count as graphcut's frames here: while code is watched, they are the only
ones.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Iterable, Optional, Sequence, Tuple, Union

_LIBRARIES = (
    "tensorflow",
    "tensorflow_core",
    "keras",
    "tf_keras",
    "graphcut",
    "click",
)  # graphcut's command line runs inside click
_WRAPPERS = frozenset(
    [
        "dispatch.py",
        "traceback_utils.py",
        "ops.py",
        "op_def_library.py",
        "array_ops.py",
        "func_graph.py",
        "deprecation.py",
        "weak_tensor_ops.py",
    ]
)
_STOP = ("stop_gradient",)
_TRAINING = frozenset(["trainer.py", "training.py", "training_v1.py", "training_generator.py", "training_v2.py"])
_TYPED = ("<ipython-input", "<python-input", "<stdin>")
Frame = Union[Tuple[str, int], Tuple[str, int, str]]
Place = Tuple[Optional[str], bool]


def place(frames: Sequence[Frame]) -> Place:
    """Return ``file:line`` of the user's frame, or ``None``, and whether TensorFlow or Keras made the op by itself.

    Args:
        frames: file and line of each frame, and the name of its function if known, outermost first.
    """
    own = (index for index, frame in enumerate(frames) if _OWN in frame[0] and not _is_wrapping(frame[0]))
    position = next(own, -1)
    for index in range(len(frames) - 1, position, -1):
        path, line = frames[index][:2]
        if not is_library(path):
            return "%s:%d" % (path, line), _created_by_library(frames[index + 1 :])
    return None, bool(frames)


def place_of_op(frames: Sequence[Frame]) -> Place:
    """Return what ``place`` does for the stack of an op, without a line that only runs the training of a model.

    A line such as ``model.fit(x, y)`` is no place of an op of the model: an audit of the model itself has no such frame.
    """
    where, is_of_library = place(frames)
    user = next((at for at in range(len(frames) - 1, -1, -1) if not is_library(frames[at][0])), -1)
    inside = (frame for frame in frames[user + 1 :] if not is_wrapper(*frame[:1], *frame[2:]))
    return (None, True) if _is_training(next(inside, ("", 0))) else (where, is_of_library)


def _is_training(frame: Frame) -> bool:
    """Return whether a frame is of a method that trains or evaluates a model. Keras 2 has a model's call in the same file."""
    path, function = frame[0].replace("\\", "/"), "".join(frame[2:])
    return "keras" in path and os.path.basename(path) in _TRAINING and function not in ("", "__call__")


def places(frames: Sequence[Frame]) -> Tuple[str, ...]:
    """Return ``file:line`` of each of the user's frames, innermost first."""
    position = next((index for index, frame in enumerate(frames) if _OWN in frame[0]), -1)
    return tuple("%s:%d" % frame[:2] for frame in reversed(frames[position + 1 :]) if not is_library(frame[0]))


@lru_cache(maxsize=4096)
def is_library(path: str) -> bool:
    """Return whether a file belongs to TensorFlow, Keras, graphcut or Python itself."""
    package = installed_package(path)
    if package:
        return package in _LIBRARIES
    is_generated = path.startswith("<") and not path.startswith(_TYPED)
    return (
        is_generated
        or _OWN in path
        or path.startswith(_PYTHON)
        or os.path.basename(path).startswith("__autograph_generated_file")
    )


def installed_package(path: str) -> str:
    """Return the installed package that a file belongs to; ``""`` for a file of the user's own project."""
    parts = path.replace("\\", "/").split("/")
    packages = [parts[index + 1] for index, part in enumerate(parts[:-1]) if part in ("site-packages", "dist-packages")]
    return packages[-1] if packages else ""


_PYTHON = os.path.dirname(os.path.abspath(os.__file__)) + os.sep
_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
# Wrappers between the user's code and TensorFlow's.
_WRAPPING = (os.path.join(_OWN, "backend", "record") + os.sep, os.path.join(_OWN, "backend", "live", "plain_code.py"))


def _created_by_library(frames: Iterable[Frame]) -> bool:
    """Return whether library frames other than the op's own wrappers lie inside the user's frame."""
    return any(not is_wrapper(*frame[:1], *frame[2:]) for frame in frames)


def is_wrapper(path: str, function: str = "") -> bool:
    """Return whether a library frame only passes on a call for the op that its caller asks for."""
    name = os.path.basename(path)
    return (function,) == _STOP or name in _WRAPPERS or name.startswith("gen_") or _is_wrapping(path)


def _is_wrapping(path: str) -> bool:
    return any(each in path for each in _WRAPPING)
