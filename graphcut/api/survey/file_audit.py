"""The record that a survey keeps of one file; a worker process or a Dask worker makes it."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import AbstractSet, Any, Dict, Mapping, Optional, Tuple

from graphcut.errors import GraphcutError
from graphcut.results import VariableAudit, Verdict

AUDITED, REFUSED, LOST = "audited", "refused", "lost"
_ORDER = {LOST: 0, REFUSED: 1, AUDITED: 2}
_MISSING = (Verdict.RAISES, Verdict.NONE, Verdict.ZERO)


@dataclass(frozen=True)
class FileAudit:
    """One file of a survey.

    ``path`` is the file, the SavedModel directory or the URL; ``status`` is ``"audited"``, ``"refused"`` or ``"lost"`` (its
    worker died), and ``error`` says why there is no audit. ``loss`` names the loss's tensors, ``loss_source`` says how it
    was chosen, ``oracle`` by which TensorFlow it was judged, ``ops`` the number of ops, the bodies of functions included.
    ``verdicts`` counts variables by verdict. ``barriers`` counts variables without a gradient by the kinds that cut them
    off, or as ``unused``; ``missing`` names them. ``assumptions`` counts the ops that could not be asked about. ``seconds``
    is how long it took, ``page`` the HTML page in the survey's folder, or empty.
    """

    path: str
    status: str
    error: str = ""
    loss: Tuple[str, ...] = ()
    loss_source: str = ""
    oracle: str = ""
    ops: int = 0
    verdicts: Mapping[str, int] = field(default_factory=dict)
    barriers: Mapping[str, int] = field(default_factory=dict)
    missing: Tuple[str, ...] = ()
    assumptions: int = 0
    seconds: float = 0.0
    page: str = ""

    def to_dict(self) -> Dict[str, Any]:
        """Return the record as plain values."""
        return {**asdict(self), "loss": list(self.loss), "missing": list(self.missing)}

    @classmethod
    def of_dict(cls, values: Mapping[str, Any]) -> FileAudit:
        """Build the result from the values that ``to_dict`` returned."""
        return cls(**{**values, "loss": tuple(values["loss"]), "missing": tuple(values["missing"])})

    @property
    def rank(self) -> Tuple[int, int, str]:
        """The sort key in a table: files without an audit first, then those with the most missing gradients."""
        return (_ORDER[self.status], -len(self.missing), self.path)


def without_audit(path: str, status: str, error: str, seconds: float = 0.0) -> FileAudit:
    """Return the record of a file that could not be audited."""
    return FileAudit(path=path, status=status, error=error, seconds=seconds)


def audit_file(path: str, question: Mapping[str, Any]) -> Tuple[FileAudit, Optional[str]]:
    """Return the audit of one file, and its page if ``question["pages"]`` is set.

    A bad file gives a record, not an error.
    """
    start = time.monotonic()
    try:
        audit = _audit(path, question)
        page = _page(audit) if question.get("pages") else None
    except (GraphcutError, TypeError, ValueError) as error:  # the latter two as in tf.gradients
        return without_audit(path, REFUSED, str(error), _seconds_since(start)), None
    except MemoryError:
        return without_audit(path, REFUSED, "not enough memory", _seconds_since(start)), None
    except Exception as error:  # noqa: BLE001 - one file never stops the others
        message = "graphcut failed, which is a fault of graphcut: %s: %s" % (type(error).__name__, error)
        return without_audit(path, REFUSED, message, _seconds_since(start)), None
    return _summary(path, audit, _seconds_since(start)), page


def _audit(path: str, question: Mapping[str, Any]) -> Any:
    from graphcut.api.audit import audit

    return audit(
        path,
        loss=list(question["loss"]) if question.get("loss") else None,
        variables=list(question["variables"]) if question.get("variables") else None,
        signature=question.get("signature"),
        oracle=question.get("oracle"),
        ops=question.get("ops", ()),
    )


def _page(audit: Any) -> str:
    from graphcut.render.page.html import html

    return html([audit])


def _summary(path: str, audit: Any, seconds: float) -> FileAudit:
    missing = [each for each in audit.variables if each.verdict in _MISSING]
    kinds = Counter(kind for each in missing for kind in _kinds(each))
    return FileAudit(
        path=path,
        status=AUDITED,
        loss=audit.loss,
        loss_source=audit.loss_source,
        oracle=audit.oracle,
        ops=len(audit.flat.names),
        verdicts=dict(sorted(Counter(each.verdict.value for each in audit.variables).items())),
        barriers=dict(sorted(kinds.items())),
        missing=tuple(each.name for each in missing),
        assumptions=len(audit.assumptions),
        seconds=seconds,
    )


def _kinds(variable: VariableAudit) -> AbstractSet[str]:
    """Return the kinds of the barriers that cut a variable off; ``unused`` if nothing leads from it to the loss."""
    return {barrier.kind.value for barrier in variable.cut}.union(["unused"] if variable.unused else [])


def _seconds_since(start: float) -> float:
    return round(time.monotonic() - start, 4)


def limit_memory(limit: Optional[int]) -> None:
    """Limit the memory of this process, if the system can."""
    if limit and os.name == "posix":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
