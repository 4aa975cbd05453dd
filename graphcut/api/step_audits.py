"""The audits of a training step, shown one below the other."""

from __future__ import annotations

from graphcut.api.audit import Audit
from graphcut.results.result_display import Results


class StepAudits(Results[Audit]):
    """A tuple with an ``Audit`` for each gradient. ``print`` shows their tables, and a notebook the page of all of them."""

    def _repr_html_(self) -> str:
        """Return the page, for a notebook."""
        from graphcut.render.page.notebook import frame

        return self[0]._repr_html_() if len(self) == 1 else frame(self, "the gradients of a step")
