"""An error of other code shows no frame of graphcut."""

from __future__ import annotations

import sys
import traceback

import pytest

from graphcut.util.own_frames import remove_own_frames
from graphcut.util.text import join_first

OWN = compile("def call(function):\n    return function()\n", join_first.__code__.co_filename, "exec")
HIDING = """
def call(function):
    try:
        return inner(function)
    except BaseException as error:
        remove_own_frames(error)
        raise


def inner(function):
    return function()
"""
HIDDEN = compile(HIDING, join_first.__code__.co_filename, "exec")


def own(code=OWN):
    """A function in a file of graphcut that calls another one."""
    space = {"remove_own_frames": remove_own_frames}
    exec(code, space)
    return space["call"]


def names(error):
    """The names of the functions in the traceback of an error."""
    return [each.name for each in traceback.extract_tb(error.__traceback__)]


def fail():
    raise KeyError("x")


def fail_from():
    try:
        own()(fail)
    except KeyError as error:
        raise ValueError("y") from error


def raised(function, *args):
    with pytest.raises(Exception) as info:  # noqa: PT011 - any
        function(*args)
    return info.value


def test_frames_of_graphcut_are_removed():
    error = raised(own(), fail)
    remove_own_frames(error)
    assert names(error) == ["raised", "fail"]


def test_the_frames_of_the_cause_are_removed_too():
    error = raised(fail_from)
    remove_own_frames(error)
    assert names(error.__cause__) == ["fail_from", "fail"]


def test_an_error_of_graphcut_itself_keeps_its_frames():
    error = raised(own(), 1)
    remove_own_frames(error)
    assert names(error) == ["raised", "call"]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python restores the first frame")
def test_a_function_that_raises_again_removes_itself():
    assert names(raised(own(HIDDEN), fail)) == ["raised", "fail"]


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="Python removes all frames")
def test_a_function_that_raises_again_remains_alone_in_older_versions():
    assert names(raised(own(HIDDEN), fail)) == ["raised", "call", "fail"]
