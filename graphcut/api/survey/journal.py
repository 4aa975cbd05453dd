"""The journal of a survey: one line of JSON per finished file, so that an interrupted survey can continue.

The first line holds the options of the survey. A line counts if it ends with a newline; a truncated line is removed, and its
file is audited again. A file that changed since is audited again, too. If a file has several lines, the last one counts.
"""

from __future__ import annotations

import json
import os
from typing import IO, Any, Dict, Mapping, Optional

from graphcut.api.survey.file_audit import FileAudit
from graphcut.errors import GraphcutError, printable

VERSION = 1


class Journal:
    """A journal that is open for appending; a context manager."""

    def __init__(self, path: str, question: Mapping[str, Any]) -> None:
        self.path, self._question = path, {"survey": VERSION, "question": dict(question)}
        self.files: Dict[str, FileAudit] = {}
        self._stamps: Dict[str, Any] = {}
        self._stream: Optional[IO[bytes]] = None

    def __enter__(self) -> Journal:
        try:
            self._stream = open(self.path, "r+b" if os.path.exists(self.path) else "w+b")
        except OSError as error:
            raise GraphcutError("cannot write %s: %s" % (printable(self.path), error.strerror)) from None
        _lock(self._stream, self.path)
        end = self._read_lines(self._stream)
        self._stream.seek(end)
        self._stream.truncate()
        if not end:
            self._write(self._question)
        return self

    def __exit__(self, *error: object) -> None:
        if self._stream is not None:
            self._stream.close()

    def is_done(self, path: str) -> bool:
        """Return whether the file is in the journal as it is now."""
        return path in self.files and self._stamps[path] == stamp(path)

    def add(self, record: FileAudit, when: Any) -> None:
        """Append the audit of a file; ``when`` is the file's stamp before it was read."""
        self._write({**record.to_dict(), "stamp": when})
        self.files[record.path] = record

    def _read_lines(self, stream: IO[bytes]) -> int:
        """Read all complete lines, and return where they end."""
        end = 0
        for line in stream:
            try:
                values = json.loads(line.decode()) if line.endswith(b"\n") else None
            except ValueError:
                values = None
            if not isinstance(values, dict):
                break
            if not end:
                self._check(values)
            else:
                self._stamps[values["path"]] = values.pop("stamp", None)
                self.files[values["path"]] = FileAudit.of_dict(values)
            end += len(line)
        return end

    def _check(self, values: Mapping[str, Any]) -> None:
        if values != self._question:
            raise GraphcutError(
                "%s belongs to another survey, with other options or another version of graphcut\n"
                "Use another folder, or delete that file." % printable(self.path)
            )

    def _write(self, values: Mapping[str, Any]) -> None:
        assert self._stream is not None
        self._stream.write(json.dumps(values).encode() + b"\n")
        self._stream.flush()


def stamp(path: str) -> Any:
    """Return the size and time of a file, which tell whether it changed; ``None`` if they are unknown."""
    inner = os.path.join(path, "saved_model.pb")
    try:
        result = os.stat(inner if os.path.exists(inner) else path)
    except OSError:
        return None
    return [result.st_size, result.st_mtime_ns]


def _lock(stream: IO[bytes], path: str) -> None:
    """Keep other surveys from writing the same journal, if the system can lock files."""
    try:
        import fcntl
    except ImportError:
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise GraphcutError("another survey is writing %s\nUse another folder." % printable(path)) from None
    except OSError:
        return
