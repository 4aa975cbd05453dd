"""Run a survey in processes of this machine. If a worker dies, its file is recorded as lost and a new worker replaces it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from graphcut.api.survey.file_audit import LOST, FileAudit, without_audit

COMMAND = (sys.executable, "-m", "graphcut.api.survey.worker")
Answer = Tuple[FileAudit, Optional[str]]


def audit_files(paths: Sequence[str], question: Mapping[str, Any], jobs: int, timeout: Optional[float]) -> Iterator[Answer]:
    """Yield the audits of the files in the order of completion, made by ``jobs`` processes.

    Args:
        paths: the files.
        question: the options of the survey.
        jobs: the number of processes.
        timeout: the time limit for a file in seconds; after that its worker is killed.
    """
    waiting: queue.Queue[str] = queue.Queue()
    answers: queue.Queue[Any] = queue.Queue()
    for path in paths:
        waiting.put(path)
    workers = [_Worker(waiting, answers, question, timeout) for _ in range(min(jobs, len(paths)))]
    threads = [threading.Thread(target=each.run, daemon=True) for each in workers]
    for each in threads:
        each.start()
    try:
        for _ in paths:
            result = answers.get()
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        for worker in workers:
            worker.stop()


class _Worker:
    """A thread, and the process to which it passes files."""

    def __init__(self, waiting: Any, answers: Any, question: Mapping[str, Any], timeout: Optional[float]) -> None:
        self.waiting, self.answers, self.question, self.timeout = waiting, answers, question, timeout
        self.process: Optional[subprocess.Popen[str]] = None
        self.is_stopped = self.is_late = False
        self.lock = threading.Lock()

    def run(self) -> None:
        """Take files until none is left; an error here ends the survey."""
        try:
            while not self.is_stopped:
                self.answers.put(self._audit(self.waiting.get_nowait()))
        except queue.Empty:
            self.stop()
        except BaseException as error:  # noqa: BLE001 - raised where the survey waits
            self.answers.put(error)

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        with self.lock:
            self.is_stopped = True
            process = self.process
        if process is not None:
            _kill(process)
            process.wait()
            for stream in (process.stdin, process.stdout):
                _close(stream)

    def _audit(self, path: str) -> Answer:
        process = self._running_process()
        self.is_late = False
        timer = threading.Timer(self.timeout, self._kill_overdue, [process]) if self.timeout else None
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            line = _answer(process, path)
        finally:
            if timer is not None:
                timer.cancel()
        if line.endswith("\n"):
            record, page = json.loads(line)
            return FileAudit.of_dict(record), page
        code = process.wait()
        return without_audit(
            path, LOST, "took more than %g s" % (self.timeout or 0) if self.is_late else _exit_reason(code)
        ), None

    def _kill_overdue(self, process: subprocess.Popen[str]) -> None:
        self.is_late = True
        _kill(process)

    def _running_process(self) -> subprocess.Popen[str]:
        """Return the process; start a new one if there is none or it died."""
        with self.lock:
            if self.is_stopped:
                raise queue.Empty
            if self.process is None or self.process.poll() is not None:
                self.process = _start_worker(self.question)
            return self.process


def _answer(process: subprocess.Popen[str], path: str) -> str:
    """Return the line that the process wrote; incomplete if it died."""
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(json.dumps(path) + "\n")
        process.stdin.flush()
    except OSError:
        return ""
    return process.stdout.readline()


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a process; another thread may have reaped it already, which ``kill`` does not check up to Python 3.8."""
    with suppress(ProcessLookupError):
        process.kill()


def _start_worker(question: Mapping[str, Any]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(), encoding="utf-8"
    )
    assert process.stdin is not None
    with suppress(OSError):  # the process died at once; the first file will show it
        process.stdin.write(json.dumps(question) + "\n")
    return process


def _environment() -> Dict[str, str]:
    """Return this process's environment, extended so that the worker finds the same graphcut."""
    own = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    paths: List[str] = [own, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _exit_reason(code: int) -> str:
    if code >= 0:
        return "its worker ended with exit code %d" % code
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "signal %d" % -code
    return "its worker was killed (%s)%s" % (name, ", perhaps for want of memory" if name == "SIGKILL" else "")


def _close(stream: Any) -> None:
    with suppress(OSError):
        stream.close()
