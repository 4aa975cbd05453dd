"""Unified diffs, applied as ``patch`` applies them."""

from __future__ import annotations

import re


def applied(text, diff):
    """A text with one diff of it applied; every line of the diff has to be where it says."""
    lines, made, at = text.splitlines(keepends=True), [], 0
    for line in [each + "\n" for each in diff.split("\n")][2:]:
        hunk = re.match(r"@@ -(\d+)(?:,(\d+))? \+", line)
        if hunk:
            start = int(hunk.group(1)) - (hunk.group(2) != "0")
            made += lines[at:start]
            at = start
        elif line.startswith("+"):
            made.append(line[1:])
        elif line.startswith((" ", "-")):
            assert lines[at] == line[1:], "line %d is %r, the diff has %r" % (at + 1, lines[at], line[1:])
            made += [lines[at]] if line.startswith(" ") else []
            at += 1
    return "".join([*made, *lines[at:]])
