"""The output of ``init`` and ``snapshot`` for graph files."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

import graphcut
from graphcut.cli import main
from graphcut.graph.messages import CLASSES
from tests.entries import attribute

DOCUMENT = Path(__file__).parents[3] / "fixtures" / "documents" / "003.meta"
CONTRACT = '[[contract]]\nname = "only w2"\nsource = "003.meta"\nonly = "w2"\n'


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A folder with a graph file, which is the current one."""
    shutil.copy(str(DOCUMENT), str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_init_writes_is_kept(capfd):
    assert main(["init", "003.meta"]) == 0
    assert capfd.readouterr()[1] == "wrote graphcut.toml; check it with: graphcut check\n"
    assert main(["check"]) == 0


def test_a_source_that_is_named_twice_is_one_contract(capfd):
    assert main(["init", "003.meta", "003.meta", "-o", "-"]) == 0
    assert capfd.readouterr()[0].count("[[contract]]") == 1


def test_a_spec_is_for_the_functions_among_the_sources(capfd):
    assert main(["init", "003.meta", "--spec", "float32[2]", "-o", "first.toml"]) == 0
    assert capfd.readouterr()[1] == "wrote first.toml; check it with: graphcut check --config first.toml\n"
    assert main(["check", "--config", "first.toml"]) == 0


def test_a_spec_without_its_option_is_no_source(capfd):
    assert main(["init", "003.meta", "--spec", "float32[2]", "int32[?]"]) == 2
    assert "'int32[?]' is a spec, not a SOURCE: write --spec before each spec" in capfd.readouterr()[1]


def test_specs_that_do_not_fit_every_function_are_to_be_split(project, capfd):
    (project / "two.py").write_text("def f(x):\n    return x\n\n\ndef g(x, y):\n    return x\n", encoding="utf-8")
    assert main(["init", "003.meta", "two.py:g", "two.py:f", "--spec", "float32[2]"]) == 2
    err = capfd.readouterr()[1]
    assert "missing a required argument: 'y'" in err and "All functions get the same specs here: run init for each" in err


def test_a_loss_that_demands_nothing_is_no_contract(project, capfd):
    float32 = {"type": 1}
    nodes = [
        CLASSES["Node"](name="w", op="VariableV2", attr=[attribute("dtype", float32)]),
        CLASSES["Node"](name="loss", op="AdjustHue", input=["w", "w"], attr=[attribute("T", float32)]),
    ]
    (project / "hue.pb").write_bytes(CLASSES["Graph"](node=nodes).SerializeToString())
    assert main(["init", "hue.pb", "003.meta", "-o", "first.toml"]) == 0
    assert "# hue.pb: nothing to demand today: w raises\n" in (project / "first.toml").read_text(encoding="utf-8")
    assert main(["check", "--config", "first.toml"]) == 0


def test_a_snapshot_is_taken_of_a_file_in_another_folder(project, capfd):
    (project / "inner").mkdir()
    (project / "inner" / "graphcut.toml").write_text(CONTRACT.replace("003.meta", "../003.meta"), encoding="utf-8")
    assert main(["snapshot", "--config", "inner/graphcut.toml"]) == 0
    assert list(json.loads((project / "graphcut.lock").read_text(encoding="utf-8"))["sources"]) == ["../003.meta"]


def test_a_snapshot_names_the_contract_that_cannot_be_judged(project, capfd):
    text = CONTRACT + CONTRACT.replace("only w2", "b").replace("003.meta", "004.meta")
    (project / "graphcut.toml").write_text(text, encoding="utf-8")
    assert main(["snapshot"]) == 2
    assert "graphcut.toml:5: contract 'b' cannot be judged: no file '004.meta'" in capfd.readouterr()[1]


def test_ops_that_cannot_be_read_stop_the_check(project, capfd):
    (project / "graphcut.toml").write_text(CONTRACT, encoding="utf-8")
    assert main(["check", "--ops", "hues.ops.json"]) == 2
    assert "hues.ops.json" in capfd.readouterr()[1]
    with pytest.raises(graphcut.GraphcutError):
        graphcut.check(ops=["hues.ops.json"])


def test_a_graph_that_is_named_like_a_keras_file_is_judged_by_the_table(project, monkeypatch, capfd):
    (project / "003.meta").rename(project / "003.h5")
    (project / "graphcut.toml").write_text(CONTRACT.replace("003.meta", "003.h5"), encoding="utf-8")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    assert main(["check"]) == 0, capfd.readouterr()


def test_a_module_that_is_not_installed_is_named_with_where_to_install_it(project, capfd):
    (project / "model.py").write_text("import no_such_package\n", encoding="utf-8")
    assert main(["init", "model.py:loss", "-o", "-"]) == 2
    assert "Install it where graphcut runs (%s)" % sys.executable in capfd.readouterr()[1]


@pytest.mark.parametrize(
    "text, line", [("[[contract]]\nname = [", 1), ('[[contract]]\nname = "a"\nx y', 3), ("odd = 1", 1), ("", 1)]
)
def test_a_file_that_cannot_be_read_is_reported_in_every_format(project, capfd, text, line):
    (project / "graphcut.toml").write_text(text, encoding="utf-8")
    forms = ("sarif", "junit", "markdown", "json", "text")
    reports = ["--report=%s=out.%s" % (form, form) for form in forms]
    assert main(["check", "--format", "github", *reports]) == 2
    out, err = capfd.readouterr()
    said = err.partition("graphcut: ")[2].splitlines()[0]
    assert said and out.startswith("::error file=graphcut.toml,line=%d,title=" % line)
    written = {form: (project / ("out.%s" % form)).read_text(encoding="utf-8") for form in forms}
    assert all(said.split(":")[-1].strip().split("'")[0] in each for each in written.values())
    (run,) = json.loads(written["sarif"])["runs"]
    assert run["invocations"][0]["executionSuccessful"] is False and "<error " in written["junit"]


def test_a_file_that_cannot_be_read_is_said_once_in_text(project, capfd):
    (project / "graphcut.toml").write_text("[", encoding="utf-8")
    assert main(["check"]) == 2
    out, err = capfd.readouterr()
    assert out == "" and "not valid TOML" in err
    assert main(["check", "--output", "out.txt"]) == 2
    assert "1 contract: 1 invalid" in (project / "out.txt").read_text(encoding="utf-8")
