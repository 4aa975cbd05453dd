"""A snapshot: the verdicts of every source that contracts name, to compare with later."""

from __future__ import annotations

import json
import os
from typing import Any, Callable, Dict, Optional, Sequence

from graphcut.contracts.check import readable_ops, work_in_folder
from graphcut.contracts.config_file import find_file, read_contracts
from graphcut.contracts.definition import Contract
from graphcut.contracts.source_audits import SourceAudits, contract_key
from graphcut.contracts.verdict_diff import LOCK_MARK, AuditedVerdicts, verdicts_of_audits
from graphcut.errors import GraphcutError, printable
from graphcut.util.isolate_output import isolate_output


def snapshot(
    path: Optional[str] = None, progress: Callable[[str], None] = lambda message: None, ops: Sequence[str] = ()
) -> str:
    """Return the verdicts of every source in a file of contracts as JSON, sorted, so that it can be committed and compared.

    Args:
        path: the file of contracts; by default the one in the current folder.
        progress: called with a line before each source.
        ops: files that ``graphcut ops --record`` wrote, for the sources that are files.

    Raises:
        GraphcutError: the file or one of its contracts is invalid, or a source cannot be audited.
    """
    path = find_file() if path is None else os.fspath(path)
    contracts, sources = read_contracts(path), SourceAudits(ops=readable_ops(ops))
    verdicts: Dict[str, AuditedVerdicts] = {}
    with work_in_folder(os.path.dirname(os.path.abspath(path))):
        for contract in contracts:
            if not isinstance(contract, Contract):
                finding = contract.findings[0]
                raise GraphcutError(
                    "%s: contract %s is invalid: %s" % (finding.where, printable(contract.name), finding.message)
                )
            key = contract_key(contract)
            if key not in verdicts:
                progress("auditing %s" % key)
                verdicts[key] = _verdicts(path, contract, sources)
    return lock_text(verdicts)


def _verdicts(path: str, contract: Contract, sources: SourceAudits) -> AuditedVerdicts:
    try:
        with isolate_output():
            return verdicts_of_audits(sources.of_contract(contract))
    except GraphcutError as error:
        where = "%s:%d" % (path, contract.line)
        raise GraphcutError("%s: contract %s cannot be judged: %s" % (where, printable(contract.name), error)) from None


def lock_text(sources: Dict[str, AuditedVerdicts]) -> str:
    """Return the JSON text of a lock file."""
    document: Dict[str, Any] = {LOCK_MARK: 1, "sources": {key: each.to_dict() for key, each in sources.items()}}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"
