"""Audit an edit of the user's source before it is shown.

The user's file is not written and no module is executed again (``backend/live/edited_code.py``). A file or a finished graph
cannot be traced again, so suggestions for it stay unconfirmed.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, FrozenSet, List, Optional, Sequence, Tuple

from graphcut.api.suggest.other_losses import LostGradients, OtherLoss, lost_by_edit
from graphcut.api.suggest.source_edit import Replacement, Source

if TYPE_CHECKING:
    from graphcut.results import VariableAudit


@dataclass(frozen=True)
class Retrace:
    """How to audit the same source again: ``run`` returns all its audits; ``index`` is the one to compare.

    ``source`` is what was traced; ``gradient_at`` is ``file:line`` of the call that takes the gradient, in a step.
    ``builder`` is ``file:line`` of the function that builds the audited model or graph, if ``run`` calls it again.
    ``siblings`` are the audits of all gradients of the step, in the order of ``run``.
    """

    source: Any
    run: Callable[[], Sequence[Any]]
    index: int = 0
    gradient_at: Optional[str] = None
    builder: Optional[str] = None
    siblings: Sequence[Any] = ()


@dataclass(frozen=True)
class Edit:
    """An edit of one source: replacements, and the statements that contain them."""

    source: Source
    replacements: Tuple[Replacement, ...]
    nodes: Tuple[ast.AST, ...]


def edited_texts(edits: Sequence[Edit]) -> Optional[Dict[str, str]]:
    """Return the text of each file with all edits applied; ``None`` if a result is not valid Python."""
    texts: Dict[str, str] = {}
    for path, parts in _by_path(edits).items():
        text = parts[0].source.edited([one for each in parts for one in each.replacements])
        if text is None:
            return None
        texts[path] = text
    return texts


def _by_path(edits: Sequence[Edit]) -> Dict[str, List[Edit]]:
    by_path: Dict[str, List[Edit]] = {}
    for each in edits:
        by_path.setdefault(each.source.path, []).append(each)
    return by_path


Rows = Sequence[Tuple["VariableAudit", Optional["VariableAudit"]]]
Holds = Callable[[Rows, Any, Sequence[LostGradients]], bool]


def confirm(audit: Any, edits: Sequence[Edit], holds: Holds, others: Sequence[OtherLoss] = ()) -> Optional[bool]:
    """Return whether the audit of the edited source is as intended; ``None`` if the source cannot be traced again.

    ``holds`` receives the rows of each variable before and after the edit (the latter may be missing), the audit after the
    edit, and what the edit takes from the other losses of the step or graph. Variables of a model that was built again are
    matched by position, because Keras renumbers its layers.
    """
    from graphcut.backend.live import edited_code

    retrace: Optional[Retrace] = audit._retrace
    if retrace is None or retrace.source is None:
        return None
    texts = edited_texts(edits)
    if texts is None:
        return False
    files = {}
    for path, parts in _by_path(edits).items():
        functions: FrozenSet[Tuple[str, int]] = frozenset(
            [function for each in parts for node in each.nodes for function in each.source.functions(node)]
            + [
                function
                for each in parts
                for one in each.replacements
                for function in each.source.functions_around(one.start, one.end)
            ]
        )
        files[path] = edited_code.FileEdit(parts[0].source.text, texts[path], functions)
    with edited_code.edit_functions(retrace.source, files) as is_alive:
        if not is_alive:
            return None
        try:
            audits = retrace.run()
        except Exception:  # noqa: BLE001 - the edited code may raise anything
            return False
    if len(audits) <= retrace.index:
        return False
    after = audits[retrace.index]
    match = partial(_match_rows, is_built=bool(retrace.builder))
    rows = match(audit, after)
    return holds([(row, rows[row.name]) for row in audit.variables], after, lost_by_edit(others, audits, after, match))


def _match_rows(before: Any, after: Any, is_built: bool) -> Dict[str, Optional[VariableAudit]]:
    """Return, by name, the row of each variable in another audit of the same source: the same object, else the same name.

    In a model that was built again, it is else the row at the same position.
    """
    new = list(after)
    places: Dict[Any, int] = {}
    for place, identities in enumerate(after.identities):
        for each in identities:
            places.setdefault(each, place)
    by_name = {row.name: row for row in reversed(new)}
    is_alike = is_built and [(row.shape, row.dtype) for row in before] == [(row.shape, row.dtype) for row in new]
    result: Dict[str, Optional[VariableAudit]] = {}
    for at, (row, objects) in enumerate(zip(before, before.identities)):
        known_at: Optional[int] = min((places[each] for each in objects if each in places), default=None)
        same = by_name.get(row.name) if known_at is None else new[known_at]
        result[row.name] = new[at] if same is None and is_alike else same
    return result
