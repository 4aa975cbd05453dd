"""Check the contracts of a file."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Callable, Iterable, Iterator, Optional, Sequence, Tuple, Union

from graphcut.api.audit import Audit
from graphcut.api.choose_oracle import overlay_of
from graphcut.contracts.config_file import FILES, find_file, read_contracts, select_contracts
from graphcut.contracts.contract_rules import Subjects, check_rules
from graphcut.contracts.definition import CheckReport, Contract, ContractResult, Finding, Severity, Status
from graphcut.contracts.places import named_place
from graphcut.contracts.source_audits import SourceAudits, StepRaisesError
from graphcut.errors import GraphcutError
from graphcut.util.isolate_output import isolate_output


def check(
    path: Optional[str] = None,
    names: Sequence[str] = (),
    progress: Callable[[str], None] = lambda message: None,
    ops: Sequence[str] = (),
    strict: bool = False,
) -> CheckReport:
    """Check contracts about gradients.

    Args:
        path: a ``graphcut.toml``, ``pyproject.toml`` or ``setup.cfg``; by default the one in the current folder. Sources in
            it are relative to its folder.
        names: the contracts to check; by default all.
        progress: called with a line before each contract.
        ops: files that ``graphcut ops --record PACKAGE`` wrote: the gradients of ops that the gradient table lacks, for the
            sources that are files.
        strict: whether a pattern of ``must_not_reach`` that matches no variable of the program breaks its contract; by default
            the report notes it.

    Returns:
        A ``CheckReport``: print it, or read ``contracts`` and ``exit_code`` (0: all kept, 1: one is broken, 2: one is invalid
        or could not be judged).

    Raises:
        GraphcutError: the file is missing, cannot be parsed or holds no contract of that name.

    >>> import graphcut
    >>> print(graphcut.check("fixtures/contracts/graphcut.toml"))
    kept: only w2 moves
    <BLANKLINE>
    1 contract: 1 kept
    """
    checker = ContractChecker(find_file() if path is None else os.fspath(path), ops=ops, strict=strict)
    contracts = select_contracts(checker.contracts, names)
    results = []
    for number, each in enumerate(contracts, 1):
        progress("checking %d of %d: %s" % (number, len(contracts), each.name))
        results.append(checker.result_of(each))
    return CheckReport(path=checker.path, contracts=tuple(results))


def unreadable_report(path: Optional[str], error: GraphcutError) -> CheckReport:
    """Return the report for a contract file that cannot be read: one invalid result with the error as its finding."""
    path = FILES[0] if path is None else os.fspath(path)
    message = str(error)
    line = re.search(r"\bline +(\d+)|%s:(\d+)" % re.escape(os.path.basename(path)), message)
    number = max(int(line.group(1) or line.group(2)), 1) if line else 1
    where = "%s:%d" % (path, number)
    finding = Finding(variable=None, rule="file", verdict=None, message=message, where=where)
    name = os.path.basename(path)
    result = ContractResult(name=name, status=Status.INVALID, severity=Severity.ERROR, line=number, findings=(finding,))
    return CheckReport(path=path, contracts=(result,))


class ContractChecker:
    """The contracts of one file, checked one by one; sources are shared between them.

    Args:
        path: the file of contracts.
        modules: imported modules; a source in the file of one of them is not executed again.
        ops: files that ``graphcut ops --record`` wrote, for the sources that are files.
        strict: as for ``check``.

    Raises:
        GraphcutError: a file cannot be read or parsed, or holds no contract.
    """

    def __init__(self, path: str, modules: Iterable[ModuleType] = (), ops: Sequence[str] = (), strict: bool = False) -> None:
        self.path, self.strict = path, strict
        self.contracts = read_contracts(path)
        self._folder = os.path.dirname(os.path.abspath(path))
        self._sources = SourceAudits(modules, readable_ops(ops))

    def result_of(self, contract: Union[Contract, ContractResult]) -> ContractResult:
        """Check one of ``contracts``; ``named_place`` says how the result names files."""
        with work_in_folder(self._folder):
            result = _judge(contract, self._sources, self.path, self.strict)
        return replace(result, findings=tuple(_name_files(each, self._folder) for each in result.findings))


def _name_files(finding: Finding, folder: str) -> Finding:
    return replace(
        finding,
        where=named_place(finding.where, folder),
        cut=tuple(replace(each, where=named_place(each.where, folder)) for each in finding.cut),
        places=tuple(named_place(each, folder) for each in finding.places),
    )


def readable_ops(paths: Sequence[str]) -> Tuple[str, ...]:
    """Return the absolute paths of these files.

    Raises:
        GraphcutError: one of them cannot be read.
    """
    absolute = tuple(map(os.path.abspath, paths))
    overlay_of(absolute)
    return absolute


def _judge(contract: Union[Contract, ContractResult], sources: SourceAudits, path: str, strict: bool) -> ContractResult:
    if isinstance(contract, ContractResult):
        return contract
    where = "%s:%d" % (path, contract.line)
    try:
        with isolate_output():
            return _check(contract, sources, where, strict)
    except StepRaisesError as error:
        finding = Finding(variable=None, rule="gradient", verdict=None, message=str(error), where=where)
        return _result(contract, Status.BROKEN, findings=(finding,))
    except GraphcutError as error:
        finding = Finding(variable=None, rule="source", verdict=None, message=_in_keys(str(error)), where=where)
        return _result(contract, Status.INVALID, findings=(finding,))


def _in_keys(message: str) -> str:
    """Return an error about options or arguments in terms of the keys of a contract file.

    >>> print(_in_keys("give a --spec for each, such as --spec 'float32[32,10]'"))
    give a spec for each, such as spec = ["float32[32,10]"]
    """
    for pattern, replacement in _KEYS:
        message = re.sub(pattern, replacement, message)
    return message


_KEYS = (
    (r"--spec '([^']*)'", r'spec = ["\1"]'),
    (r"--(spec|loss|variables)\b", r"\1"),
    (r"\bloss=(?=[;,. ])", 'loss = "..."'),
    (r"Call graphcut\.audit_step\(model, x, y\)\.", "Give the contract a spec for each."),
)


def _check(contract: Contract, sources: SourceAudits, where: str, strict: bool) -> ContractResult:
    audits = sources.of_contract(contract)

    def all_variables() -> Optional[Audit]:
        """Return the audit of every variable of a loss; for a step, that of the variables in its gradient calls."""
        if len(audits) != 1 or audits[0].recorded:
            return None
        try:
            return sources.of_loss(contract, ("*",))
        except GraphcutError:  # the graph has no variable at all
            return None

    program = partial(sources.known_variables, contract, audits)
    subjects = Subjects(
        contract, audits, all_variables, program, strict, sources.source_of(contract), sources.of_step(contract)
    )
    result, notes = check_rules(subjects)
    findings = tuple(each if each.where else replace(each, where=where) for each in result)
    status = Status.BROKEN if findings else Status.KEPT
    return _result(contract, status, findings=findings, notes=notes, audits=audits)


def _result(
    contract: Contract,
    status: Status,
    findings: Tuple[Finding, ...],
    notes: Tuple[str, ...] = (),
    audits: Tuple[Audit, ...] = (),
) -> ContractResult:
    return ContractResult(
        name=contract.name,
        status=status,
        severity=contract.severity,
        line=contract.line,
        findings=findings,
        notes=notes,
        source=contract.source,
        audits=audits,
    )


@contextmanager
def work_in_folder(path: str) -> Iterator[None]:
    """Run the block in a folder, then change back."""
    before = os.getcwd()
    os.chdir(path)
    try:
        yield
    finally:
        os.chdir(before)
