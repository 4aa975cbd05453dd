"""``graphcut.survey``: audit a registry of graph files."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

from graphcut.api.choose_oracle import overlay_of
from graphcut.api.survey.file_audit import FileAudit
from graphcut.api.survey.journal import Journal, stamp
from graphcut.errors import GraphcutError, printable
from graphcut.graph.formats.remote_files import is_url, urls_like
from graphcut.util.files import save

JOURNAL, INDEX, PAGES = "survey.jsonl", "index.html", "pages"
_WILD = "*?["
_GRAPH_FILE = re.compile(r"\.(pb|pbtxt|meta)(\.gz)?$|events\.out\.tfevents\.[^/\\]*$")
_PART_OF_CHECKPOINT = re.compile(r"(^|[/\\])checkpoint$|\.data-\d+-of-\d+$|\.index$")


@dataclass(frozen=True)
class Survey:
    """The audits of many files: ``files`` has a ``FileAudit`` for each, by path; ``folder`` is where it was written.

    ``str`` gives a table, worst first.
    """

    files: Tuple[FileAudit, ...]
    folder: str

    def __str__(self) -> str:
        from graphcut.render.text.survey_table import survey_table

        return survey_table(self.files)


def survey(
    patterns: Union[str, Sequence[str]],
    folder: str = "graphcut-survey",
    *,
    loss: Sequence[str] = (),
    variables: Sequence[str] = (),
    signature: Optional[str] = None,
    oracle: Optional[str] = None,
    ops: Union[str, Sequence[str]] = (),
    pages: bool = False,
    jobs: Optional[int] = None,
    dask: Optional[str] = None,
    timeout: Optional[float] = 600.0,
    memory: Optional[int] = None,
    progress: Optional[Callable[[int, int, Optional[FileAudit]], None]] = None,
) -> Survey:
    """Audit many graph files; one bad file never stops the others.

    Results go into ``folder``: a line of JSON for each file in ``survey.jsonl`` as soon as it is audited, and ``index.html``
    at the end. After a crash, call it again: it continues where it stopped and audits changed files again.

    Args:
        patterns: paths, folders and patterns such as ``"models/**/*.meta"``. A SavedModel directory counts as one file; any
            other folder stands for the graph files below it. A pattern leaves out the parts of checkpoints. URLs work, too.
        folder: the folder for the journal, the index and the pages.
        loss: as in ``audit``; the names must exist in every file.
        variables: as in ``audit``.
        signature: as in ``audit``.
        oracle: as in ``audit``.
        ops: as in ``audit``; workers of a cluster must see these files, too.
        pages: whether to write an HTML page for each file, which takes a layout.
        jobs: the number of processes; by default one for each core.
        dask: the address of a Dask scheduler, such as ``"tcp://scheduler:8786"``; its workers audit the files.
        timeout: the time limit for each file, in seconds.
        memory: the memory limit for each process, in bytes.
        progress: called with the number of finished files, the number of all files, and the file that was finished last.

    Returns:
        A ``Survey`` of all files, including those audited before.

    Raises:
        GraphcutError: a pattern matches no file, the folder cannot be written or holds another survey, or no Dask scheduler
            answers.

    >>> import graphcut, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = graphcut.survey("fixtures/documents/*.meta", folder, loss=["loss"], jobs=1)
    >>> found.files[0].verdicts, found.files[0].barriers
    ({'flows': 1, 'none': 1}, {'stop-gradient': 1})
    """
    question: Dict[str, Any] = {"loss": list(loss), "variables": list(variables), "signature": signature}
    question.update(oracle=oracle, pages=pages, **_overlays([ops] if isinstance(ops, str) else ops))
    paths = find_files([patterns] if isinstance(patterns, str) else patterns)
    _make_folder(folder, pages)
    with Journal(os.path.join(folder, JOURNAL), question) as journal:
        waiting = [path for path in paths if not journal.is_done(path)]
        stamps = {path: stamp(path) for path in waiting}
        done = len(paths) - len(waiting)
        _tell(progress, done, len(paths), None)
        for record, page in _answers(waiting, {**question, "memory": memory}, jobs, dask, timeout):
            row = record if page is None else _with_page(record, page, folder)
            journal.add(row, stamps[row.path])
            done += 1
            _tell(progress, done, len(paths), row)
        files = tuple(journal.files[path] for path in paths)
    _write_index(files, folder)
    return Survey(files, folder)


def _overlays(paths: Sequence[str]) -> Dict[str, Any]:
    """Return the overlay files of a survey with their stamps, which show changes.

    Each is read once first, to check it.
    """
    if not paths:
        return {}
    overlay_of(paths)
    return {"ops": [os.path.abspath(path) for path in paths], "ops_read": [_digest(path) for path in paths]}


def _digest(path: str) -> str:
    with open(path, "rb") as stream:
        return sha256(stream.read()).hexdigest()


def find_files(patterns: Sequence[str]) -> Tuple[str, ...]:
    """Return the files that match the patterns, in order, each once.

    The directory of a SavedModel counts as one file; any other directory stands for the graph files below it.
    """
    result: List[str] = []
    for pattern in patterns:
        fits = [_model_folder(path) for path in _matches(pattern) if is_url(path) or _may_be_graph(path)]
        if not fits:
            raise GraphcutError(
                "no graph file matches %s\nName a file, a folder, or a quoted pattern such as 'models/**/*.meta'."
                % printable(pattern)
            )
        result += fits
    return tuple(sorted(dict.fromkeys(result)))


def _matches(pattern: str) -> Sequence[str]:
    wild = any(each in pattern for each in _WILD)
    if is_url(pattern):
        return urls_like(pattern) if wild else (pattern,)
    if os.path.exists(pattern) or not wild:
        return _files_of(pattern) if os.path.exists(pattern) else ()
    paths = glob.glob(pattern, recursive=True)
    if all(map(os.path.isdir, paths)):  # such as models/*/
        return [file for path in paths for file in _files_of(path)]
    return [path for path in paths if not _PART_OF_CHECKPOINT.search(path)] or paths


def _files_of(path: str) -> Sequence[str]:
    """Return the graph files below a directory, in order; for a file or a SavedModel, the path itself."""
    if not os.path.isdir(path) or _may_be_graph(path):
        return (path.rstrip("/" + os.sep) or path,)
    below = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    return sorted(each for each in below if _GRAPH_FILE.search(each))


def _model_folder(path: str) -> str:
    """Return the directory of a SavedModel instead of the file in it."""
    folder, name = os.path.split(path)
    return folder if folder and name in ("saved_model.pb", "saved_model.pbtxt") else path


def _may_be_graph(path: str) -> bool:
    """Return a file, or the directory of a SavedModel; a file inside such a directory is not a separate graph."""
    if os.path.isdir(path):
        return any(os.path.exists(os.path.join(path, name)) for name in ("saved_model.pb", "saved_model.pbtxt"))
    return os.path.basename(path) not in ("keras_metadata.pb", "fingerprint.pb")


def _answers(paths: Sequence[str], question: Any, jobs: Optional[int], dask: Optional[str], timeout: Any) -> Iterator[Any]:
    if not paths:
        return iter(())
    if dask is not None:
        from graphcut.api.survey import dask_cluster

        return dask_cluster.audit_files(paths, question, dask)
    from graphcut.api.survey import worker_processes

    return worker_processes.audit_files(paths, question, jobs or _cores(), timeout)


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _make_folder(folder: str, pages: bool) -> None:
    try:
        os.makedirs(os.path.join(folder, PAGES) if pages else folder, exist_ok=True)
    except OSError as error:
        raise GraphcutError("cannot make the folder %s: %s" % (printable(folder), error.strerror)) from None


def _with_page(record: FileAudit, page: str, folder: str) -> FileAudit:
    """Return the record with its page, which is written first, so every page that the journal names exists."""
    stem = "".join(each if each.isalnum() else "_" for each in os.path.basename(record.path))[:60]
    name = "%s/%s-%s.html" % (PAGES, stem, sha256(record.path.encode("utf-8", "surrogateescape")).hexdigest()[:10])
    save(os.path.join(folder, name), page.encode())
    return FileAudit.of_dict({**record.to_dict(), "page": name})


def _write_index(files: Sequence[FileAudit], folder: str) -> None:
    from graphcut.render.page.survey_index import survey_index

    save(os.path.join(folder, INDEX), survey_index(files).encode())


def _tell(progress: Optional[Callable[[int, int, Optional[FileAudit]], None]], done: int, total: int, last: Any) -> None:
    if progress is not None:
        progress(done, total, last)
