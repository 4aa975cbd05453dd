"""The same audit gives the same bytes on every Python: each tox environment holds them against the same files.

``GRAPHCUT_WRITE_GOLDEN=1`` writes the files. An SVG is compared where the engine is of the version that laid out the file.
"""

from __future__ import annotations

import os
import shutil
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from graphcut.render.picture import draw
from graphcut.render.picture.writers.xml_elements import sort_attributes
from tests.unit.render.picture.audits import EVERY_VERDICT, STOPPED, beside, through

FOLDER = Path(__file__).parents[4] / "fixtures" / "pictures"
AUDITS = {"stopped": STOPPED, "every_verdict": EVERY_VERDICT, "beside": beside(40, 10), "through": through(600, 2)}


def golden(path, name):
    """The file of that name; written first from ``path`` where that is asked for."""
    if os.environ.get("GRAPHCUT_WRITE_GOLDEN"):
        shutil.copyfile(path, FOLDER / name)
    return (FOLDER / name).read_bytes().replace(b"\r\n", b"\n")


@pytest.mark.parametrize("suffix", ["dot", "mmd", "graphml"])
@pytest.mark.parametrize("name", AUDITS)
def test_text_is_what_was_recorded(tmp_path, name, suffix):
    made = tmp_path / ("cut." + suffix)
    draw(AUDITS[name], made)
    assert made.read_bytes() == golden(made, name + "." + suffix)


def test_attributes_are_in_order_on_every_python():
    element = ElementTree.fromstring('<svg y="1" x="2"><g d="" c=""/></svg>')
    sort_attributes(element)
    assert ElementTree.tostring(element) == b'<svg x="2" y="1"><g c="" d="" /></svg>'
