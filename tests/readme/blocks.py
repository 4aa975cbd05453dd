"""The README's fenced blocks, by heading."""

from __future__ import annotations

import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def blocks(heading, language):
    """The blocks of one language under a heading, in order."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as stream:
        section = stream.read().split("\n## %s\n" % heading, 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```%s\n(.*?)^```$" % language, section, re.MULTILINE | re.DOTALL)


def table(heading):
    """The first cells of a section's table, without their quotes."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as stream:
        section = stream.read().split("\n## %s\n" % heading, 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)
