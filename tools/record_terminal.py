#!/usr/bin/env python
"""Record what audit, explain, suggest and check print, as docs/terminal.svg: ``python tools/record_terminal.py``."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
CONTRACT = '[[contract]]\nname = "w1 learns"\nsource = "train.meta"\nmust_reach = ["w1"]\n'
COMMANDS = (
    "graphcut audit train.meta",
    "graphcut explain train.meta w1",
    "graphcut suggest train.meta --unblock w1",
    "graphcut check",
)
WIDTH = 100


def prepare(folder):
    """Write the files that the commands read."""
    (folder / "graphcut.toml").write_text(CONTRACT, encoding="utf-8")
    (folder / "train.meta").write_bytes((ROOT / "fixtures" / "documents" / "003.meta").read_bytes())


def printed(command, folder):
    """What a command prints in colour, run in ``folder``."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT), COLUMNS=str(WIDTH), FORCE_COLOR="1", TERM="xterm-256color")
    program = [sys.executable, "-m", *command.split()]
    done = subprocess.run(program, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout.decode("utf-8").rstrip()


def main():
    """Run the commands one after the other, and write the picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        for command in COMMANDS:
            console.print(Text("$ " + command, style="bold"))
            console.print(Text.from_ansi(printed(command, folder)))
            console.print()
    picture = console.export_svg(title="graphcut", unique_id="graphcut")
    # A page that works offline takes its font from the system.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    (ROOT / "docs" / "terminal.svg").write_text(head + picture, encoding="utf-8")


if __name__ == "__main__":
    main()
