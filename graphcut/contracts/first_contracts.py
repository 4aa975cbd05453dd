"""Write a first contract file that describes the current state."""

from __future__ import annotations

import json
import os
from typing import AbstractSet, Callable, Dict, Iterator, List, Sequence

from graphcut.api.audit import Audit
from graphcut.contracts.definition import Contract
from graphcut.contracts.source_audits import SourceAudits
from graphcut.errors import GraphcutError, printable
from graphcut.render.text.headings import headings
from graphcut.results import WITH_GRADIENT, Verdict
from graphcut.util.isolate_output import isolate_output

_HEAD = """# What must stay true about the gradients of this project. Check it with: graphcut check
# This file was written from what is true today: read it before you rely on it.
# The page "Contracts" of graphcut's documentation explains every key.
"""
_ONE_SPEC = "\nAll functions get the same specs here: run init for each of them with an --output of its own."


def first_contracts(
    sources: Sequence[str], spec: Sequence[str] = (), progress: Callable[[str], None] = lambda message: None
) -> str:
    """Return the text of a ``graphcut.toml`` with a contract for each gradient of each source.

    Args:
        sources: what ``graphcut audit`` takes.
        spec: the arguments of the sources that are functions.
        progress: called with a line before each source.

    Raises:
        GraphcutError: a source cannot be audited.
    """
    source_audits = SourceAudits()
    parts = [_HEAD]
    for source in dict.fromkeys(sources):
        progress("auditing %s" % source)
        contract = Contract(name="", source=source, line=0, spec=() if os.path.exists(source) else tuple(spec))
        try:
            with isolate_output():
                audits = source_audits.of_contract(contract)
        except GraphcutError as error:
            raise GraphcutError("%s%s" % (error, _ONE_SPEC if spec and len(sources) > 1 else "")) from None
        rule = (
            "only" if len(source_audits.of_step(contract)) > 1 else "must_reach"
        )  # each optimizer of a step has its own variables
        parts += ["\n".join(_contract(contract, audits, place, rule)) for place in range(len(audits))]
    return "\n\n".join(each.strip("\n") for each in parts) + "\n"


def _contract(contract: Contract, audits: Sequence[Audit], place: int, rule: str) -> Iterator[str]:
    audit, several = audits[place], len(audits) > 1
    head = headings(audits)[place]
    reached = [each.name for each in audit if each.verdict in WITH_GRADIENT]
    blocked = [each.name for each in audit if each.verdict in (Verdict.NONE, Verdict.ZERO)]
    if not reached and not blocked:
        words = ", ".join("%s %s" % (each.name, each.verdict.value) for each in audit) or "no variable"
        yield "# %s: nothing to demand today: %s" % (" ".join(contract.source.split()), printable(words)[1:-1])
        return
    yield "[[contract]]"
    yield "name = %s" % _quote("%s: %s" % (contract.source, head) if several else contract.source)
    yield "source = %s" % _quote(contract.source)
    if contract.spec:
        yield "spec = %s" % _array(contract.spec)
    if several:
        yield "gradient = %d # %s" % (place, " ".join(head.split()))
    yield from ["%s = %s" % (rule, _array(_fold_names(reached, blocked)))] if reached else []
    kept_out = blocked + _frozen(audit, {*reached, *blocked})
    yield from ["must_not_reach = %s" % _array(_fold_names(kept_out, reached))] if kept_out else []


def _frozen(audit: Audit, judged: AbstractSet[str]) -> List[str]:
    """Return the variables that the loss of a step reads and that are not trainable, so a change that trains them is noticed.

    For a loss without a step, every variable that a pattern matches is audited, so its gradient reaches variables that are not
    trainable, too. The averages of a trained normalization never get a gradient.
    """
    frozen = [each for each in audit.left_out if each.trainable is False and not each.is_average]
    return [each.name for each in frozen if audit.is_recorded and each.name not in judged]


def _fold_names(names: Sequence[str], others: Sequence[str]) -> List[str]:
    """Return the names; replace those of one scope with a pattern if no other variable is in the scope."""
    folded: Dict[str, None] = {}
    for name in names:
        scope = name.partition("/")[0] + "/"
        alone = "/" in name and not any(each.startswith(scope) for each in others)
        many = sum(each.startswith(scope) for each in names) > 1
        folded[_escape_pattern(scope) + "*" if alone and many else _escape_pattern(name)] = None
    return list(folded)


def _escape_pattern(name: str) -> str:
    """Return a name as a pattern that matches nothing else."""
    return "".join("[%s]" % each if each in "*?[" else each for each in name)


def _array(values: Sequence[str]) -> str:
    one = "[%s]" % ", ".join(map(_quote, values))
    return one if len(one) <= 100 else "[\n%s]" % "".join("    %s,\n" % _quote(each) for each in values)


def _quote(text: str) -> str:
    """Return a TOML basic string, which has the same escapes as JSON for these texts."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
