"""Gradient table entries for the ops of other packages, as ``graphcut ops --record`` writes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Sequence

from graphcut.errors import GraphcutError, printable
from graphcut.graph.op_outputs import Signature, arguments

VERSION = 1
_GRADIENTS = ("function", "none", "unregistered", "rule")


@dataclass(frozen=True)
class OpOverlay:
    """``ops`` has an entry for each op type, as ``gradient_table.json`` has; ``label`` names the packages."""

    label: str
    ops: Mapping[str, Any]

    def signature(self, op_type: str) -> Any:
        """Return the outputs of an op type, or ``None``."""
        entry = self.ops.get(op_type)
        if entry is None:
            return None
        defaults = {name: _default(value) for name, value in entry.get("defaults", {}).items()}
        return Signature(arguments(entry["out"]), defaults)


def read_overlay(path: str) -> OpOverlay:
    """Return the overlay in a file that ``graphcut ops --record`` wrote."""
    try:
        with open(path, encoding="utf-8") as stream:
            values = json.load(stream)
    except OSError as error:
        raise GraphcutError("cannot read %s: %s" % (printable(path), error.strerror)) from None
    except (ValueError, RecursionError):
        values = None
    if not (isinstance(values, dict) and values.get("overlay") == VERSION and _fits(values.get("ops"))):
        raise GraphcutError(
            "%s holds no ops of a package\nMake such a file where the package is installed: graphcut ops --record PACKAGE"
            % printable(path)
        )
    return OpOverlay("%s %s" % (values.get("package"), values.get("package_version")), values["ops"])


def join_overlays(overlays: Sequence[OpOverlay]) -> OpOverlay:
    """Return several overlays as one; the first overlay that has an op type wins."""
    ops: Dict[str, Any] = {}
    for each in reversed(overlays):
        ops.update(each.ops)
    return OpOverlay(", ".join(each.label for each in overlays), ops)


def _fits(ops: Any) -> bool:
    return isinstance(ops, dict) and all(_is_entry(each) for each in ops.values())


def _is_entry(entry: Any) -> bool:
    """Return whether an entry has the structure that reading it needs."""
    if not isinstance(entry, dict) or entry.get("gradient") not in _GRADIENTS:
        return False
    if not all(_are_words(entry.get(key), ":") for key in ("in", "out")) or not _are_words(entry.get("floats"), ""):
        return False
    rows = entry.get("rows", [])
    if entry["gradient"] == "function" and not (isinstance(rows, list) and isinstance(entry.get("defaults"), dict)):
        return False
    return all(isinstance(each, dict) and isinstance(each.get("when"), dict) and "reply" in each for each in rows) and (
        bool(rows) or entry["gradient"] != "function" or isinstance(entry.get("failed"), str)
    )


def _are_words(value: Any, mark: str) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and mark in each for each in value)


def _default(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
