"""A file is written as a whole or stays what it was."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from graphcut import GraphcutError
from graphcut.util.files import save


def full(number, content):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def path(tmp_path):
    """A file that is there already."""
    path = tmp_path / "cut.svg"
    path.write_bytes(b"before")
    return path


def test_a_file_is_replaced(path):
    save(path, b"after")
    assert path.read_bytes() == b"after"
    assert os.listdir(str(path.parent)) == ["cut.svg"]


def test_a_write_that_fails_leaves_the_file_as_it_was(path, monkeypatch):
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(GraphcutError, match="cannot write '.*cut.svg': No space left on device"):
        save(path, b"after")
    assert path.read_bytes() == b"before"
    assert os.listdir(str(path.parent)) == ["cut.svg"]


def test_a_write_that_is_interrupted_leaves_the_file_as_it_was(path, monkeypatch):
    def interrupted(number, content):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(path, b"after")
    assert (path.read_bytes(), os.listdir(str(path.parent))) == (b"before", ["cut.svg"])


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_permissions_are_kept(path):
    path.chmod(0o640)
    save(path, b"after")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_new_file_has_the_permissions_that_every_program_gives(tmp_path):
    save(tmp_path / "new", b"x")
    (tmp_path / "other").write_bytes(b"x")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_link_stays_one_and_its_target_is_written(path, tmp_path):
    link = tmp_path / "link.svg"
    link.symlink_to(path)
    save(link, b"after")
    assert link.is_symlink() and path.read_bytes() == b"after"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everything")
def test_a_file_that_must_not_be_written_is_not_replaced(path):
    path.chmod(0o444)
    with pytest.raises(GraphcutError, match="Permission denied"):
        save(path, b"after")
    assert path.read_bytes() == b"before"


def test_a_file_that_cannot_be_replaced_is_written_in_place(path, monkeypatch):
    monkeypatch.setattr(os, "replace", busy)
    save(path, b"after")
    assert (path.read_bytes(), os.listdir(str(path.parent))) == (b"after", ["cut.svg"])


def test_what_was_written_in_place_is_restored_where_that_fails(path, monkeypatch):
    writes, write = [], os.write

    def full_the_second_time(number, content):
        writes.append(bytes(content))
        if len(writes) == 2:
            write(number, content[:2])
            full(number, content)
        return write(number, content)

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(os, "write", full_the_second_time)
    with pytest.raises(GraphcutError, match="No space left"):
        save(path, b"afterwards")
    assert path.read_bytes() == b"before"


def busy(source, target):
    raise OSError(errno.EBUSY, "Device or resource busy")


@pytest.mark.skipif(os.name == "nt", reason="no /dev/null")
def test_a_device_is_written_as_it_is():
    save("/dev/null", b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_half_a_file_does_not_stay(tmp_path):
    resource = pytest.importorskip("resource", reason="limits of POSIX's")
    path, limits = tmp_path / "cut.json", resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(GraphcutError, match="cannot write '.*cut.json': File too large"):
            save(path, b"x" * 2000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not path.exists()
