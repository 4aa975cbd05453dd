"""The audit as JSON: the field names of the results, the values of the enums, in stable order.

``docs/schemas/audit.schema.json`` describes it.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import TYPE_CHECKING, Any, Dict

from graphcut.results import Verdict

if TYPE_CHECKING:
    from graphcut.render.protocols import ReportFacts

SCHEMA_VERSION = 1


def to_dict(facts: ReportFacts) -> Dict[str, Any]:
    """Return the audit as ``dict``, ``list``, ``str``, numbers and ``None``; names are not escaped."""
    verdicts = [variable.verdict for variable in facts.variables]
    return {
        "schema_version": SCHEMA_VERSION,
        "loss": list(facts.loss),
        "loss_source": facts.loss_source,
        "hypothesis": facts.hypothesis or None,
        "counts": {verdict.value: verdicts.count(verdict) for verdict in Verdict},
        "variables": plain(facts.variables),
        "stops": plain(facts.stops),
        "assumptions": plain(facts.assumptions),
        "left_out": plain(facts.left_out),
        "recorded": list(facts.recorded),
        "disagreements": plain(facts.disagreements),
    }


def to_json(facts: ReportFacts) -> str:
    """Return the result of ``to_dict`` as indented JSON in ASCII; all other characters are escaped."""
    return json.dumps(to_dict(facts), indent=2, ensure_ascii=True)


def plain(value: Any) -> Any:
    """Return a result as ``dict``, ``list``, ``str``, numbers and ``None``."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [plain(each) for each in value]
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
