"""The notebooks open anywhere, and print their stored output; ``python tools/run_notebooks.py`` writes them."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec

import pytest

from tests.readme import pages
from tests.readme.blocks import ROOT, text_of

NOTEBOOKS = ["docs/notebooks/graph_file.ipynb", "docs/notebooks/keras_model.ipynb"]
GRAPH_FILE = NOTEBOOKS[0]
JUPYTER = all(map(find_spec, ("nbclient", "nbformat", "ipykernel")))


def test_all_are_named():
    assert sorted(os.listdir(os.path.join(ROOT, "docs", "notebooks"))) == [os.path.basename(name) for name in NOTEBOOKS]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_first_cell_installs_and_the_others_have_outputs(name):
    cells = [cell for cell in json.loads(text_of(name))["cells"] if cell["cell_type"] == "code"]
    assert "pip install" in "".join(cells[0]["source"])
    assert any("image/svg+xml" in output.get("data", {}) for cell in cells for output in cell["outputs"])
    assert not any(output["output_type"] == "error" for cell in cells for output in cell["outputs"])
    assert ROOT not in text_of(name)


def test_a_notebook_about_a_file_prints_what_was_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pages.run_blocks(pages.read(GRAPH_FILE), GRAPH_FILE)


@pytest.mark.skipif(not JUPYTER, reason="no Jupyter: nbclient, nbformat, ipykernel")
def test_it_runs_in_a_kernel(tmp_path, monkeypatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("PYTHONPATH", ROOT)
    monkeypatch.setenv("GRAPHCUT_PROGRESS", "0")  # on a busy machine a picture takes longer than two seconds
    notebook = nbformat.reads(text_of(GRAPH_FILE), as_version=4)
    kept = [output.get("text") for cell in notebook.cells for output in cell.get("outputs", ())]
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert [output.get("text") for cell in notebook.cells for output in cell.get("outputs", ())] == kept
