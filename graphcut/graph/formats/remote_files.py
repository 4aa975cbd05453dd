"""Files by URL, such as ``s3://bucket/model.meta``; fsspec opens them, if it is installed."""

from __future__ import annotations

import importlib
import os
import re
from typing import Any, Tuple

from graphcut.errors import GraphcutError, printable

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")
_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "az": "adlfs",
    "http": "aiohttp",
    "https": "aiohttp",
}


def is_url(path: str) -> bool:
    """Return whether a path is a URL, not a local file.

    >>> is_url("s3://bucket/model.meta"), is_url("models/model.meta"), is_url("C:/model.meta")
    (True, False, False)
    """
    return _URL.match(path) is not None and not os.path.exists(path)


def open_url(path: str) -> Any:
    """Return a stream of the bytes behind a URL."""
    system, inner = _system(path)
    return _call(path, lambda: system.open(inner, "rb"))


def is_url_folder(path: str) -> bool:
    """Return whether a URL names a folder."""
    system, inner = _system(path)
    return bool(_call(path, lambda: system.isdir(inner)))


def url_exists(path: str) -> bool:
    """Return whether a URL exists."""
    system, inner = _system(path)
    return bool(_call(path, lambda: system.exists(inner)))


def urls_like(pattern: str) -> Tuple[str, ...]:
    """Return the URLs that match a pattern such as ``s3://bucket/**/*.meta``."""
    system, inner = _system(pattern)
    matches = _call(pattern, lambda: system.glob(inner))
    return tuple(str(system.unstrip_protocol(each)) for each in sorted(matches))


def _system(path: str) -> Tuple[Any, str]:
    """Return the file system of a URL, and the path in it."""
    try:
        core = importlib.import_module("fsspec.core")
    except ImportError:
        raise GraphcutError(
            "%s is a URL, and fsspec, which opens URLs, is not installed\nInstall it (pip install %s), or download the file."
            % (printable(path), " ".join(["fsspec", *_package(path)]))
        ) from None
    system, inner = _call(path, lambda: core.url_to_fs(path))
    return system, str(inner)


def _package(path: str) -> Tuple[str, ...]:
    """Return the package that fsspec needs for a protocol, if any."""
    name = _PACKAGES.get(path.partition(":")[0].lower())
    return () if name is None else (name,)


def _call(path: str, call: Any) -> Any:
    """Call a file system and turn its errors into graphcut's; it is foreign code and may raise anything."""
    try:
        return call()
    except FileNotFoundError:
        raise GraphcutError("no file %s" % printable(path)) from None
    except ImportError as error:
        needed = " ".join(_package(path)) or "the package that fsspec names for it"
        raise GraphcutError(
            "%s cannot be opened: %s\nInstall %s." % (printable(path), printable(str(error), 160)[1:-1], needed)
        ) from error
    except Exception as error:  # noqa: BLE001 - see above
        message = (str(error) or type(error).__name__).strip().splitlines()[0]
        raise GraphcutError("cannot read %s: %s" % (printable(path), printable(message, 160)[1:-1])) from error
