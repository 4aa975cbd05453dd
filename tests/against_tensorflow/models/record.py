"""The table of ``docs/evidence/real-models.md``: a row for each loss, written anew when its model runs again."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterable, Tuple

import tensorflow as tf

from .judge import Judgement
from .subject import Model

try:
    from importlib.metadata import version
except ImportError:  # Python 3.7
    from importlib_metadata import version

PAGE = Path(__file__).resolve().parents[3] / "docs" / "evidence" / "real-models.md"
HEADER = (
    "| package | TensorFlow | model | loss | ops | variables | None | disagreements | imprecise | assumed | seconds |\n"
    "|---|---|---|---|---:|---:|---:|---:|---:|---:|---:|\n"
)
KEY = 4  # how many cells say what was judged
Rows = Dict[Tuple[str, ...], str]


def package(model: Model) -> str:
    """The package a model is made of, with its version."""
    inside = getattr(tf.keras, "__version__", None) if model.package == "keras" else None
    return "%s %s" % (model.package, inside or version(model.package))


def row(model: Model, loss: str, judgement: Judgement) -> str:
    """One line of the table."""
    counts = (judgement.ops, judgement.variables, judgement.none, len(judgement.disagreements), len(judgement.imprecise))
    cells: Tuple[Any, ...] = (package(model), tf.__version__, model.name, loss) + counts
    return "| %s |" % " | ".join(str(cell) for cell in cells + (judgement.assumed, "%.1f" % judgement.seconds))


def write(fresh: Iterable[str]) -> None:
    """Put rows into the page; what stands above the table, and rows of other runs, stay."""
    above, _, table = PAGE.read_text().partition(HEADER)
    rows = keyed(table.splitlines())
    rows.update(keyed(fresh))
    PAGE.write_text(above + HEADER + "".join(rows[key] + "\n" for key in sorted(rows)))


def keyed(lines: Iterable[str]) -> Rows:
    """The rows by what they judge."""
    return {tuple(cell.strip() for cell in line.split("|")[1 : KEY + 1]): line for line in lines if line.startswith("|")}
