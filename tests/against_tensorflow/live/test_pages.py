"""The pages of the documentation that need TensorFlow are correct; each runs in a separate process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import tensorflow as tf

from tests.readme import pages
from tests.readme.blocks import ROOT, text_of
from tests.readme.test_pages import RUN

pytestmark = pytest.mark.skipif(
    not getattr(tf.keras, "__version__", "2").startswith("3"), reason="the names of variables are those of Keras 3"
)


PAGES = [page for page in RUN if pages.needs_tensorflow(text_of(page))] + ["docs/notebooks/keras_model.ipynb"]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_of_the_page_does_what_it_says(page, tmp_path):
    environment = dict(os.environ, PYTHONPATH=ROOT, PYTHONIOENCODING="utf-8", COLUMNS="200", TF_CPP_MIN_LOG_LEVEL="3")
    command = [sys.executable, "-m", "tests.readme.pages", page]
    done = subprocess.run(command, cwd=str(tmp_path.resolve()), env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode("utf-8")
