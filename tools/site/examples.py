"""Examples in docstrings, as blocks of code: Griffe finds them in sections called Examples only."""

from __future__ import annotations

import re

import griffe

EXAMPLE = re.compile(r"^( *)(>>> .*(?:\n\1(?=\S).*)*)", re.MULTILINE)


class Examples(griffe.Extension):
    """Put a fence around each example of a docstring."""

    def on_object(self, *, obj, **arguments):
        """Rewrite the docstring of an object that was loaded."""
        if obj.docstring:
            obj.docstring.value = EXAMPLE.sub(fenced, obj.docstring.value)


def fenced(example):
    """The lines of an example between fences."""
    indent, lines = example.groups()
    return "%s```pycon\n%s%s\n%s```" % (indent, indent, lines, indent)
