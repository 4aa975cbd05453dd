"""A pytest plugin: contracts as test items, pictures of failing audits, a fixture for training steps.

The plugin costs nothing until it is used: the first item or fixture that needs graphcut and TensorFlow imports them.
"""

from __future__ import annotations

import os
import re
import sys
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, Generator, Iterable, Iterator, List, Optional, Tuple, Union

import pytest

if TYPE_CHECKING:
    from graphcut.contracts.check import ContractChecker
    from graphcut.contracts.definition import Contract, ContractResult


def pytest_addoption(parser: Any) -> None:
    """Add ``--graphcut`` and ``--graphcut-dir``."""
    group = parser.getgroup("graphcut", "contracts about gradients")
    group.addoption(
        "--graphcut",
        metavar="FILE",
        nargs="?",
        const="",
        default=None,
        help="also check the contracts of FILE (by default graphcut.toml, pyproject.toml or setup.cfg in the root folder)",
    )
    group.addoption(
        "--graphcut-dir", metavar="DIR", default=None, help="draw the audits of failing contracts and tests into DIR"
    )


def pytest_collection_modifyitems(session: Any, config: Any, items: List[Any]) -> None:
    """Add an item for each contract."""
    path = config.getoption("graphcut")
    if path is not None:
        checker = _checker(path, str(config.rootpath))
        name = os.path.relpath(checker.path, str(config.rootpath)).replace(os.sep, "/")
        items += list(_ContractFile.from_parent(session, name=name, nodeid=name, checker=checker).collect())


def _checker(path: str, folder: str) -> ContractChecker:
    """Return the contracts of a file, or of the contract file in a folder."""
    from graphcut.contracts.check import ContractChecker
    from graphcut.contracts.config_file import find_file
    from graphcut.errors import GraphcutError

    try:
        return ContractChecker(path or find_file(folder), _imported_modules())
    except GraphcutError as error:
        raise pytest.UsageError("--graphcut: %s" % error) from None


class _ContractFile(pytest.Collector):
    """The contracts of one file. All items share the audits of their sources."""

    def __init__(self, *args: Any, checker: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.checker = checker

    def collect(self) -> Iterator[Any]:
        """Yield one item for each contract."""
        for contract in self.checker.contracts:
            yield _ContractItem.from_parent(self, name=contract.name, contract=contract, checker=self.checker)


def _imported_modules() -> List[ModuleType]:
    """Return the project's modules that the tests have imported. If one ran twice, Keras would number its layers again."""
    modules = [each for name, each in list(sys.modules.items()) if name != "__main__"]
    return [each for each in modules if "site-packages" not in (getattr(each, "__file__", None) or "site-packages")]


class _ContractItem(pytest.Item):
    """One contract as a test item, which fails if the contract is broken or invalid."""

    def __init__(self, *args: Any, contract: Union[Contract, ContractResult], checker: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.contract, self.checker = contract, checker

    def runtest(self) -> None:
        """Check the contract."""
        from graphcut.contracts.definition import Severity, Status

        result = self.checker.result_of(self.contract)
        if result.status is Status.KEPT:
            return
        draw_failing(self.config, self.name, result.audits, partial(_draw_broken, result))
        if result.status is Status.BROKEN and result.severity is Severity.WARNING:
            self.warn(pytest.PytestWarning(_summarize(result)))
            return
        raise ContractFailure(_summarize(result))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """Return the findings only, without a traceback of graphcut's own code."""
        if isinstance(excinfo.value, ContractFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> Tuple[Any, Optional[int], str]:
        """Return the file and the name of the contract."""
        return self.checker.path, self.contract.line - 1, "contract: %s" % self.name


class ContractFailure(Exception):
    """A broken or invalid contract; the message holds its findings."""


def _summarize(result: Any) -> str:
    from graphcut.contracts.reports.check_text import finding_text
    from graphcut.contracts.reports.finding_groups import merge_alike

    findings = map(finding_text, merge_alike(result.findings))
    return "\n".join(["contract %s is %s" % (result.name, result.status.value), *findings])


def _draw_broken(result: Any, audit: Any, path: str) -> None:
    from graphcut.contracts.broken_picture import draw_broken

    draw_broken(result, audit, path)


def _draw(audit: Any, path: str) -> None:
    audit.draw(path)


def draw_failing(config: Any, name: str, audits: Iterable[Any], draw: Callable[[Any, str], None] = _draw) -> None:
    """Draw audits into the folder of ``--graphcut-dir``; a picture that cannot be drawn fails no test."""
    folder = config.getoption("graphcut_dir")
    if folder is None:
        return
    from graphcut.errors import GraphcutError

    os.makedirs(folder, exist_ok=True)
    stem = re.sub(r"[^\w.-]+", "_", name).strip("_")[:100] or "audit"
    for number, audit in enumerate(audits, 1):
        try:
            draw(audit, os.path.join(folder, "%s-%d.svg" % (stem, number)))
        except GraphcutError as error:
            config.issue_config_time_warning(pytest.PytestWarning("graphcut: %s" % error), stacklevel=2)


@pytest.fixture
def audit_step(request: Any) -> Iterator[Callable[..., Tuple[Any, ...]]]:
    """Provide ``graphcut.audit_step``; its audits are drawn into ``--graphcut-dir`` if the test fails."""
    from graphcut.api.audit_step import audit_step as audit

    audits: List[Any] = []

    def audited(step: Any, *args: Any, **kwargs: Any) -> Tuple[Any, ...]:
        result = audit(step, *args, **kwargs)
        audits.extend(result)
        return result

    yield audited
    report = getattr(request.node, "_graphcut_report", None)
    if report is not None and report.failed:
        draw_failing(request.config, request.node.name, audits)


def _explanation(call: Any) -> str:
    """Return the explanation that ``graphcut.install()`` gives for an error, if pytest does not show exception notes."""
    install = sys.modules.get("graphcut.api.install")
    if install is None or call.excinfo is None:
        return ""
    text = str(install.explain_error(call.excinfo.value))
    return "" if hasattr(call.excinfo.value, "add_note") else text


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Generator[None, Any, None]:
    """Record whether a test failed, for fixture teardown; explain a missing gradient that made it fail."""
    text = _explanation(call)
    outcome = yield
    if text:
        outcome.get_result().sections.append(("graphcut", text))
    if call.when == "call" and "audit_step" in getattr(item, "fixturenames", ()):
        item._graphcut_report = outcome.get_result()
