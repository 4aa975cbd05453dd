"""Find the variables of a program: those in audited graphs, and those that the traced function refers to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Collection, Dict, Iterable, Mapping, Optional, Sequence, Tuple

from graphcut.api.refuse_step import is_keras_model
from graphcut.api.select.resolve_places import variables_read_in
from graphcut.api.select.resolve_variables import find_targets

if TYPE_CHECKING:
    from graphcut.api.audit import Audit


def known_variables(audits: Iterable[Audit], source: Any) -> Mapping[str, Optional[bool]]:
    """Return the names of all variables that can be known, and whether each is trainable.

    Args:
        audits: the audits of the source; their graphs also hold variables that no gradient call includes.
        source: what was traced, or the path of a file.
    """
    result: Dict[str, Optional[bool]] = {each.name: each.trainable for audit in audits for each in audit.graph_variables}
    if isinstance(source, str) or source is None:
        return result
    from graphcut.backend.live.program_variables import program_variables

    for each in program_variables(source):
        result.setdefault(each.name, each.trainable)
    return result


def layers_to_freeze(audit: Audit, source: Any, names: Collection[str]) -> Sequence[str]:
    """Return the names of the layers of a compiled model that train exactly these variables; empty if no layers do."""
    if not (is_keras_model(source) and audit.is_recorded):
        return ()
    from graphcut.backend.live.models import layers_to_freeze as find_layers

    return find_layers(source, [each.objects[-1] for each in audit.graph_variables if each.name in names and each.objects])


def code_names(audit: Audit) -> Mapping[str, str]:
    """Return how the code names the variables of an audit that have no name of their own, which are called ``Variable_1``."""
    source = audit._retrace.source if audit._retrace else None
    unnamed = [each for each in audit._targets if re.fullmatch(r"Variable(_\d+)?", each.variable.name)]
    if source is None or not unnamed or isinstance(source, str):
        return {}
    from graphcut.backend.live.program_variables import code_names as find_names

    known = find_names(source)
    pairs = ((each.variable.name, known.get(id(own))) for each in unnamed for own in each.variable.objects)
    return {name: expression for name, expression in pairs if expression}


def variables_of_network(source: Any, name: str) -> Tuple[str, ...]:
    """Return the names of the variables of the model or layer of a name, or at an attribute or name of the program."""
    if isinstance(source, str) or source is None or not name:
        return ()
    from graphcut.backend.live.program_variables import variables_of_network as find_variables

    return tuple(find_variables(source, name))


def read_in_scope(audit: Audit, scope: str) -> Tuple[str, ...]:
    """Return the names of the variables that the ops of a scope read, whatever scope the names themselves have."""
    return variables_read_in(audit._traced, scope)


def is_known(audit: Audit, key: Any) -> bool:
    """Return whether a key means a variable of the graph, audited or not, or a live variable that the graph lacks."""
    return bool(find_targets(audit._traced, key))
