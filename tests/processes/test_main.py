"""The command line from a shell: exit codes, and the content of each stream."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.repository.measure import ROOT

pytestmark = pytest.mark.beside_tensorflow

MODEL = """
import tensorflow as tf

print("a module may print")


def build():
    graph, v1 = tf.Graph(), tf.compat.v1
    with graph.as_default():
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        w1 = v1.get_variable("w1", [3, 4])
        w2 = v1.get_variable("w2", [4, 2])
        hidden = tf.stop_gradient(tf.matmul(x, w1), name="hidden")
        tf.reduce_mean(tf.square(tf.matmul(hidden, w2)), name="loss")
    return graph


def loss(x, y):
    return tf.reduce_sum(x * tf.stop_gradient(y))
"""


BROKEN = """
print("noise")


def build():
    raise ValueError("no\\x1bgood")
"""


def graphcut(tmp_path, *arguments, model=MODEL):
    (tmp_path / "model.py").write_text(model, encoding="utf-8")
    environment = {each: os.environ[each] for each in os.environ if each != "TF_CPP_MIN_LOG_LEVEL"}
    environment.update(PYTHONPATH=str(ROOT), CUDA_VISIBLE_DEVICES="-1")
    command = [sys.executable, "-m", "graphcut", *arguments]
    done = subprocess.run(command, cwd=str(tmp_path), env=environment, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.tensorflow
def test_a_graph_that_python_builds(tmp_path):
    code, out, err = graphcut(tmp_path, "audit", "model.py:build", "--loss", "loss", "--svg", "cut.dot")
    assert (code, err) == (0, "wrote cut.dot\n")
    assert out.splitlines()[-1] == "1 gets a gradient, 1 does not: 1 cut by 1 stop_gradient"
    assert "stop-gradient at hidden" in out
    assert 'model.py:13: hidden = tf.stop_gradient(tf.matmul(x, w1), name="hidden")\n' in out
    assert "stop-gradient" in (tmp_path / "cut.dot").read_text(encoding="utf-8")


@pytest.mark.tensorflow
def test_a_function_with_specs_as_json(tmp_path):
    specs = ["--spec", "float32[2]", "--spec", "float32[?]", "--variables", "x", "--variables", "y"]
    code, out, err = graphcut(tmp_path, "audit", "model:loss", *specs, "--json", "-")
    assert (code, err) == (0, "")
    assert {each["name"]: each["verdict"] for each in json.loads(out)["variables"]} == {"x": "flows", "y": "none"}


@pytest.mark.tensorflow
def test_an_unknown_loss_is_one_message(tmp_path):
    code, out, err = graphcut(tmp_path, "audit", "model.py:build", "--loss", "los")
    assert (code, out) == (2, "") and err.startswith("graphcut: ") and "'loss'" in err and len(err.splitlines()) <= 3


def test_the_user_s_own_error_is_told_with_its_line(tmp_path):
    code, out, err = graphcut(tmp_path, "audit", "model.py:build", model=BROKEN)
    first, second = err.splitlines()
    assert (code, out, first) == (2, "", r"graphcut: ValueError: no\x1bgood")
    assert second.startswith("raised at ") and second.endswith("model.py:6, while it was imported, called or traced")


def test_a_closed_pipe_is_no_error(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f"'{sys.executable}' -m graphcut audit --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


RUDE = """
import atexit, io, os, sys

sys.stdout = io.StringIO()
sys.stderr.close()
os.chdir(os.path.dirname(os.path.abspath(__file__)) + "/elsewhere")
atexit.register(lambda: os.system("echo the end; echo the end >&2"))


def build():
    import graphcut.graph.messages as messages

    node = messages.CLASSES["Node"](name="w", op="NoOp")
    return messages.CLASSES["Graph"](node=[node])
"""


def test_what_a_module_does_to_the_streams_and_the_folder_ends_with_it(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    code, out, err = graphcut(tmp_path, "audit", "model.py:build", model=RUDE)
    assert (code, out) == (2, "") and err.startswith("graphcut: ") and "the end" not in err


@pytest.mark.parametrize("model, said", [
    ("def f(x:\n    pass", "raised at model.py:"),
    ("x = 1\n\x00", "null bytes"),
    ("class Stop(BaseException):\n    pass\nraise Stop('now')", "Stop: now\nraised at model.py:3"),
])  # fmt: skip
def test_what_cannot_be_imported_is_told_in_few_lines(tmp_path, model, said):
    code, out, err = graphcut(tmp_path, "audit", "model.py:f", model=model)
    assert (code, out) == (2, "") and said in err and len(err.splitlines()) <= 3


@pytest.mark.parametrize("streams, code", [(">&-", 0), ("2>&-", 0), (">&- 2>&- <&-", 0), (">/dev/full", 2)])
def test_a_stream_that_is_closed_or_full(tmp_path, streams, code):
    if "full" in streams and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    (tmp_path / "run.py").write_text(ANSWERING, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = f"'{sys.executable}' run.py {streams}"
    done = subprocess.run(["bash", "-c", command], cwd=str(tmp_path), env=environment, capture_output=True, check=False)
    full = "graphcut: cannot write to standard output: No space left on device\n"
    assert (done.returncode, done.stderr.decode()) == (code, full if code else "")


ANSWERING = """
import importlib, sys
from graphcut.cli import main
from tests.unit.render.picture.audits import STOPPED
importlib.import_module("graphcut.api.audit").audit = lambda *args, **question: STOPPED
sys.argv[1:] = ["audit", "model.meta"]
sys.exit(main())
"""


def test_standard_input_is_read():
    code = "import graphcut; print(graphcut.trace('-').number_of_nodes())"
    command = [sys.executable, "-c", code]
    data = (ROOT / "fixtures" / "documents" / "003.meta").read_bytes()
    done = subprocess.run(command, cwd=str(ROOT), input=data, check=True, stdout=subprocess.PIPE)
    assert done.stdout == b"%d\n" % 29
