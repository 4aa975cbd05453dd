"""Atomic writes: a file is written completely or not at all."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Optional, Tuple, Union

from graphcut.errors import GraphcutError, printable

if TYPE_CHECKING:
    Target = Union[str, os.PathLike[str]]

_FLAGS = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
_NO_REPLACING = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY)


def save(path: Target, content: bytes) -> None:
    """Write ``content`` to a file. If that fails, raise ``GraphcutError`` and keep the old content.

    The content is written to a temporary file beside the target, which then replaces the target and takes over its
    permissions. A symbolic link stays a link. A terminal, a pipe or the like is written directly.
    """
    name = os.fspath(path)
    try:
        _save(os.path.realpath(name), content)
    except OSError as error:
        raise GraphcutError(f"cannot write {printable(name)}: {error.strerror}") from None


def check_folder(path: Target) -> None:
    """Raise the error that ``save`` would raise if the folder of a file does not exist."""
    name = os.fspath(path)
    if not os.path.isdir(os.path.dirname(os.path.realpath(name))):
        raise GraphcutError(f"cannot write {printable(name)}: {os.strerror(errno.ENOENT)}")


def _save(name: str, content: bytes) -> None:
    mode = _mode(name)
    if mode is not None and not stat.S_ISREG(mode):
        with open(name, "wb", buffering=0) as stream:
            _write(stream.fileno(), content)
        return
    if mode is not None and not os.access(name, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    try:
        _replace(name, content, mode)
    except OSError as error:
        if mode is None or error.errno not in _NO_REPLACING:
            raise
        _overwrite(name, content)


def _mode(name: str) -> Optional[int]:
    """Return the type and the permissions of a file, or ``None`` if there is no file."""
    try:
        return os.stat(name).st_mode
    except FileNotFoundError:
        return None


def _replace(name: str, content: bytes, mode: Optional[int]) -> None:
    """Write a temporary file and replace ``name`` with it."""
    temporary = os.path.join(os.path.dirname(name), ".graphcut-%s.tmp" % os.urandom(8).hex())
    number = os.open(temporary, _FLAGS | os.O_EXCL, 0o666)
    try:
        try:
            _write(number, content)
        finally:
            os.close(number)
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, name)
    except BaseException:
        os.remove(temporary)
        raise


def _overwrite(name: str, content: bytes) -> None:
    """Overwrite a file whose folder accepts no new file (a mounted file); if that fails, restore the old content."""
    with open(name, "r+b", buffering=0) as stream:
        before = stream.read()
        try:
            _rewrite(stream.fileno(), content)
        except BaseException:
            _rewrite(stream.fileno(), before)
            raise


def _rewrite(number: int, content: bytes) -> None:
    os.lseek(number, 0, os.SEEK_SET)
    _write(number, content)
    os.ftruncate(number, len(content))


def _write(number: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(number, rest) :]


def numbered_paths(path: str, count: int) -> Tuple[str, ...]:
    """Return ``cut.svg``, or for several files ``cut-1.svg``, ``cut-2.svg``."""
    stem, suffix = os.path.splitext(path)
    return (path,) if count == 1 else tuple(f"{stem}-{index + 1}{suffix}" for index in range(count))
