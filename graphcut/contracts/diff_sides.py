"""The two sides of a diff: each is a lock file, a graph file, a source, or one of these at a git revision."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Dict, Iterator, Mapping, Optional, Sequence, Tuple

from graphcut.api.audit import Audit
from graphcut.contracts.check import work_in_folder
from graphcut.contracts.definition import Contract
from graphcut.contracts.source_audits import SourceAudits, contract_key
from graphcut.contracts.verdict_diff import LOCK_MARK, AuditedVerdicts, verdicts_of_audits
from graphcut.errors import GraphcutError, printable
from graphcut.util.isolate_output import isolate_output


@dataclass(frozen=True)
class Side:
    """One side of a diff.

    ``verdicts`` are by source. ``source`` is the source with its options, as a lock file names it, or ``None`` if this side is
    a lock file. ``audits`` is empty if there is no graph: for a lock file, and for a source that another process audited.
    """

    text: str
    verdicts: Mapping[str, AuditedVerdicts]
    source: Optional[str] = None
    audits: Tuple[Audit, ...] = ()


def read_side(text: str, spec: Sequence[str] = (), loss: Sequence[str] = (), in_new_process: bool = False) -> Side:
    """Read or audit one side of a diff.

    Args:
        text: a lock file, a graph file, ``path.py:name``, ``package.module:name``, or ``REV:`` before one of these.
        spec: the arguments of a source that is a function.
        loss: the loss, as for ``graphcut audit``.
        in_new_process: audit Python code in a separate process, because two revisions of a module cannot be imported into one.

    Raises:
        GraphcutError: there is no such thing, or it cannot be audited.
    """
    revision, file = _split_revision(text)
    contract = Contract(name=text, source=file, line=0, spec=tuple(spec), loss=tuple(loss))
    if revision is None:
        try:
            return _side(text, contract, os.getcwd(), in_new_process)
        except GraphcutError as error:
            head, _, rest = text.partition(":")
            if "." in rest and os.path.exists(rest.partition(":")[0]):
                message = (
                    "git finds no revision %s here\nOLD and NEW are sources, such as model.py:loss or HEAD~1:model.py:loss."
                )
                raise GraphcutError(message % printable(head)) from None
            if not os.path.isdir(text) and (os.path.exists(text) or not _is_revision(text)):
                raise
            raise GraphcutError("%s\n%s" % (error, _ALL_SOURCES)) from None
    with tempfile.TemporaryDirectory(prefix="graphcut-") as folder, _modules_of_revision(folder):
        try:
            return _side(text, contract, _check_out(revision, folder), in_new_process)
        except GraphcutError as error:
            message, said = str(error), printable(revision)[1:-1]
            raise GraphcutError(message if text in message else "at the revision %s: %s" % (said, message)) from None


_ALL_SOURCES = (
    "To compare all sources of the contracts, run graphcut snapshot, then graphcut diff HEAD:graphcut.lock graphcut.lock."
)


def _side(text: str, contract: Contract, folder: str, in_new_process: bool) -> Side:
    path = os.path.join(folder, contract.source)
    lock = _lock(path) if os.path.isfile(path) else None
    if lock is not None:
        return Side(text, {key: AuditedVerdicts.from_dict(each) for key, each in lock.items()})
    key = contract_key(contract)
    if in_new_process and ":" in contract.source and not os.path.exists(path):
        return Side(text, {key: _verdicts_in_process(text, contract, folder)}, key)
    with work_in_folder(folder), isolate_output():
        audits = SourceAudits().of_contract(contract)
    return Side(text, {key: verdicts_of_audits(audits)}, key, audits)


_CHILD = "from graphcut.contracts.diff_sides import print_verdicts; print_verdicts()"


def _verdicts_in_process(text: str, contract: Contract, folder: str) -> AuditedVerdicts:
    """Return the verdicts of a source, computed in a separate process."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(_python_path())}
    question = json.dumps([contract.source, contract.spec, contract.loss]).encode()
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], cwd=folder, env=environment, input=question, capture_output=True, check=False
    )
    if done.returncode:
        raise GraphcutError("%s: %s" % (printable(text)[1:-1], done.stderr.decode("utf-8", "replace").strip()))
    return AuditedVerdicts.from_dict(json.loads(done.stdout.decode("utf-8")))


