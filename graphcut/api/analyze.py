"""Analyze one loss of a graph, with the gradients of the installed TensorFlow or of the gradient table."""

from __future__ import annotations

from graphcut.analysis.request import AuditRequest
from graphcut.analysis.rules.evidence import COPIES, Evidence
from graphcut.analysis.rules.lookup import PatternLookup
from graphcut.analysis.rules.trainable_tensors import calls_in_cases
from graphcut.analysis.verdicts import GradientFlow, compute_flow
from graphcut.api.choose_oracle import installed_oracle


def analyze(request: AuditRequest) -> GradientFlow:
    """Return the gradient flow from the loss, with gradient patterns from the request's oracle."""
    traced, loss, stopped, chosen = request.traced, request.loss, request.stopped, request.oracle
    oracle = chosen or installed_oracle()
    around = oracle.behavior(traced.origin)
    symbolic = stopped.symbolic | calls_in_cases(traced.flat, around)
    copies = COPIES.union(("StopGradient",) if traced.edited else ())
    evidence = Evidence(traced.flat, traced.names, loss.tensors, copies)
    rules = PatternLookup(
        traced.flat, oracle.asker(traced.origin), around, traced.shapes, symbolic, stopped.unwatched, evidence, stopped.plain
    )
    return compute_flow(rules, loss.tensors, stopped.ops, symbolic, stopped.reasons, loss.dead, loss.together)
