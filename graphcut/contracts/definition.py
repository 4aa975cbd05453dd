"""A contract, and the result of checking one: plain data."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Optional, Tuple, Union

from graphcut.results import Barrier


class Status(enum.Enum):
    """The outcome of checking a contract.

    ``kept``: it holds; ``broken``: it does not; ``invalid``: it cannot be read, or its source cannot be audited.
    """

    KEPT = "kept"
    BROKEN = "broken"
    INVALID = "invalid"


class Severity(enum.Enum):
    """Whether a broken contract changes the exit code: an ``error`` does, a ``warning`` does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Allowance:
    """An exception to a contract: findings about ``variable`` (a pattern) are accepted for ``reason``."""

    variable: str
    reason: str


@dataclass(frozen=True)
class Contract:
    """One contract as its file states it; see ``docs/contracts.md`` for the meaning of each key.

    ``line`` is where the contract begins in its file, counted from 1. Keys that the file leaves out are empty.
    """

    name: str
    source: str
    line: int
    spec: Tuple[str, ...] = ()
    loss: Tuple[str, ...] = ()
    gradient: Optional[Union[int, str]] = None
    variables: Tuple[str, ...] = ()
    must_reach: Tuple[str, ...] = ()
    must_not_reach: Tuple[str, ...] = ()
    only: Optional[Tuple[str, ...]] = None
    through: Tuple[str, ...] = ()
    avoiding: Tuple[str, ...] = ()
    no_unused: bool = False
    stops: Tuple[str, ...] = ()
    updated: Tuple[str, ...] = ()
    allow: Tuple[Allowance, ...] = ()
    severity: Severity = Severity.ERROR


@dataclass(frozen=True)
class Finding:
    """One way in which a contract is broken or invalid.

    Args:
        variable: the name of the variable, the pattern that matches none, or ``None`` if the finding is about no variable.
        rule: the key of the contract that does not hold.
        verdict: the word of the variable's verdict, or ``None``.
        message: one or more lines with the problem and the advice.
        where: ``file:line`` of the barrier or of an op of the path; of the contract if no op has a place.
        path: the names of ops that the gradient passes, loss first.
        cut: the barriers that block the gradient.
        places: ``file:line`` (or ``None``) for each op of ``path``.
    """

    variable: Optional[str]
    rule: str
    verdict: Optional[str]
    message: str
    where: Optional[str] = None
    path: Tuple[str, ...] = ()
    cut: Tuple[Barrier, ...] = ()
    places: Tuple[Optional[str], ...] = ()


@dataclass(frozen=True)
class ContractResult:
    """The result of checking one contract.

    ``notes`` are remarks that break nothing, such as a pattern in ``must_not_reach`` that matches no variable.
    ``audits`` are the audits that were checked; empty for an invalid contract.
    """

    name: str
    status: Status
    severity: Severity
    line: int
    findings: Tuple[Finding, ...] = ()
    notes: Tuple[str, ...] = ()
    source: str = ""
    audits: Tuple[Any, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """The results of checking one file: ``contracts`` in the file's order; ``path`` is the file."""

    path: str
    contracts: Tuple[ContractResult, ...]

    @property
    def exit_code(self) -> int:
        """2 if a contract is invalid or could not be judged, else 1 if one of severity ``error`` is broken, else 0."""
        if any(each.status is Status.INVALID for each in self.contracts):
            return 2
        broken = any(each.status is Status.BROKEN and each.severity is Severity.ERROR for each in self.contracts)
        return 1 if broken else 0

    def __str__(self) -> str:
        from graphcut.contracts.reports.check_text import to_text

        return to_text(self)

    def to_json(self) -> str:
        """Return the report as JSON; ``docs/schemas/check.schema.json`` describes it."""
        from graphcut.contracts.reports.check_json import to_json

        return to_json(self)
