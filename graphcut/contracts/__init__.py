"""Contracts: what must stay true about the gradients of a project, checked in continuous integration.

``config_file`` reads the contracts, ``source_audits`` audits their sources, ``contract_rules`` checks each contract against
these audits, and ``reports`` writes the findings. ``snapshot`` and ``diff`` compare two versions of a model without contracts.
The format of the files is documented in ``docs/contracts.md``.
"""

from __future__ import annotations

from graphcut.contracts.check import check
from graphcut.contracts.definition import CheckReport, Contract, ContractResult, Finding, Severity, Status
from graphcut.contracts.diff import Diff, diff

__all__ = ["CheckReport", "Contract", "ContractResult", "Diff", "Finding", "Severity", "Status", "check", "diff"]
