"""The architecture page shows the imports and the layers that the code has."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys
from collections import Counter

from tests.repository.measure import ROOT


def test_the_figure_is_drawn_from_the_imports():
    assert subprocess.call([sys.executable, str(ROOT / "tools" / "draw_architecture.py"), "--check"]) == 0


def test_the_page_lists_every_layer_that_is_checked():
    config = configparser.ConfigParser()
    config.read(str(ROOT / "setup.cfg"), encoding="utf-8")
    layers = re.findall(r"\w+", config["importlinter:contract:layers"]["layers"])
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("<!-- imports")[0]
    assert [name for name in layers if not re.search(r"\b%s\b" % name, page)] == []


def test_every_place_that_the_page_names_is_there():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"`([a-z_/0-9]+(?:\.py|/))`", page)
    assert len(named) > 20
    assert [name for name in named if not (ROOT / name).exists() and not (ROOT / "graphcut" / name).exists()] == []


def test_a_file_name_says_which_file_is_meant():
    names = Counter(path.name for path in (ROOT / "graphcut").rglob("*.py") if path.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []
