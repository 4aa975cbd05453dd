"""Run several commands in one process, so that TensorFlow is imported once.

Standard input holds the commands as JSON, each a list: ``graphcut`` or ``pytest`` with arguments, or ``write`` with a file
and its text. Standard output gets what each command answered: the exit code, and what it wrote to both streams.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path


def run(command):
    """The exit code of one command."""
    program, arguments = command[0], command[1:]
    if program == "write":
        return Path(arguments[0]).write_text(arguments[1], encoding="utf-8") and 0
    if program == "pytest":
        import pytest

        return int(pytest.main(arguments))
    from graphcut.cli import main

    return main(arguments)


def answer(command):
    """The exit code, standard output and standard error of one command, whoever writes to the file descriptors."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        saved = [os.dup(number) for number in (1, 2)]
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        try:
            code = run(command)
        finally:
            for stream, number, copy in zip((sys.stdout, sys.stderr), (1, 2), saved):
                stream.flush()
                os.dup2(copy, number)
                os.close(copy)
        return [code, _text(out), _text(err)]


def _text(file):
    file.seek(0)
    return file.read().decode("utf-8")


if __name__ == "__main__":
    json.dump([answer(each) for each in json.load(sys.stdin)], sys.stdout)
