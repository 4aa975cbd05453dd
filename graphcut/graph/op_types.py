"""Sets of op types that several modules use, one for each meaning, and the attribute that names a gradient function.

A set that only one module uses is defined in that module.
"""

from __future__ import annotations

GRADIENT_TYPE = "_gradient_op_type"  # the attribute that names the gradient function of one op

CALLS = ("PartitionedCall", "StatefulPartitionedCall")
IFS = ("If", "StatelessIf", "_If")
CASES = ("Case", "StatelessCase")
LOOPS = ("While", "StatelessWhile", "_While")
V1_LOOP_ENTRIES = ("Enter", "RefEnter")

HANDLES = frozenset(("VarHandleOp",))
REFERENCES = frozenset(("Variable", "VariableV2", "AutoReloadVariable"))
VARIABLES = HANDLES | REFERENCES
READERS = frozenset(("ReadVariableOp", "ResourceGather", "ResourceGatherNd"))
STOPS = frozenset(("StopGradient", "PreventGradient"))
OPTIMIZERS = ("Apply", "ResourceApply", "SparseApply", "ResourceSparseApply")
