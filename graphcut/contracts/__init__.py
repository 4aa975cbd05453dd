"""Contracts: what must stay true about the gradients of a project, checked in continuous integration.

``config_file`` reads the contracts, ``judge`` holds each against the audits of its source, ``reports`` writes what was
found. The format of the files is documented in ``docs/contracts.md``.
"""

from __future__ import annotations

from graphcut.contracts.check import check
from graphcut.contracts.definition import CheckReport, Contract, ContractResult, Finding, Severity, Status

__all__ = ["CheckReport", "Contract", "ContractResult", "Finding", "Severity", "Status", "check"]
