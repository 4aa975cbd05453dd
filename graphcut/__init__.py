"""Find which variables of a TensorFlow graph can receive a gradient from the loss, and what cuts off the others.

Names are imported on first use, so ``import graphcut`` is cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, List

from graphcut.util.version import VERSION

if TYPE_CHECKING:
    from graphcut.api.audit import Audit as Audit
    from graphcut.api.audit import audit as audit
    from graphcut.api.audit_step import audit_step as audit_step
    from graphcut.api.install import install as install
    from graphcut.api.install import uninstall as uninstall
    from graphcut.api.load import trace as trace
    from graphcut.api.loss_table import Table as Table
    from graphcut.api.loss_table import table as table
    from graphcut.api.survey.file_audit import FileAudit as FileAudit
    from graphcut.api.survey.survey import Survey as Survey
    from graphcut.api.survey.survey import survey as survey
    from graphcut.api.watch import watch as watch
    from graphcut.contracts import CheckReport as CheckReport
    from graphcut.contracts import Diff as Diff
    from graphcut.contracts import check as check
    from graphcut.contracts import diff as diff
    from graphcut.errors import GraphcutError as GraphcutError
    from graphcut.render.page import page as page
    from graphcut.results import Assumption as Assumption
    from graphcut.results import Barrier as Barrier
    from graphcut.results import BarrierKind as BarrierKind
    from graphcut.results import Change as Change
    from graphcut.results import Condition as Condition
    from graphcut.results import Disagreement as Disagreement
    from graphcut.results import LeftOut as LeftOut
    from graphcut.results import LeftOutReason as LeftOutReason
    from graphcut.results import Reach as Reach
    from graphcut.results import Role as Role
    from graphcut.results import Stop as Stop
    from graphcut.results import Suggestion as Suggestion
    from graphcut.results import VariableAudit as VariableAudit
    from graphcut.results import Verdict as Verdict

__version__ = VERSION

_RESULTS = (
    "Assumption",
    "Barrier",
    "BarrierKind",
    "Change",
    "Condition",
    "Disagreement",
    "LeftOut",
    "LeftOutReason",
    "Reach",
    "Role",
    "Stop",
    "Suggestion",
    "VariableAudit",
    "Verdict",
)
_HOMES = {
    "Audit": "graphcut.api.audit",
    "CheckReport": "graphcut.contracts",
    "Diff": "graphcut.contracts",
    "FileAudit": "graphcut.api.survey.file_audit",
    "GraphcutError": "graphcut.errors",
    "Survey": "graphcut.api.survey.survey",
    "Table": "graphcut.api.loss_table",
    "audit": "graphcut.api.audit",
    "audit_step": "graphcut.api.audit_step",
    "check": "graphcut.contracts",
    "diff": "graphcut.contracts",
    "install": "graphcut.api.install",
    "page": "graphcut.render.page",
    "survey": "graphcut.api.survey.survey",
    "table": "graphcut.api.loss_table",
    "trace": "graphcut.api.load",
    "uninstall": "graphcut.api.install",
    "watch": "graphcut.api.watch",
    **dict.fromkeys(_RESULTS, "graphcut.results"),
}
_MODULES = ("keras", "testing")
__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module("graphcut." + name)
    if name not in _HOMES:
        raise AttributeError("module 'graphcut' has no attribute %r" % name)
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__, *_MODULES})


def load_ipython_extension(ipython: Any) -> None:
    """Add the cell magic ``%%gradients`` to a notebook: ``%load_ext graphcut``."""
    importlib.import_module("graphcut.api.cell_magic").load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Remove the cell magic: ``%unload_ext graphcut``."""
    importlib.import_module("graphcut.api.cell_magic").unload(ipython)
