"""Configure the test suite: with or without TensorFlow, the settings of hypothesis, and a time limit for each test.

Every test below one of ``TENSORFLOW_FOLDERS`` has the mark ``tensorflow``. Where TensorFlow cannot be imported those
folders are not even collected, so that their modules may import it at the top; a marked test elsewhere is skipped.
A test that needs no TensorFlow, but tells more where it is installed, bears ``beside_tensorflow``.
"""

from __future__ import annotations

import faulthandler
import functools
import gc
import os
import random
import sys
from importlib.util import find_spec
from pathlib import Path

import hypothesis
import pytest

from tests import tallies

TESTS = Path(__file__).parent
TENSORFLOW_FOLDERS = ("against_tensorflow",)
HAS_TENSORFLOW = find_spec("tensorflow") is not None

# A test that hangs ends its process, so that the run goes on (under xdist), says which test it was, and fails (seconds).
TEST_LIMIT = 600

STDERR = pytest.StashKey[int]()

# The same examples in every run: a red build can be repeated. HYPOTHESIS_PROFILE=default searches afresh.
hypothesis.settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@functools.lru_cache(maxsize=None)
def needs_tensorflow(path):
    """Is this file or folder one of ``TENSORFLOW_FOLDERS``, or below it?"""
    parts = Path(path).relative_to(TESTS).parts if TESTS in Path(path).parents else ()
    return bool(parts) and parts[0] in TENSORFLOW_FOLDERS


def pytest_configure(config):
    config.addinivalue_line("markers", "tensorflow: imports TensorFlow; left out where there is none")
    config.addinivalue_line("markers", "beside_tensorflow: needs no TensorFlow, and tells more where there is one")
    config.addinivalue_line("markers", "xdist_group(name): tests that share what one process worked out")

    config.stash[STDERR] = os.dup(2)  # while a test runs its output is kept, this one is not

    if HAS_TENSORFLOW and find_spec("absl"):
        from absl import flags

        flags.FLAGS.mark_as_parsed()  # TensorFlow 2.1 reads them where it vectorizes and would take those of pytest


def pytest_unconfigure(config):
    os.close(config.stash[STDERR])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """End the process where a test hangs, even inside TensorFlow, after every thread has said where it is."""
    faulthandler.dump_traceback_later(TEST_LIMIT, exit=True, file=item.config.stash[STDERR])
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Start each test with the same random numbers: a model that it trains starts, and moves, as in every other run."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].compat.v1.set_random_seed(0)


def pytest_collection_finish(session):
    """Keep the collector from walking through thousands of test items, and TensorFlow's modules, again and again."""
    gc.collect()
    gc.freeze()


def pytest_report_header(config):
    if HAS_TENSORFLOW:
        return "tensorflow: installed"
    return "tensorflow: not installed, leaving out tests/{" + ",".join(TENSORFLOW_FOLDERS) + "}"


def pytest_ignore_collect(collection_path, config):
    return True if needs_tensorflow(collection_path) and not HAS_TENSORFLOW else None


def pytest_collection_modifyitems(config, items):
    for item in items:
        if needs_tensorflow(item.path):
            item.add_marker("tensorflow")
        if item.get_closest_marker("tensorflow") and not HAS_TENSORFLOW:
            item.add_marker(pytest.mark.skip(reason="TensorFlow is not installed"))


@pytest.fixture(autouse=True)
def control_flow_as_before():
    """What a random graph sets for the process is taken back: other tests build their conditionals as TensorFlow does."""
    if "tensorflow" not in sys.modules:
        yield
        return
    import tensorflow.compat.v1 as tf

    second = tf.control_flow_v2_enabled()
    yield
    (tf.enable_control_flow_v2 if second else tf.disable_control_flow_v2)()


def pytest_sessionfinish(session):
    """A worker of several hands over what it counted."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["counted"] = tallies.COUNTED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    tallies.add(getattr(node, "workeroutput", {}).get("counted", {}))


def pytest_terminal_summary(terminalreporter):
    for section in sorted(tallies.COUNTED):
        terminalreporter.section(section)
        for line in tallies.lines(section):
            terminalreporter.write_line(line)