def print_verdicts() -> None:
    """Read a source and its options from standard input and write its verdicts to standard output, both as JSON."""
    source, spec, loss = json.load(sys.stdin)
    contract = Contract(name=source, source=source, line=0, spec=tuple(spec), loss=tuple(loss))
    try:
        with isolate_output():
            verdicts = verdicts_of_audits(SourceAudits().of_contract(contract))
    except GraphcutError as error:
        sys.exit(str(error))
    json.dump(verdicts.to_dict(), sys.stdout)


def _python_path() -> Sequence[str]:
    """Return the import path of this process without the current folder; the other side has its own folder."""
    here = os.getcwd()
    return [os.path.abspath(each) for each in sys.path if each and os.path.abspath(each) != here] + [
        os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    ]


@contextmanager
def _modules_of_revision(folder: str) -> Iterator[None]:
    """Import another revision of the project from ``folder``: hide the modules of this revision meanwhile."""
    path, hidden = list(sys.path), _modules_below(os.getcwd())
    for name in hidden:
        del sys.modules[name]
    sys.path[:] = [each for each in path if os.path.abspath(each) != os.getcwd()]
    try:
        yield
    finally:
        for name in _modules_below(folder):
            del sys.modules[name]
        sys.modules.update(hidden)
        sys.path[:] = path


def _modules_below(folder: str) -> Dict[str, ModuleType]:
    """Return the imported modules whose files are in a folder, except graphcut itself and installed packages."""
    root = os.path.realpath(folder) + os.sep
    result = {}
    for name, module in list(sys.modules.items()):
        file = os.path.realpath(getattr(module, "__file__", None) or "")
        if file.startswith(root) and "site-packages" not in file and name.partition(".")[0] not in ("graphcut", "__main__"):
            result[name] = module
    return result


def _lock(path: str) -> Optional[Mapping[str, Any]]:
    """Return the sources of a lock file; ``None`` if the file is something else."""
    with open(path, "rb") as file:
        if file.read(1) != b"{":
            return None
        file.seek(0)
        data = file.read()
    try:
        document = json.loads(data.decode("utf-8"))
    except ValueError:
        return None
    if not isinstance(document, dict) or LOCK_MARK not in document:
        return None
    sources = document.get("sources")
    if document[LOCK_MARK] != 1 or not isinstance(sources, dict):
        raise GraphcutError("%s is a lock file of another version of graphcut\nWrite it again: graphcut snapshot" % path)
    return sources


def _split_revision(text: str) -> Tuple[Optional[str], str]:
    """Split ``HEAD~1:model.py:loss`` into ``HEAD~1`` and ``model.py:loss``; the name of an existing source has no revision."""
    head, _, rest = text.partition(":")
    if not rest or os.path.exists(text) or os.path.exists(head) or head.endswith(".py"):
        return None, text
    return (head, rest) if _is_revision(head) else (None, text)


def _is_revision(text: str) -> bool:
    return _git(["rev-parse", "--verify", "--quiet", text + "^{commit}"]) is not None


def _check_out(revision: str, folder: str) -> str:
    """Write the files of a revision below ``folder``; return the counterpart of the current folder in it."""
    archive, prefix = _git(["archive", "--format=tar", revision], top=True), _git(["rev-parse", "--show-prefix"])
    if archive is None or prefix is None:
        raise GraphcutError("git cannot read the revision %s" % printable(revision))
    safe: Dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            if member.isfile() or member.isdir():
                files.extract(member, folder, **safe)
    return os.path.join(folder, prefix.decode("utf-8").strip())


def _git(arguments: Sequence[str], top: bool = False) -> Optional[bytes]:
    """Return the output of git; ``None`` if git fails or is missing."""
    try:
        root = _git(["rev-parse", "--show-toplevel"]) if top else None
        cwd = root.decode("utf-8").strip() if root else None
        done = subprocess.run(["git", *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
