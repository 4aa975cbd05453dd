"""Read the source line that a place such as ``model.py:12`` names, and shorten such a place for display.

A place may come from an untrusted file, so only Python source is read, never a device or a huge file.
"""

from __future__ import annotations

import linecache
import os
import sys
from typing import Optional

_LIMIT = 2**24  # bytes; no source file is larger


def line_of(where: Optional[str]) -> str:
    """Return the line without surrounding blanks; empty if it cannot be read."""
    path, _, number = (where or "").rpartition(":")
    if not number.isdigit() or not (path in linecache.cache or _is_source(path)):
        return ""
    linecache.checkcache(path)
    return linecache.getline(path, int(number)).strip()


def text_from(where: Optional[str], lines: int) -> str:
    """Return the line as ``line_of`` does, followed by the lines below it, ``lines`` in all."""
    path, _, number = (where or "").rpartition(":")
    first = line_of(where)
    below = range(int(number) + 1, int(number) + lines) if first else ()
    return "\n".join([first, *(linecache.getline(path, each).strip() for each in below)])


def nearby(where: str) -> str:
    """Return a place for display: relative to the current folder if the file is below it, or as the cell of a notebook.

    >>> nearby("./model.py:12"), nearby("/usr/lib/model.py:12")
    ('model.py:12', '/usr/lib/model.py:12')
    """
    cell = _cell(where)
    if cell:
        return cell
    try:
        here = os.getcwd()
    except OSError:  # the folder is gone
        return where
    start = os.path.join(here, "")
    if where.startswith(os.path.join(os.curdir, "")):
        return where[2:]
    return where[len(start) :] if where.startswith(start) and start != here else where


def file_and_line(where: str) -> str:
    """Return a place without the folder of its file.

    >>> file_and_line("/home/me/model.py:12")
    'model.py:12'
    """
    return nearby(where).replace("\\", "/").rpartition("/")[2]


def _cell(where: str) -> str:
    """Return ``In[3]:2`` for a place in the third cell that was run; empty for a place in a file."""
    path, _, number = where.rpartition(":")
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    cells = getattr(getattr(shell, "compile", None), "_filename_map", {})
    return "In[%s]:%s" % (cells[path], number) if path in cells else ""


def _is_source(path: str) -> bool:
    try:
        return path.endswith(".py") and os.path.isfile(path) and os.path.getsize(path) < _LIMIT
    except ValueError:  # a null in the path
        return False


_LINE_LIMIT = 160


def source_line(where: Optional[str]) -> str:
    """Return the line without indentation, with unprintable characters escaped; empty if it cannot be read."""
    text = "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in line_of(where))
    return text if len(text) <= _LINE_LIMIT else text[: _LINE_LIMIT - 1] + "…"
