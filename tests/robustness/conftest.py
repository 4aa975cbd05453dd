"""The common check of these tests: one clear error, before TensorFlow is imported."""

from __future__ import annotations

import sys

import pytest

from graphcut.cli import main


@pytest.fixture
def refused(tmp_path, monkeypatch, capfd):
    """What ``graphcut audit`` says to a file of such bytes: exit code 2, at most three lines, nothing on standard output.

    ``tracing``, the only room that imports TensorFlow, cannot be imported meanwhile.
    """

    def ask(data, name="graph.pb", *options):
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data if isinstance(data, bytes) else data.SerializeToString())
        monkeypatch.setitem(sys.modules, "graphcut.backend", None)
        code = main(["audit", str(path), *options])
        out, err = capfd.readouterr()
        assert (code, out) == (2, "") and err.startswith("graphcut: ") and len(err.splitlines()) <= 3, err
        assert "Traceback" not in err and all(len(line) < 400 for line in err.splitlines())
        return err.replace(str(tmp_path) + "/", "")

    return ask
