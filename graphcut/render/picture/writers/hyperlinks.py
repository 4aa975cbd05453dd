"""Links from a picture to the user's code, by a template such as ``vscode://file/{file}:{line}``."""

from __future__ import annotations

import os
import re
from string import Formatter
from typing import Optional
from urllib.parse import quote

from graphcut.errors import GraphcutError, printable

_FORBIDDEN = ("javascript", "data", "vbscript")


def check_template(template: Optional[str]) -> Optional[str]:
    """Return the template.

    Raises ``GraphcutError`` if it has fields other than ``{file}`` and ``{line}``, or would run code in a browser.
    """
    if template is None:
        return None
    try:
        fields = {name for _, name, _, _ in Formatter().parse(template) if name is not None}
    except ValueError as error:
        raise GraphcutError(f"link: {printable(template)} is not a template: {error}\n{_EXAMPLE}") from None
    if "file" not in fields or fields - {"file", "line"}:
        raise GraphcutError(f"link: {printable(template)} must have {{file}}, may have {{line}}, and nothing else\n{_EXAMPLE}")
    if re.sub(r"[^a-z:]", "", template.lower()).partition(":")[0] in _FORBIDDEN:
        raise GraphcutError(f"link: {printable(template)} would run code in the browser\n{_EXAMPLE}")
    return template


_EXAMPLE = "such as: vscode://file/{file}:{line}"


def target(template: Optional[str], where: Optional[str]) -> str:
    """Return the percent-encoded address of a ``file:line``; empty if there is no template or no place."""
    if template is None or where is None:
        return ""
    path, _, line = where.rpartition(":")
    full = os.path.abspath(path).replace(os.sep, "/")
    return template.replace("{file}", quote(full, safe="/:")).replace("{line}", quote(line, safe=""))
