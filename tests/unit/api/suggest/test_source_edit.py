"""Which source files may be edited, and how they are read."""

from __future__ import annotations

import pytest

from graphcut.api.suggest.source_edit import HAS_ENDS, read_source

pytestmark = pytest.mark.skipif(not HAS_ENDS, reason="ast gives no last line before Python 3.8")


def write(folder):
    """A file that imports TensorFlow, in a new folder."""
    folder.mkdir(parents=True)
    path = folder / "model.py"
    path.write_text("import tensorflow.compat.v1 as tf\nloss = tf.constant(1.0)\n")
    return path


def test_a_file_of_the_project_is_read(tmp_path):
    source, line = read_source(f"{write(tmp_path / 'project')}:2")
    assert line == 2 and source.tensorflow == "tf"


@pytest.mark.parametrize("folder", ["site-packages", "dist-packages"])
def test_an_installed_package_is_not_the_users_to_edit(folder, tmp_path):
    assert read_source(f"{write(tmp_path / folder / 'layers')}:2") is None
