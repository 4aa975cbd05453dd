"""Lets tox find the Pythons that pyenv keeps: its shims answer for the chosen version only.

Where there is no pyenv, nothing happens.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tox.plugin import impl

if TYPE_CHECKING:
    from tox.config.cli.parser import ToxParser


def pyenv_versions() -> Path:
    """The folder that this Python stands in, if it is one of pyenv's, else where pyenv says it keeps them."""
    beside = Path(sys.base_prefix).parent
    return beside if beside.name == "versions" else Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"


@impl
def tox_add_option(parser: ToxParser) -> None:
    """Append every ``bin`` of pyenv's versions to ``PATH``, before tox looks for an interpreter."""
    known = os.environ.get("PATH", "").split(os.pathsep)
    found = [str(path) for path in sorted(pyenv_versions().glob("*/bin")) if str(path) not in known]
    os.environ["PATH"] = os.pathsep.join(known + found)
