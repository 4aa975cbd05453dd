"""Files are audited without TensorFlow; everything that needs TensorFlow says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.repository.measure import ROOT

pytestmark = pytest.mark.beside_tensorflow

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


def test_a_file_is_audited():
    expression = f"[each.verdict.value for each in graphcut.audit({FILE!r})], graphcut.audit({FILE!r}).oracle"
    assert printed(expression) == "['none', 'flows'] TensorFlow 2.15 (gradient table)\n"


@pytest.mark.parametrize("version", ["1.15", "2.4", "2.11", "2.21"])
def test_a_file_is_audited_as_any_version_would(version):
    asked = f"graphcut.audit({FILE!r}, oracle={version!r})"
    assert printed(f"{asked}['w1'].verdict.value, {asked}.oracle") == f"none TensorFlow {version} (gradient table)\n"


def test_a_version_that_the_table_does_not_hold_is_an_error():
    assert printed(f"graphcut.audit({FILE!r}, oracle='2.14')").startswith(
        "no gradient table for TensorFlow '2.14'; did you mean"
    )


def test_a_file_is_read():
    assert printed(f"graphcut.trace({FILE!r}).nodes['hidden']['type']") == "StopGradient\n"


@pytest.mark.parametrize(
    "expression, purpose",
    [
        ("graphcut.trace(lambda x: x, 1.0)", "to trace a live source"),
        (f"graphcut.audit({FILE!r}, oracle='installed')", "to ask for the gradients of ops"),
    ],
)
def test_what_needs_tensorflow_says_so(expression, purpose):
    install = "Install it: pip install tensorflow (the CPU build, tensorflow-cpu, will do)\n"
    assert printed(expression) == f"TensorFlow is needed {purpose} and is not installed\n{install}"


def test_the_traceback_does_not_show_the_import_that_failed():
    code = "import sys, graphcut\nsys.modules['tensorflow'] = None\ngraphcut.audit(%r).verify()" % FILE
    done = subprocess.run([sys.executable, "-c", code], cwd=str(ROOT), check=False, stderr=subprocess.PIPE)
    assert b"TensorFlow is needed to take gradients" in done.stderr and b"ModuleNotFoundError" not in done.stderr
