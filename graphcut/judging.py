"""One question about a graph, and the judgement of it by the installed TensorFlow."""

from __future__ import annotations

from typing import NamedTuple

from graphcut.flow.judge import Flow, flow
from graphcut.installation import tensorflow_needed
from graphcut.losses import Loss, Stopped
from graphcut.rules.evidence import COPIES, Evidence
from graphcut.rules.table import Rules
from graphcut.rules.tensors import calls_in_cases
from graphcut.sources import Traced


class Inquiry(NamedTuple):
    """A graph that was read, the loss, and what counts as a constant."""

    traced: Traced
    loss: Loss
    stopped: Stopped


def judged(inquiry: Inquiry) -> Flow:
    """What follows from the loss; rows are asked of the installed TensorFlow."""
    with tensorflow_needed("to ask for the gradients of ops"):
        from graphcut.tracing import ask, installed
    traced, loss, stopped = inquiry
    around = installed.around(traced.origin)
    symbolic = stopped.symbolic | calls_in_cases(traced.flat, around)
    copies = COPIES.union(("StopGradient",) if traced.edited else ())
    evidence = Evidence(traced.flat, traced.names, loss.tensors, copies)
    rules = Rules(
        traced.flat, ask.asker(traced.origin), around, traced.shapes, symbolic, stopped.unwatched, evidence, stopped.plain
    )
    return flow(rules, loss.tensors, stopped.ops, symbolic, stopped.reasons, loss.dead, loss.together)
