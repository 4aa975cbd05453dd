"""graphcut: which variables of a TensorFlow graph can still receive a gradient from the loss, and what cuts off the others."""

from __future__ import annotations

from graphcut.api.audit import Audit, audit
from graphcut.api.audit_step import audit_step
from graphcut.api.load import trace
from graphcut.api.loss_table import Table, table
from graphcut.errors import GraphcutError
from graphcut.render.page import page
from graphcut.results import (
    Assumption,
    Barrier,
    BarrierKind,
    Change,
    Condition,
    Disagreement,
    Reach,
    Role,
    Stop,
    Suggestion,
    VariableAudit,
    Verdict,
)

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
