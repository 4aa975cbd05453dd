"""Without TensorFlow a file is read; whatever needs TensorFlow says so, and what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.repository.measure import ROOT

CODE = """
import sys
sys.modules["tensorflow"] = None  # as if it were not installed
import graphcut
try:
    print(%s)
except graphcut.GraphcutError as error:
    print(error)
"""
FILE = "fixtures/documents/003.meta"


def printed(expression):
    command = [sys.executable, "-c", CODE % expression]
    return subprocess.run(command, cwd=str(ROOT), check=True, stdout=subprocess.PIPE).stdout.decode()


def test_a_file_is_read():
    assert printed(f"graphcut.trace({FILE!r}).nodes['hidden']['type']") == "StopGradient\n"


@pytest.mark.parametrize(
    "expression, purpose",
    [
        ("graphcut.trace(lambda x: x, 1.0)", "to trace a live source"),
        (f"graphcut.audit({FILE!r})", "to ask for the gradients of ops"),
    ],
)
def test_what_needs_tensorflow_says_so(expression, purpose):
    install = "Install it: pip install tensorflow (the CPU build, tensorflow-cpu, will do)\n"
    assert printed(expression) == f"TensorFlow is needed {purpose} and is not installed\n{install}"
