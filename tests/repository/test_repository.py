"""The README, the continuous integration and the package agree."""

from __future__ import annotations

import configparser
import re
import subprocess
import sys

from graphcut.cli.doctor_command import tensorflow_version
from graphcut.util.version import VERSION
from tests.repository.measure import ROOT


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_readme_s_last_command_is_what_ci_runs():
    readme = re.findall(r"```sh\n(.*?)\n```", text("README.md").split("## Contributing")[1], re.DOTALL)[0]
    assert readme == text(".ci/run").splitlines()[-1]


def test_every_python_that_tox_tests_is_a_classifier():
    config = configparser.ConfigParser()
    config.read(str(ROOT / "setup.cfg"))
    tested = set(re.findall(r"py3(\d+)-", text("tox.ini"))) | set(re.findall(r"python3\.(\d+)", text("tox.ini")))
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in tested} <= set(
        config["metadata"]["classifiers"].splitlines()
    )


def test_the_version_is_the_same_everywhere():
    config = configparser.ConfigParser()
    config.read(str(ROOT / "setup.cfg"))
    assert config["metadata"]["version"] == VERSION
    assert "## [%s]" % VERSION in text("CHANGELOG.md")


def test_the_version_names_tensorflow_and_does_not_import_it():
    code = "import sys; from graphcut.cli import main; main(['--version']); print('tensorflow' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], cwd=str(ROOT), stdout=subprocess.PIPE, check=True).stdout.decode()
    known = tensorflow_version()
    assert shown.startswith("graphcut %s, Python 3." % VERSION)
    assert shown.split()[-2:] == [known[1] if known else "installed", "False"]


def test_the_changelog_names_the_version_or_what_is_to_come():
    assert re.search(r"^## \[Unreleased\]", text("CHANGELOG.md"), re.MULTILINE)


def test_every_page_is_in_the_site():
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in sorted((ROOT / "docs").rglob("*.md"))]
    named = re.findall(r"[\w./-]+\.md$", text("mkdocs.yml"), re.MULTILINE)
    assert [page for page in pages if page not in named] == []


def test_every_picture_that_a_page_shows_is_one():
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    shown = [page.parent / name for page in pages for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text("utf-8"))]
    begins = [path.read_bytes()[:5] for path in shown]
    assert len(shown) > 40 and set(begins) <= {b"<?xml", b"\x89PNG\r"}


def test_no_picture_tells_where_it_was_drawn():
    pictures = sorted((ROOT / "docs").rglob("*.svg"))
    absolute = re.compile(r"/[^\s<\"]*/(?:fixtures|docs|graphcut|site(?:-|&#45;)packages)/")
    assert pictures
    assert [path.name for path in pictures if absolute.search(re.sub(r"https?://\S+", "", path.read_text("utf-8")))] == []
