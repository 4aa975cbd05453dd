"""Lets tox find the Pythons that pyenv keeps: its shims answer for the chosen version only.

Where there is no pyenv, nothing happens.
"""
from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tox.plugin import impl

if TYPE_CHECKING:
    from tox.config.cli.parser import ToxParser


@impl
def tox_add_option(parser: ToxParser) -> None:
    """Append every ``bin`` of pyenv's versions to ``PATH``, before tox looks for an interpreter."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    known = os.environ.get("PATH", "").split(os.pathsep)
    found = [str(path) for path in sorted(root.glob("versions/*/bin")) if str(path) not in known]
    os.environ["PATH"] = os.pathsep.join(known + found)
