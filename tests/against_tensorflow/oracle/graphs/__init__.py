"""The hard graphs, by topic. ``CASES`` holds them all, in order."""

from __future__ import annotations

import importlib
import pkgutil

from .collect import CASES

for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module("." + _module, __name__)

__all__ = ["CASES"]
