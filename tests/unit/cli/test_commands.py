from __future__ import annotations

import importlib
import json
import os

import pytest

from graphcut.cli import main
from graphcut.errors import GraphcutError
from graphcut.render.picture import draw
from graphcut.render.picture.view import picture_options
from graphcut.render.text.plain_table import table
from tests.unit.contracts.test_diff import DOCUMENT
from tests.unit.render.picture.audits import STOPPED


class Drawable:
    """An audit that knows how to draw itself, as the real one does."""

    def __getattr__(self, name):
        return getattr(STOPPED, name)

    def draw(self, path, engine=None, **asked):
        draw(STOPPED, path, engine, picture_options(**asked))


@pytest.fixture
def asked(monkeypatch):
    """The questions asked of a core that always gives the same answer."""
    questions = []

    def audit(source, *args, **question):
        os.write(2, b"noise from C++\n")
        os.write(1, b"more noise\n")
        questions.append((source, args, question))
        return Drawable()

    monkeypatch.setattr(importlib.import_module("graphcut.api.audit"), "audit", audit)
    return questions


@pytest.fixture
def failing(monkeypatch):
    def fail_with(error):
        def audit(*args, **question):
            raise error

        monkeypatch.setattr(importlib.import_module("graphcut.api.audit"), "audit", audit)

    return fail_with


def test_the_table_is_all_there_is_to_see(asked, capfd):
    assert main(["audit", "model.meta"]) == 0
    assert capfd.readouterr() == (table(STOPPED) + "\n", "")


def test_every_option_is_part_of_the_question(asked):
    options = ["--loss", "a", "--loss", "b", "--variables", "w*", "--signature", "s", "--stop-gradients", "t"]
    options += ["--grad-ys", "0", "--grad-ys", "seed:0"]
    assert main(["audit", "model.meta", *options]) == 0
    assert asked == [
        (
            "model.meta",
            (),
            {
                "loss": ("a", "b"),
                "variables": ("w*",),
                "signature": "s",
                "stop_gradients": ("t",),
                "grad_ys": [0.0, "seed:0"],
            },
        )
    ]


def test_what_is_not_asked_is_left_to_the_default(asked):
    main(["audit", "model.meta"])
    assert asked[0][2] == {"loss": None, "variables": None, "signature": None, "stop_gradients": ()}


def test_json_on_standard_output_is_nothing_but_json(asked, capfd):
    assert main(["audit", "model.meta", "--json", "-"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out)["counts"]["none"] == 2 and err == ""


def test_json_and_picture_go_to_files_beside_the_table(asked, capfd, tmp_path):
    assert main(["audit", "model.meta", "--json", str(tmp_path / "a.json"), "--svg", str(tmp_path / "cut.dot")]) == 0
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["loss"] == ["loss:0"]
    assert (tmp_path / "cut.dot").exists() and "stop-gradient at hidden" in capfd.readouterr().out


@pytest.mark.parametrize("options", [["--svg", "cut.txt"], ["--svg", "no/cut.dot"], ["--json", "no/a.json"]])
def test_what_cannot_be_drawn_or_written_stops_no_audit(asked, capfd, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "model.meta", *options]) == 2
    out, err = capfd.readouterr()
    assert out == table(STOPPED) + "\n"
    assert err.startswith("graphcut: cannot ") and repr(options[1]) in err


def test_without_an_engine_the_table_is_told_and_the_picture_kept_as_text(asked, capfd, tmp_path, monkeypatch):
    monkeypatch.setattr("graphcut.render.picture.layout.available", lambda engine: False)
    monkeypatch.chdir(tmp_path)
    assert main(["audit", "model.meta", "--svg", "cut.svg", "--json", "-"]) == 2
    out, err = capfd.readouterr()
    assert json.loads(out)["counts"]["none"] == 2
    assert (
        err.startswith("graphcut: drawing SVG needs a layout engine, and none is installed\n")
        and (tmp_path / "cut.svg.dot").exists()
    )


