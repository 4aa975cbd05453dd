"""The fenced blocks and tables of the README and the documents, by heading."""

from __future__ import annotations

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = sorted(
    os.path.relpath(os.path.join(folder, name), ROOT).replace(os.sep, "/")
    for folder, _, names in os.walk(os.path.join(ROOT, "docs"))
    for name in names
    if name.endswith(".md")
)


def text_of(page):
    """The text of a page, named from the root of the repository."""
    with open(os.path.join(ROOT, page), encoding="utf-8") as stream:
        return stream.read()


def section(heading, page="README.md"):
    """What stands under a heading of the second level."""
    return text_of(page).split("\n## %s\n" % heading, 1)[1].split("\n## ", 1)[0]


def blocks(heading, language, page="README.md"):
    """The blocks of one language under a heading, in order."""
    return re.findall(r"^```%s\n(.*?)^```$" % language, section(heading, page), re.MULTILINE | re.DOTALL)


def table(heading, page="README.md"):
    """The first cells of a section's table, without their quotes."""
    return re.findall(r"^\| `([a-z-]+)` \|", section(heading, page), re.MULTILINE)
