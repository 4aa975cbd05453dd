"""``%load_ext graphcut`` and ``%%gradients``, in a real Jupyter kernel."""

from __future__ import annotations

import html
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import tensorflow as tf

ROOT = Path(__file__).parents[3]
pytestmark = [
    pytest.mark.xdist_group("cells"),
    pytest.mark.skipif(
        not all(map(find_spec, ("nbclient", "nbformat", "ipykernel"))), reason="no Jupyter: nbclient, nbformat, ipykernel"
    ),
    pytest.mark.skipif(not tf.executing_eagerly(), reason="the cells execute eagerly"),
]
CELLS = (
    "%load_ext graphcut",
    'import tensorflow as tf\nw = tf.Variable([1.0, 2.0], name="w")\nscale = w.numpy()',
    "%%gradients\n"
    "with tf.GradientTape() as tape:\n    loss = tf.reduce_sum(tf.stop_gradient(w) ** 2)\n"
    "answer = tape.gradient(loss, w)\nprint('mine')",
    "answer is None",
    "%%gradients\nnothing = 1",
    "%%gradients\nwith tf.GradientTape() as tape:\n    loss = tf.reduce_sum(scale * 2.0)\ntape.gradient(loss, w).numpy()",
    "%%gradients --help\nunknown",
    "%%gradients\nraise KeyError('mine')",
    "import graphcut\n\ndef step(x):\n    with tf.GradientTape() as tape:\n"
    "        loss = tf.reduce_sum(tf.round(w) * x)\n    return tape.gradient(loss, [w])\n"
    "audits = graphcut.audit_step(step, tf.ones([2]))\naudits",
    "audits[0].explain('w')",
    "audits[0].suggest_stops(block='w')",
    "graphcut.table(audits)",
    "%unload_ext graphcut",
)


@pytest.fixture(scope="module")
def outputs():
    """What each cell shows."""
    import nbclient
    import nbformat

    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in CELLS])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), before)))
    try:
        nbclient.NotebookClient(made, timeout=120, kernel_name="python3", allow_errors=True).execute()
    finally:
        os.environ.pop("PYTHONPATH") if before is None else os.environ.update(PYTHONPATH=before)
    return [cell.outputs for cell in made.cells]


def shown(listed, format):
    return [each.data[format] for each in listed if format in each.get("data", {})]


def printed(listed):
    return "".join(each.text for each in listed if each.output_type == "stream")


def test_the_audits_of_a_cell_are_an_interactive_page(outputs):
    (frame,) = shown(outputs[2], "text/html")
    page = html.unescape(frame[frame.index('srcdoc="') + len('srcdoc="') : -len('"></iframe>')])
    assert page.lstrip().lower().startswith("<!doctype html>") and "<script" in page
    assert "stop-gradient" in page
    (text,) = shown(outputs[2], "text/plain")
    assert "none" in text and "stop-gradient at StopGradient" in text


def test_a_cell_runs_as_it_is(outputs):
    assert "mine" in printed(outputs[2])
    assert shown(outputs[3], "text/plain") == ["True"]


def test_a_cell_without_a_gradient_says_so(outputs):
    assert "took no gradient" in printed(outputs[4])


def test_a_failing_cell_shows_its_audits_and_its_error(outputs):
    text = shown(outputs[5], "text/plain")[0] + printed(outputs[5])
    assert "none" in text
    words = text + "".join("".join(each.traceback) for each in outputs[5] if each.output_type == "error")
    assert "NoneType" in words


def test_a_magic_with_arguments_runs_nothing(outputs):
    assert "takes no arguments, and found '--help'" in printed(outputs[6])
    assert not [each for each in outputs[6] if each.output_type == "error"]


def test_a_cell_that_fails_before_any_gradient_shows_its_error_alone(outputs):
    words = printed(outputs[7]) + "".join("".join(each.get("traceback", ())) for each in outputs[7])
    assert "KeyError" in words and "took no gradient" not in words


def test_places_are_cells_and_lines(outputs):
    (text,) = shown(outputs[2], "text/plain")
    assert "In[3]:3" in text  # the line of the cell as it is shown, below the magic
    assert "In[9]:5" in shown(outputs[8], "text/plain")[0] and "ipykernel" not in shown(outputs[8], "text/plain")[0]
    assert "In[9]:5" in html.unescape(html.unescape(shown(outputs[8], "text/html")[0]))


def test_results_are_shown_as_text_and_pages(outputs):
    (why,) = shown(outputs[9], "text/plain")
    assert why.startswith("w [2] gets no gradient") and "\n" in why and "    loss = " in why
    assert shown(outputs[10], "text/plain") == ["w gets no gradient; there is nothing to stop"]
    assert "<table" in shown(outputs[11], "text/html")[0]


def test_ipython_is_not_imported_with_graphcut():
    code = "import graphcut, sys; graphcut.load_ipython_extension; print('IPython' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=str(ROOT), stdout=subprocess.PIPE, check=True)
    assert done.stdout.strip() == b"False"
