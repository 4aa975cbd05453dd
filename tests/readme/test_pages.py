"""Every block of every page is run here, or checked by a test that is named here."""

from __future__ import annotations

import os
import re

import pytest

from graphcut.cli.commands import commands
from tests.readme import pages
from tests.readme.blocks import PAGES, ROOT, text_of

ELSEWHERE = {
    "docs/architecture.md": "tests/repository/test_architecture.py",
    "docs/evidence/benchmarks.md": "benchmarks/run",  # what one machine took
    "docs/claims.md": "tests/against_tensorflow/scenarios/test_quoted_code.py",
    "docs/gallery.md": "tests/against_tensorflow/scenarios/test_gallery.py",
}
RUN = [page for page in PAGES if page not in ELSEWHERE and pages.blocks_of(text_of(page))]
DATA = {"ini", "text", "toml", "yaml"}  # languages of files


@pytest.mark.parametrize("page", ELSEWHERE)
def test_what_is_not_run_here_is_held_elsewhere(page):
    assert pages.blocks_of(text_of(page)) and os.path.exists(os.path.join(ROOT, ELSEWHERE[page]))


@pytest.mark.parametrize("page", RUN)
def test_every_block_is_of_a_kind_that_is_run(page):
    kinds = {(block.language, bool(block.title)) for block in pages.blocks_of(text_of(page))}
    allowed = {(language, False) for language in ("python", "sh", "synopsis", "text", "yaml")}  # yaml: part of a file
    assert kinds - allowed <= {(language, True) for language in DATA | {"python"}}
    assert text_of(page).count("```") == 2 * len(pages.blocks_of(text_of(page)))


@pytest.mark.parametrize("page", [page for page in RUN if not pages.needs_tensorflow(text_of(page))])
def test_every_block_of_the_page_does_what_it_says(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    os.symlink(os.path.join(ROOT, "fixtures"), "fixtures")
    pages.run_blocks(pages.blocks_of(text_of(page)), page)


def synopses():
    """Each command of a synopsis, with what the page says after it."""
    texts = [block.text for page in RUN for block in pages.blocks_of(text_of(page)) if block.language == "synopsis"]
    return re.findall(r"^graphcut ([a-z]+) ([^#\n]*(?:\n [^#\n]*)*)", "".join(texts), re.MULTILINE)


def test_there_are_synopses():
    assert len(synopses()) > 5


@pytest.mark.parametrize("command, arguments", synopses())
def test_the_options_of_a_synopsis_exist(command, arguments):
    options = {option for each in commands.commands[command].params for option in each.opts}
    assert set(re.findall(r"(?<=[ \[])--?[a-z][a-z-]*", arguments)) <= options


@pytest.mark.parametrize(
    "printed, expected, same",
    [
        ("a  b\nc\n", "a b\nc\n", True),
        ("a b\n", "a c\n", False),
        ("a\nb\nc\n", "a\n…\nc\n", True),
        ("a\nb\n", "a\n", False),
        ("", "a\n", False),
    ],
)
def test_what_is_printed_is_compared_word_by_word(printed, expected, same):
    assert pages.is_output(printed, expected) is same


@pytest.mark.parametrize(
    "text",
    [
        "```python\nprint(1)\n```\n```text\n2\n```\n",
        "```sh\ngraphcut audit missing.meta\n```\n",
        "```sh\ngraphcut --version # exits with 1\n```\n",
    ],
)
def test_a_page_that_is_not_true_is_a_failure(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match="page:1|page:4"):
        pages.run_blocks(pages.blocks_of(text), "page")
