"""Lets tox find the Pythons that pyenv keeps: its shims answer for the chosen version only.

Where there is no pyenv, nothing happens.
"""
from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tox.plugin import impl

if TYPE_CHECKING:
    from tox.config.cli.parser import ToxParser


def pyenv_root() -> Path:
    """Where pyenv says it is, else where its command is, else where its installer puts it."""
    command = shutil.which("pyenv") or Path.home() / ".pyenv/bin/pyenv"
    return Path(os.environ.get("PYENV_ROOT") or Path(command).parents[1])


@impl
def tox_add_option(parser: ToxParser) -> None:
    """Append every ``bin`` of pyenv's versions to ``PATH``, before tox looks for an interpreter."""
    known = os.environ.get("PATH", "").split(os.pathsep)
    found = [str(path) for path in sorted(pyenv_root().glob("versions/*/bin")) if str(path) not in known]
    os.environ["PATH"] = os.pathsep.join(known + found)
