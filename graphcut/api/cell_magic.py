"""The cell magic ``%%gradients``: run a notebook cell unchanged, and show its audits below as an interactive page."""

from __future__ import annotations

from typing import Any, Dict, List

from graphcut.api.audit import Audit
from graphcut.api.watch import watch
from graphcut.errors import printable
from graphcut.render.page.notebook import frame
from graphcut.render.text.plain_table import table

_NAME = "gradients"
_FIRST_LINE = "# %%gradients"  # IPython drops empty lines at the beginning, which shifts line numbers


def load(ipython: Any) -> None:
    """Register the cell magic."""

    def gradients(line: str, cell: str) -> None:
        """Run a cell, and show an audit of each gradient that it takes. It takes no arguments."""
        if line.strip():
            print("graphcut: %%%%gradients takes no arguments, and found %s; the cell was not run" % printable(line.strip()))
            return
        watched = watch()
        with watched:
            ended = _run(ipython, cell)
        _show(ipython, list(watched.audits), getattr(ended, "success", True))
        for problem in watched.problems:
            print("graphcut: could not record %s" % problem)

    ipython.register_magic_function(gradients, "cell", _NAME)


def _run(ipython: Any, cell: str) -> Any:
    """Run the code below the magic; its lines keep their numbers in the cell.

    IPython counts a nested cell as the next one.
    """
    names = getattr(getattr(ipython, "compile", None), "_filename_map", {})
    before, shown = dict(names), len(ipython.user_ns.get("In", ())) - 1
    is_magic = cell.lstrip().startswith("%%")  # another cell magic must come first
    ended = ipython.run_cell(cell if is_magic else "%s\n%s" % (_FIRST_LINE, cell))
    for name in [name for name, number in names.items() if shown > 0 and before.get(name) != number]:
        names[name] = shown
    return ended


def unload(ipython: Any) -> None:
    """Remove the cell magic."""
    ipython.magics_manager.magics["cell"].pop(_NAME, None)


def _show(ipython: Any, audits: List[Audit], ended: bool) -> None:
    if not audits and not ended:
        return  # the cell's own error shows the reason
    if not audits:
        print("graphcut: the cell took no gradient; it must call fit, GradientTape.gradient, tf.gradients or minimize")
        return
    ipython.display_pub.publish(_bundle(audits))


def _bundle(audits: List[Audit]) -> Dict[str, str]:
    """Return the audits in each format that a notebook can show: the page is in a frame of its own."""
    return {"text/html": frame(audits, "the gradients of this cell"), "text/plain": "\n\n".join(map(table, audits))}
