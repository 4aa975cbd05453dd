"""Older revisions of files and code from Git."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

import graphcut
from graphcut.cli import main
from graphcut.contracts.check import ContractChecker
from graphcut.contracts.definition import Status
from graphcut.pytest_plugin import _imported_modules
from tests.unit.contracts.test_diff import DOCUMENT


def git(folder, *arguments):
    options = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *options, *arguments], cwd=str(folder), check=True, stdout=-1, stderr=-1)


def test_a_file_is_compared_with_its_older_revision(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    shutil.copy(DOCUMENT, "model.meta")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "model.meta")
    git(tmp_path, "commit", "-q", "-m", "model")
    assert main(["diff", "HEAD:model.meta", "model.meta", "--svg", "diff.dot"]) == 0
    assert "no change: gradient of loss:0 since HEAD:model.meta" in (tmp_path / "diff.dot").read_text(encoding="utf-8")
    assert main(["diff", "HEAD:other.meta", "model.meta"]) == 2
    assert "other.meta" in capfd.readouterr()[1]


@pytest.mark.parametrize("repository", [True, False])
def test_an_unknown_revision_is_named(repository, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    shutil.copy(DOCUMENT, "model.meta")
    if repository:
        git(tmp_path, "init", "-q")
    assert main(["diff", "HEAD~9:model.meta", "model.meta"]) == 2
    assert capfd.readouterr()[1].startswith("graphcut: git finds no revision 'HEAD~9' here\n")


# A module that reads a graph and puts another op in place of the stop. The module beside it says which one.
MODEL = """
from types import SimpleNamespace
from graphcut.graph.formats.reader import CLASSES
import layers


class Graph:
    DESCRIPTOR = SimpleNamespace(name="MetaGraphDef")

    def SerializeToString(self):
        with open(%r, "rb") as file:
            meta = CLASSES["MetaGraph"].FromString(file.read())
        next(node for node in meta.graph_def.node if node.name == "hidden").op = layers.OP
        return meta.SerializeToString()


def build():
    return Graph()
"""


@pytest.fixture
def two_revisions(tmp_path, monkeypatch):
    """A project in which the last commit has no stop, and the files have one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "model.py").write_text(MODEL % DOCUMENT, encoding="utf-8")
    (tmp_path / "layers.py").write_text('OP = "Identity"\n', encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "no stop")
    (tmp_path / "layers.py").write_text('OP = "StopGradient"\n', encoding="utf-8")
    yield tmp_path
    for name in ("model", "layers"):
        sys.modules.pop(name, None)


def test_each_revision_of_a_source_imports_its_own_modules(two_revisions):
    assert str(graphcut.diff("HEAD:model.py:build", "model.py:build")) == "lost    w1: flows → none, cut by hidden"
    assert str(graphcut.diff("model.py:build", "HEAD:model.py:build")) == "gained  w1: none → flows, was cut by hidden"


def test_an_older_revision_is_forgotten_and_the_present_one_stays(two_revisions):
    import layers

    path = list(sys.path)
    audit = graphcut.audit(DOCUMENT)
    assert str(graphcut.diff(audit, "HEAD:model.py:build")) == "gained  w1: none → flows, was cut by hidden"
    assert sys.modules["layers"] is layers and layers.OP == "StopGradient"
    assert "model" not in sys.modules and sys.path == path


CONTRACT = '[[contract]]\nname = "%s"\nsource = "%s:build"\nmust_not_reach = "w1"\n'


@pytest.mark.parametrize("sources", [("model.py", "model"), ("model", "model.py")])
def test_a_module_is_executed_once_however_it_is_named(two_revisions, sources):
    text = "".join(CONTRACT % (source, source) for source in sources)
    (two_revisions / "graphcut.toml").write_text(text, encoding="utf-8")
    checker = ContractChecker("graphcut.toml")
    assert checker.result_of(checker.contracts[0]).status is Status.KEPT
    first = sys.modules["model"]
    assert checker.result_of(checker.contracts[1]).status is Status.KEPT and sys.modules["model"] is first


def test_pytest_executes_no_module_again_that_a_test_imported(two_revisions):
    import model

    (two_revisions / "graphcut.toml").write_text(CONTRACT % ("a", "model.py"), encoding="utf-8")
    checker = ContractChecker("graphcut.toml", _imported_modules())
    assert checker.result_of(checker.contracts[0]).status is Status.KEPT and sys.modules["model"] is model


def test_an_error_in_the_old_code_names_the_old_side(two_revisions):
    with pytest.raises(graphcut.GraphcutError, match="^HEAD:model.py:biuld: no 'biuld' in 'model'; did you mean 'build'"):
        graphcut.diff("HEAD:model.py:biuld", "model.py:build")
