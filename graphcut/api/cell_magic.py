"""``%%gradients``: a cell of a notebook runs as it is, and its audits are shown below it as the interactive page."""

from __future__ import annotations

from typing import Any, Dict, List

from graphcut.api.audit import Audit
from graphcut.api.watch import watch
from graphcut.render.page.notebook import frame
from graphcut.render.text.plain_table import table

_NAME = "gradients"


def load(ipython: Any) -> None:
    """Add the magic."""

    def gradients(line: str, cell: str) -> None:
        """Run a cell, and show an audit of each gradient that it takes."""
        watched = watch()
        with watched:
            ipython.run_cell(cell)
        _show(ipython, list(watched.audits))
        for problem in watched.problems:
            print("graphcut: could not record %s" % problem)

    ipython.register_magic_function(gradients, "cell", _NAME)


def unload(ipython: Any) -> None:
    """Take the magic away."""
    ipython.magics_manager.magics["cell"].pop(_NAME, None)


def _show(ipython: Any, audits: List[Audit]) -> None:
    if not audits:
        print("graphcut: the cell took no gradient; it must call fit, GradientTape.gradient, tf.gradients or minimize")
        return
    ipython.display_pub.publish(_bundle(audits))


def _bundle(audits: List[Audit]) -> Dict[str, str]:
    """Return the audits in each format that a notebook can show: the page is in a frame of its own."""
    return {"text/html": frame(audits, "the gradients of this cell"), "text/plain": "\n\n".join(map(table, audits))}
