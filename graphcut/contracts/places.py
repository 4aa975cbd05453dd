"""Places such as ``model.py:12``, as files and lines relative to the project."""

from __future__ import annotations

import os
from typing import Optional, Tuple


def split_place(where: Optional[str]) -> Optional[Tuple[str, int]]:
    """Return the file, relative to the current folder where it is below it, and the line of ``file:line``; else ``None``.

    >>> split_place("model.py:12"), split_place(None)
    (('model.py', 12), None)
    """
    file, _, line = (where or "").rpartition(":")
    if not file or not line.isdigit():
        return None
    relative = os.path.relpath(file) if os.path.isabs(file) else file
    return (file if relative.startswith("..") else relative).replace(os.sep, "/"), max(int(line), 1)
