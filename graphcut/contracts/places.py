"""Places such as ``model.py:12``, as files and lines relative to the project."""

from __future__ import annotations

import os
from typing import Optional, Tuple


def split_place(where: Optional[str]) -> Optional[Tuple[str, int]]:
    """Return the file (relative to the current folder if it is below it) and the line of ``file:line``; else ``None``.

    >>> split_place("model.py:12"), split_place(None)
    (('model.py', 12), None)
    """
    file, _, line = (where or "").rpartition(":")
    if not file or not line.isdigit():
        return None
    return named_file(file).replace(os.sep, "/"), max(int(line), 1)


def named_file(file: str, project: str = "") -> str:
    """Return the name of a file: relative if it is below the current folder or in the project, else its absolute path.

    Args:
        file: a path.
        project: the folder of the contract file; empty for none.

    >>> named_file(os.path.abspath("model.py")), named_file("/usr/lib/other.py")
    ('model.py', '/usr/lib/other.py')
    """
    if not os.path.isabs(file):
        return file
    try:
        relative = os.path.relpath(file)
        inside = bool(project) and not os.path.relpath(file, project).startswith("..")
    except ValueError:  # on another drive of Windows
        return file
    return relative if inside or not relative.startswith("..") else file


def named_place(where: Optional[str], project: str) -> Optional[str]:
    """Return ``file:line`` with its file as ``named_file`` names it; return anything else unchanged.

    >>> named_place(os.path.abspath("model.py") + ":12", os.getcwd()), named_place(None, os.getcwd())
    ('model.py:12', None)
    """
    file, colon, line = (where or "").rpartition(":")
    return named_file(file, project) + colon + line if file and line.isdigit() else where
