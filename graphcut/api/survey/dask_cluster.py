"""A survey over a Dask cluster. A worker that dies costs nothing but time: Dask gives its files to the others.

A file that kills worker after worker (``distributed.scheduler.allowed-failures``) is lost, the others are not. Workers need
graphcut, and must see the files by the same names: a shared folder, or URLs.
"""

from __future__ import annotations

import asyncio
import importlib
import itertools
from concurrent import futures
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from graphcut.api.survey.file_audit import LOST, FileAudit, audit_file, without_audit
from graphcut.errors import GraphcutError, printable

Answer = Tuple[FileAudit, Optional[str]]
_AHEAD = 8  # files for each thread of the cluster that are sent before their turn
_PATIENCE = 30  # seconds for the scheduler to answer


def audit_files(paths: Sequence[str], question: Mapping[str, Any], address: str) -> Iterator[Answer]:
    """Yield the audits of the files in the order of completion."""
    distributed = _import_distributed()
    try:
        client = distributed.Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise GraphcutError(
            "no Dask scheduler answers at %s: %s\nStart one with: dask scheduler; and workers: dask worker %s"
            % (printable(address), printable(str(error).partition("\n")[0], 100)[1:-1], address)
        ) from error
    with client:
        yield from _answers(distributed, client, iter(paths), question)


def _answers(distributed: Any, client: Any, paths: Iterator[str], question: Mapping[str, Any]) -> Iterator[Answer]:
    """Each path is answered once: one whose result was lost together with its worker is sent again."""
    sent: Dict[str, str] = {}

    def send(path: str) -> Any:
        future = client.submit(audit_file, path, dict(question), pure=False)
        sent[future.key] = path
        return future

    ahead = max(1, sum(client.nthreads().values())) * _AHEAD
    again: List[str] = list(itertools.islice(paths, ahead))
    while again:
        done = distributed.as_completed([send(path) for path in again], loop=client.loop)
        for future in done:
            answer = _answer(future, sent.get(future.key))
            if answer is not None:
                del sent[future.key]
                yield answer
            for path in itertools.islice(paths, int(answer is not None)):
                done.add(send(path))
        again = list(sent.values())
        sent.clear()


def _answer(future: Any, path: Optional[str]) -> Optional[Answer]:
    """Return the result of a future; ``None`` if it was answered before, or if its result is lost."""
    if path is None or future.status not in ("finished", "error"):
        return None
    try:
        error = future.exception()
        if error is not None:
            return without_audit(path, LOST, _worker_error(error)), None
        result: Answer = future.result()
    except (asyncio.CancelledError, futures.CancelledError):  # lost meanwhile
        return None
    return result


def _worker_error(error: BaseException) -> str:
    if type(error).__name__ == "KilledWorker":
        return "it killed one Dask worker after another"
    return "its Dask worker failed: %s: %s" % (type(error).__name__, str(error).partition("\n")[0])


def _import_distributed() -> Any:
    try:
        return importlib.import_module("distributed")
    except ImportError:
        raise GraphcutError(
            "a Dask scheduler was named, but Dask is not installed\nInstall it: pip install graphcut[dask]"
        ) from None
