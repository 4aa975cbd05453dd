"""graphcut: which variables of a TensorFlow graph can still receive a gradient from the loss, and what cuts off the others."""

from __future__ import annotations

from graphcut.audit import Audit, audit
from graphcut.errors import GraphcutError
from graphcut.replies import Change, Disagreement, Reach, Suggestion
from graphcut.sources import trace
from graphcut.step import audit_step
from graphcut.table import Table, table
from graphcut.terms import Assumption, Barrier, BarrierKind, Condition, Role, Stop, VariableAudit, Verdict
from graphcut.views import page

__version__ = "0.1.0"
__all__ = [
    "Assumption",
    "Audit",
    "Barrier",
    "BarrierKind",
    "Change",
    "Condition",
    "Disagreement",
    "GraphcutError",
    "Reach",
    "Role",
    "Stop",
    "Suggestion",
    "Table",
    "VariableAudit",
    "Verdict",
    "audit",
    "audit_step",
    "page",
    "table",
    "trace",
]
