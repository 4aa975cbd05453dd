#!/usr/bin/env python
"""Run the notebooks of docs/notebooks and keep their outputs: ``python tools/run_notebooks.py [NAME …]``.

Needs nbclient, ipykernel, and for the Keras notebook TensorFlow 2.16 or later.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "notebooks"


def run(path, folder):
    """A notebook that was run in ``folder``; what differs from run to run is left out."""
    os.environ.update(PYTHONPATH=str(ROOT), TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", COLUMNS="120")
    os.environ["GRAPHCUT_PROGRESS"] = "0"
    notebook = nbformat.read(str(path), as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    for cell in notebook.cells:
        cell.metadata = {}
        cell["outputs"] = [each for each in cell.get("outputs", []) if each.get("name") != "stderr"]
        if cell.cell_type == "markdown":
            del cell["outputs"]
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def main(names):
    """Run all, or those named, each in a folder of its own."""
    for path in sorted(FOLDER.glob("*.ipynb")):
        if not names or path.stem in names:
            with tempfile.TemporaryDirectory() as folder:
                text = nbformat.writes(run(path, folder))
            path.write_text(re.sub(r"/tmp/ipykernel_\d+/\d+\.py", "cell.py", text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
