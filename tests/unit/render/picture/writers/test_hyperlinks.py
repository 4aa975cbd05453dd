from __future__ import annotations

import os

import pytest

from graphcut.errors import GraphcutError
from graphcut.render.picture.writers.hyperlinks import check_template, target


@pytest.mark.parametrize("template", ["{line}", "{file}{x}", "{file", "javascript:alert({file})", " java\tscript:{file}"])
def test_what_is_no_template_or_runs_code_is_refused(template):
    with pytest.raises(GraphcutError, match="such as: vscode"):
        check_template(template)


def test_an_address_is_absolute_and_percent_encoded():
    template = check_template("vscode://file/{file}:{line}")
    path = os.path.abspath("my model.py").replace(os.sep, "/").replace(" ", "%20")
    assert target(template, "my model.py:3") == f"vscode://file/{path}:3"


def test_without_a_place_or_a_template_there_is_no_address():
    assert target(None, "model.py:3") == target("{file}", None) == ""
