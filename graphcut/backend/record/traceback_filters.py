"""Let TensorFlow and Keras leave graphcut's wrappers out of the tracebacks that they shorten, like their own frames."""

from __future__ import annotations

import os
import sys
from typing import Any, Iterator

from graphcut.backend.record.patches import Patch

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")
_LIBRARIES = ("keras", "tf_keras", "tensorflow")
_PATHS = "_EXCLUDED_PATHS"  # of the modules ``traceback_utils``: an error's frames in files with such a part are left out


def patches() -> Iterator[Patch]:
    """Yield the patches of the loaded filters."""
    for name, module in list(sys.modules.items()):
        if name.endswith("traceback_utils") and name.startswith(_LIBRARIES) and hasattr(module, _PATHS):
            yield Patch(module, _PATHS, _with_own)


def _with_own(paths: Any) -> Any:
    return (*paths, _FOLDER)
