"""Choose the oracle for gradients: the installed TensorFlow, or a column of the gradient table."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Optional

from graphcut.analysis.rules import gradient_table
from graphcut.analysis.rules.op_overlay import OpOverlay, join_overlays, read_overlay
from graphcut.errors import GraphcutError, printable
from graphcut.graph.metadata import GraphMetadata

if TYPE_CHECKING:
    from graphcut.analysis.rules.oracle import GradientOracle

INSTALLED = "installed"


def choose_oracle(origin: GraphMetadata, oracle: Optional[str] = None, overlay: Optional[OpOverlay] = None) -> GradientOracle:
    """Return the oracle for a graph.

    Args:
        origin: where the graph came from. By default, the table's column for the TensorFlow that wrote a file judges the file,
            and a running TensorFlow judges its own graphs.
        oracle: ``None``, ``"installed"``, or a version of the table such as ``"2.15"``.
        overlay: the ops of other packages, in addition to the table.

    Raises:
        GraphcutError: the table has no such version, or TensorFlow is asked for and not installed.
    """
    if oracle is not None and not isinstance(oracle, str):
        raise GraphcutError(
            "oracle= was given a value of type %s: %s\nIt takes 'installed' or the text of a version, such as '2.15'."
            % (type(oracle).__name__, printable(repr(oracle))[1:-1])
        )
    if oracle == INSTALLED or (oracle is None and _is_running(origin)):
        if overlay is not None:
            raise GraphcutError(
                "ops= works only with the gradient table, and here the installed TensorFlow would be asked\n"
                "Leave it out and import the package, or name a version with oracle=."
            )
        return installed_oracle()
    column = gradient_table.column_of(origin) if oracle is None else gradient_table.find_version(oracle)
    table = gradient_table.table_oracle(column) if overlay is None else gradient_table.TableOracle(column, overlay)
    return table if oracle is not None or gradient_table.is_version_known(origin) else table.assumed()


def overlay_of(ops: Any) -> Optional[OpOverlay]:
    """Return the overlay from one or several files; ``None`` if there is none."""
    paths = [ops] if isinstance(ops, (str, os.PathLike)) else list(ops)
    return join_overlays([read_overlay(os.fsdecode(path)) for path in paths]) if paths else None


def _is_running(origin: GraphMetadata) -> bool:
    """Return whether a graph comes from the TensorFlow of this process, as a live graph or as a message."""
    if origin.live is not None or not origin.foreign:
        return True
    return hasattr(origin.owner, "SerializeToString") and "tensorflow" in sys.modules


def installed_oracle() -> GradientOracle:
    """Return the installed TensorFlow."""
    from graphcut.backend import tensorflow_needed

    with tensorflow_needed("to ask for the gradients of ops"):
        from graphcut.backend.gradient_oracle.ask import InstalledOracle
    return InstalledOracle()