def test_draw_takes_what_to_draw(asked, tmp_path):
    whole, part = tmp_path / "whole.dot", tmp_path / "part.dot"
    assert main(["draw", "model.meta", "-o", str(whole)]) == 0
    assert main(["draw", "model.meta", "-o", str(part), "--of", "w1", "--detail", "ops", "--seconds", "5"]) == 0
    assert "w2" in whole.read_text(encoding="utf-8") and "w2" not in part.read_text(encoding="utf-8")


def test_draw_says_what_it_wrote(asked, capfd, tmp_path):
    assert main(["draw", "model.meta", "-o", str(tmp_path / "cut.dot")]) == 0
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("wrote ") and err.endswith("cut.dot\n") and (tmp_path / "cut.dot").exists()


def test_a_question_that_cannot_be_answered_is_2(failing, capfd):
    failing(GraphcutError("no op 'los' in this graph; did you mean 'loss'?"))
    assert main(["audit", "model.meta"]) == 2
    assert capfd.readouterr() == ("", "graphcut: no op 'los' in this graph; did you mean 'loss'?\n")


def test_whose_help_is_worth_a_look_is_told(capfd):
    main(["audit"])
    assert capfd.readouterr().err.endswith("\ntry: graphcut audit --help\n")
    main(["adit"])
    assert capfd.readouterr().err.endswith("\ntry: graphcut --help\n")


@pytest.mark.parametrize("arguments", [["audit"], ["audit", "x", "--los", "y"], ["adit"], ["draw", "x"]])
def test_a_wrong_command_line_is_2_in_at_most_three_lines(arguments, capfd):
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith("graphcut: ") and len(err.splitlines()) <= 3


def test_a_file_that_cannot_be_written_is_2(asked, capfd):
    assert main(["audit", "model.meta", "--json", "/no/such/folder/a.json"]) == 2
    assert capfd.readouterr().err == "graphcut: cannot write '/no/such/folder/a.json': No such file or directory\n"


def test_our_own_mistake_is_2_with_everything_to_report_it(failing, capfd):
    failing(ZeroDivisionError())
    assert main(["audit", "model.meta"]) == 2


def test_a_module_that_exits_is_an_error(capfd, tmp_path):
    (tmp_path / "quits.py").write_text("import sys\nsys.exit(0)\n", encoding="utf-8")
    assert main(["audit", str(tmp_path / "quits.py:f")]) == 2
    said, where, advice = capfd.readouterr().err.splitlines()
    assert said.endswith("sys.exit(0)") and where.endswith("quits.py:2") and "if __name__ == '__main__':" in advice


@pytest.mark.parametrize("arguments", [[], ["--help"], ["audit", "--help"], ["draw", "-h"]])
def test_help_has_examples(arguments, capfd):
    assert main(arguments) == 0
    assert "Examples:" in capfd.readouterr().out


@pytest.mark.parametrize(
    "reports, answer",
    [
        (
            ["sar=a"],
            "'sar=a' is not a valid --report: expected FORMAT=FILE, such as sarif=graphcut.sarif; did you mean 'sarif'?",
        ),
        (["sarif"], "'sarif' is not a valid --report: expected FORMAT=FILE"),
        (["sarif=-"], "To print the report, use --format sarif."),
        (["sarif=a", "json=a"], "two reports cannot go to one file: 'a'"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_check(reports, answer, capsys):
    assert main(["check", *[word for each in reports for word in ("--report", each)]]) == 2
    assert answer in capsys.readouterr().err


def test_suggest_writes_no_patch_for_a_graph_file(tmp_path, capfd):
    patch = tmp_path / "fix.patch"
    assert main(["suggest", str(DOCUMENT), "--unblock", "w1", "--apply", str(patch)]) == 2
    assert "a graph file holds no source to edit" in capfd.readouterr()[1] and not patch.exists()
