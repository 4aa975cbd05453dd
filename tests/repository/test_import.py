"""``import graphcut`` is cheap: TensorFlow is not imported until it is needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.beside_tensorflow


def printed(code):
    return subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE).stdout.decode().strip()


def test_importing_graphcut_leaves_tensorflow_out():
    assert printed("import sys, graphcut; print({'tensorflow', 'keras'} & set(sys.modules))") == "set()"


def test_importing_graphcut_leaves_the_command_line_out():
    assert printed("import sys, graphcut; print({'click', 'rich'} & set(sys.modules))") == "set()"
