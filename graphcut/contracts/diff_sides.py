"""The two sides of ``graphcut diff``: a lock file, a graph file, a source, or any of these at a git revision."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from typing import Any, Callable, Mapping, Optional, Sequence, Tuple

from graphcut.contracts.verdict_diff import LOCK_MARK, AuditedVerdicts, VariableVerdict
from graphcut.errors import GraphcutError, printable

Side = Mapping[str, AuditedVerdicts]


def read_side(text: str, arguments: Sequence[str] = ()) -> Side:
    """Return the verdicts that one side of a diff stands for, by source.

    Args:
        text: a lock file, a graph file, ``path.py:name``, ``package.module:name``, or ``REV:`` before one of these.
        arguments: further options of ``graphcut audit``, such as ``--spec`` and ``--loss``.

    Raises:
        GraphcutError: there is no such thing, or it cannot be audited.
    """
    revision, file = _split_revision(text)
    if revision is None:
        return _side(text, arguments, os.getcwd(), lambda: text)
    with tempfile.TemporaryDirectory(prefix="graphcut-") as folder:
        inside = _check_out(revision, folder)
        return _side(file, arguments, inside, lambda: text)


def _side(file: str, arguments: Sequence[str], folder: str, shown: Callable[[], str]) -> Side:
    path = os.path.join(folder, file)
    lock = _lock(path) if os.path.isfile(path) else None
    if lock is not None:
        return {key: AuditedVerdicts.from_dict(each) for key, each in lock.items()}
    # In a process of its own: two revisions of one module cannot be imported into one.
    command = [sys.executable, "-m", "graphcut", "audit", file, "--json", "-", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(_python_path())}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise GraphcutError("%s: %s" % (printable(shown())[1:-1], said.replace("graphcut: ", "", 1)))
    document: Any = json.loads(done.stdout.decode("utf-8"))
    return {"": _of_documents(document if isinstance(document, list) else [document])}


def _python_path() -> Sequence[str]:
    """Where this process imports from, without the current folder: the other side has one of its own."""
    here = os.getcwd()
    return [os.path.abspath(each) for each in sys.path if each and os.path.abspath(each) != here] + [
        os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    ]


def _of_documents(documents: Sequence[Mapping[str, Any]]) -> AuditedVerdicts:
    heads = ["loss"] if len(documents) == 1 else ["%d: %s" % (n, _head(each)) for n, each in enumerate(documents)]
    return AuditedVerdicts({head: dict(map(_verdict, each["variables"])) for head, each in zip(heads, documents)})


def _head(document: Mapping[str, Any]) -> str:
    return " + ".join(document["loss"])


def _verdict(variable: Mapping[str, Any]) -> Tuple[str, VariableVerdict]:
    cut, conditions = variable["cut"], variable["conditions"]
    op = cut[0]["op"] if cut else conditions[0]["op"] if conditions else ""
    shape = "" if variable["shape"] is None else str(variable["shape"])
    return variable["name"], VariableVerdict(variable["verdict"], op, cut[0]["kind"] if cut else "", shape)


def _lock(path: str) -> Optional[Mapping[str, Any]]:
    """The sources of a lock file; ``None`` where the file is something else."""
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
        raise GraphcutError("%s is a lock file of another version of graphcut\nWrite it anew: graphcut snapshot" % path)
    return sources


def _split_revision(text: str) -> Tuple[Optional[str], str]:
    """``HEAD~1`` and ``model.py:loss`` of ``HEAD~1:model.py:loss``; no revision where the text names what is here."""
    head, _, rest = text.partition(":")
    if not rest or os.path.exists(text) or os.path.exists(head) or head.endswith(".py"):
        return None, text
    known = _git(["rev-parse", "--verify", "--quiet", head + "^{commit}"])
    return (head, rest) if known is not None else (None, text)


def _check_out(revision: str, folder: str) -> str:
    """Write the files of a revision below ``folder``; return where the current folder is in there."""
    archive, prefix = _git(["archive", "--format=tar", revision], top=True), _git(["rev-parse", "--show-prefix"])
    if archive is None or prefix is None:
        raise GraphcutError("git cannot read the revision %s" % printable(revision))
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            if member.isfile() or member.isdir():
                files.extract(member, folder)
    return os.path.join(folder, prefix.decode("utf-8").strip())


def _git(arguments: Sequence[str], top: bool = False) -> Optional[bytes]:
    """What git prints; ``None`` where it fails, or there is no git."""
    try:
        root = _git(["rev-parse", "--show-toplevel"]) if top else None
        cwd = root.decode("utf-8").strip() if root else None
        done = subprocess.run(["git", *arguments], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
