"""A graph file is read for what it holds, whatever it is called and however it is packed."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

import graphcut
from graphcut import GraphcutError
from tests.repository.measure import ROOT

DOCUMENTS = Path(ROOT) / "fixtures" / "documents"
OPS = 29


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", ["graph.pb", "graph.pbtxt", "graph.meta", "graph"])
@pytest.mark.parametrize("source", ["003.pb", "003.pbtxt", "003.meta"])
def test_the_content_decides_not_the_suffix(source, name, packed, tmp_path):
    data = (DOCUMENTS / source).read_bytes()
    path = tmp_path / (name + ".gz" if packed else name)
    path.write_bytes(gzip.compress(data) if packed else data)
    assert graphcut.trace(str(path)).number_of_nodes() == OPS


def test_a_meta_graph_by_another_name_keeps_its_collections(tmp_path):
    path = tmp_path / "graph.pb"
    path.write_bytes((DOCUMENTS / "003.meta").read_bytes())
    assert list(graphcut.trace(str(path)).graph["variables"]) == ["w1", "w2"]


def test_standard_input_is_read():
    code = "import graphcut; print(graphcut.trace('-').number_of_nodes())"
    command = [sys.executable, "-c", code]
    data = (DOCUMENTS / "003.meta").read_bytes()
    done = subprocess.run(command, cwd=str(ROOT), input=data, check=True, stdout=subprocess.PIPE)
    assert done.stdout == b"%d\n" % OPS


def test_a_git_lfs_pointer_is_named_with_what_to_do(tmp_path):
    path = tmp_path / "graph.pb"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 18682459\n")
    with pytest.raises(GraphcutError, match="Git LFS pointer, 18,682,459 bytes are elsewhere\nFetch the file: git lfs pull"):
        graphcut.trace(str(path))


@pytest.mark.parametrize("cut", [10, 100])
def test_a_gzip_archive_that_is_cut_short_is_an_error(cut, tmp_path):
    path = tmp_path / "graph.pb.gz"
    path.write_bytes(gzip.compress((DOCUMENTS / "003.meta").read_bytes())[:-cut])
    with pytest.raises(GraphcutError, match="gzip archive that is cut short"):
        graphcut.trace(str(path))
