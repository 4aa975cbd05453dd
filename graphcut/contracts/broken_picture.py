"""The picture of a broken contract: the variables of its findings are marked with the contract's demand."""

from __future__ import annotations

import os
from typing import Dict, List, Sequence, Union

from graphcut.api.audit import Audit
from graphcut.contracts.definition import ContractResult, Finding
from graphcut.errors import printable
from graphcut.render import picture
from graphcut.render.name_folding import labels, scope_sizes
from graphcut.render.picture.view import DEFAULT_OPTIONS, PictureOptions
from graphcut.results import WITH_GRADIENT
from graphcut.util.text import join_first

_NAMED = 3
_LONG = 60
_GETS = frozenset(each.value for each in WITH_GRADIENT)
_DEMANDS = {
    "must_reach": "must get one",
    "must_not_reach": "must get none",
    "through": "must take another path",
    "avoiding": "must take another path",
    "no_unused": "must be used",
    "updated": "must be updated",
}


def draw_broken(result: ContractResult, audit: Audit, path: Union[str, os.PathLike[str]]) -> None:
    """Draw an audit of a contract, with the demand at each variable that has a finding."""
    picture.draw(audit, path, None, _options(result, audit))


def _options(result: ContractResult, audit: Audit) -> PictureOptions:
    verdicts = {each.name: each.verdict.value for each in audit}
    about = [each for each in result.findings if each.variable in verdicts and each.verdict == verdicts[each.variable]]
    marks: Dict[str, str] = {str(each.variable): _demand(each) for each in about}
    if not marks:
        return DEFAULT_OPTIONS
    return PictureOptions(demands=tuple(marks.items()), heading=_heading(list(marks), list(verdicts)))


def _demand(finding: Finding) -> str:
    if finding.rule == "only":
        return _DEMANDS["must_not_reach" if finding.verdict in _GETS else "must_reach"]
    return _DEMANDS.get(finding.rule, "breaks the contract")


def _heading(broken: List[str], names: Sequence[str]) -> str:
    """Return a heading such as ``4 of 12 variables break the contract: critic/* (4)``."""
    result = labels(broken, scope_sizes(names))
    names_of_group = [printable(each.text, _LONG)[1:-1] + (f" ({each.count})" if each.count > 1 else "") for each in result]
    verb = "breaks" if len(broken) == 1 else "break"
    return f"{len(broken)} of {len(names)} variables {verb} the contract: {join_first(names_of_group, _NAMED)}"
