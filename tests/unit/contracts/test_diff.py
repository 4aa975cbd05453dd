"""What differs between two versions of a model, read from files, locks and audits, in words and as a picture."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest

import graphcut
from graphcut.cli import main
from graphcut.contracts.diff_sides import read_side
from graphcut.contracts.snapshot import lock_text
from graphcut.contracts.verdict_diff import verdicts_of_audits
from graphcut.errors import GraphcutError

ROOT = Path(__file__).parents[3]
DOCUMENT = str(ROOT / "fixtures" / "documents" / "003.meta")


@pytest.fixture(scope="module")
def stopped():
    """In this graph a stop keeps ``w1`` without a gradient."""
    return graphcut.audit(DOCUMENT)


@pytest.fixture(scope="module")
def whole(stopped):
    """The same graph without the stop."""
    return stopped.what_if(remove="hidden")


def test_an_audit_is_compared_with_an_older_one(stopped, whole):
    found = graphcut.diff(stopped, whole)
    assert found and str(found) == "gained  w1: none → flows, was cut by hidden"
    assert str(graphcut.diff(whole, stopped)) == "lost    w1: flows → none, cut by hidden"
    assert not graphcut.diff(stopped, stopped)


def test_json_has_the_direction_of_each_change(stopped, whole):
    document = json.loads(graphcut.diff(stopped, whole).to_json())
    (change,) = document["changes"]
    assert (change["variable"], change["direction"], change["op"]) == ("w1", "gained", "hidden")
    schema = json.loads((ROOT / "docs" / "schemas" / "diff.schema.json").read_text(encoding="utf-8"))
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(document)] == []


def test_a_lost_gradient_is_marked_in_the_picture(stopped, whole, tmp_path):
    path = tmp_path / "diff.dot"
    assert graphcut.diff(whole, stopped).draw(path) == (str(path),)
    text = path.read_text(encoding="utf-8")
    assert 'label="w1\\nnone, lost\\nwas flows"' in text and "lost its gradient (1)" in text
    assert "gained its gradient" not in text and 'label="1 lost: gradient of ' in text


def test_a_gained_gradient_is_marked_with_the_op_that_held_it_up(stopped, whole, tmp_path):
    graphcut.diff(stopped, whole).draw(tmp_path / "diff.dot")
    text = (tmp_path / "diff.dot").read_text(encoding="utf-8")
    assert 'label="w1\\nflows, gained\\nwas none, cut at hidden"' in text and "gained its gradient (1)" in text


def test_every_format_marks_it(stopped, whole, tmp_path):
    for suffix in ("mmd", "graphml"):
        graphcut.diff(whole, stopped).draw(tmp_path / ("diff." + suffix))
        assert "none, lost" in (tmp_path / ("diff." + suffix)).read_text(encoding="utf-8")


def test_without_a_change_the_new_side_is_drawn_as_it_is(stopped, tmp_path):
    graphcut.diff(stopped, stopped).draw(tmp_path / "diff.dot")
    text = (tmp_path / "diff.dot").read_text(encoding="utf-8")
    assert "no change" in text and "was " not in text


def test_each_gradient_that_changed_has_a_picture(stopped, whole, tmp_path):
    old, new = (stopped, stopped, stopped), (whole, stopped, whole)
    names = graphcut.diff(old, new).draw(tmp_path / "diff.dot")
    assert [Path(each).name for each in names] == ["diff-1.dot", "diff-2.dot"] and all(Path(each).exists() for each in names)


def test_a_variable_that_is_gone_is_counted(stopped, tmp_path):
    part = graphcut.audit(DOCUMENT, variables="w2")
    graphcut.diff(stopped, part).draw(tmp_path / "diff.dot")
    assert "gone" in (tmp_path / "diff.dot").read_text(encoding="utf-8")


def lock(path, audit, source=DOCUMENT):
    path.write_text(lock_text({source: verdicts_of_audits([audit])}), encoding="utf-8")
    return str(path)


def test_a_source_is_compared_with_its_entry_in_a_lock_file(whole, tmp_path):
    old = lock(tmp_path / "old.lock", whole)
    assert str(graphcut.diff(old, DOCUMENT)) == "lost    w1: flows → none, cut by hidden"
    assert str(graphcut.diff(DOCUMENT, old)) == "gained  w1: none → flows, was cut by hidden"
    assert not graphcut.diff(old, whole)


def test_a_lock_file_without_the_source_names_what_it_holds(whole, tmp_path):
    with pytest.raises(graphcut.GraphcutError, match="holds no verdicts of .*003.meta'\nIt holds: 'a.py:loss'"):
        graphcut.diff(lock(tmp_path / "old.lock", whole, "a.py:loss"), DOCUMENT)


def test_a_lock_file_has_nothing_to_draw(whole, tmp_path):
    old = lock(tmp_path / "old.lock", whole)
    with pytest.raises(graphcut.GraphcutError, match="no graph, so there is nothing to draw\nCompare with the source itself"):
        graphcut.diff(old, old).draw(tmp_path / "diff.dot")


def test_the_command_line_draws_and_says_where(whole, tmp_path, capfd):
    old, picture = lock(tmp_path / "old.lock", whole), str(tmp_path / "diff.dot")
    assert main(["diff", old, DOCUMENT, "--svg", picture]) == 1
    assert capfd.readouterr() == ("lost    w1: flows → none, cut by hidden\n", "wrote %s\n" % picture)
    assert main(["diff", old, DOCUMENT, "--svg", str(tmp_path / "diff.txt")]) == 2
    out, err = capfd.readouterr()
    assert out.startswith("lost") and "must end in" in err
    assert main(["diff", DOCUMENT, DOCUMENT]) == 0


@pytest.mark.parametrize(
    "arguments", ["{0} {0} --json", "--json {0} {0}", "{0} --json {0}", "{0} {0} --json -", "--json - {0} {0}"]
)
def test_json_without_a_file_is_standard_output_wherever_it_stands(capfd, arguments):
    assert main(["diff", *arguments.format(DOCUMENT).split()]) == 0
    assert json.loads(capfd.readouterr().out)["changes"] == []


def test_json_with_a_file_is_written_beside_the_words(tmp_path, capfd):
    assert main(["diff", "--json", str(tmp_path / "diff.json"), DOCUMENT, DOCUMENT]) == 0
    assert capfd.readouterr().out == "no variable gained or lost its gradient\n"
    assert json.loads((tmp_path / "diff.json").read_text(encoding="utf-8"))["changes"] == []


def test_a_side_that_is_a_folder_or_a_revision_is_told_how_to_compare_all_sources(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (["init", "-q"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run(["git", *command], check=True)
    for side in (".", "HEAD"):
        with pytest.raises(GraphcutError, match="graphcut diff HEAD:graphcut.lock graphcut.lock"):
            read_side(side)
    with pytest.raises(GraphcutError) as error:
        read_side("missing.pb")
    assert "snapshot" not in str(error.value)
