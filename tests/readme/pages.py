"""Run a page of the documents as a reader would, from top to bottom, in one folder.

=========================  ==========================================================================================
block                      what becomes of it
=========================  ==========================================================================================
with ``title="NAME"``      it is written to the file NAME
``python``                 it is run, in one namespace for the page
``sh``                     each line is run: ``graphcut …``, ``python [-i] FILE``, ``pytest …``, ``git …``; a comment at its
                           end may say ``exits with 1``
``text``                   it must be what the last of these printed, spaces and the folder apart; ``…`` stands for lines
``synopsis``               the options of its commands exist
``yaml``                   nothing: it is a part of a file
=========================  ==========================================================================================

``python -m tests.readme.pages PAGE --write``, in an empty folder, writes the
``text`` blocks. A block inside of an HTML comment is run and not shown. The folder has the repository's ``fixtures``.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import linecache
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from graphcut.cli import main
from tests.readme.blocks import ROOT, text_of

BLOCK = re.compile(r"^( *)```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
CELL = re.compile(r"/tmp/ipykernel_0/(\d+)\.py")
EXIT_CODE = re.compile(r"# exits with (\d)$")
PYTEST = ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:graphcut", "-p", "graphcut.pytest_plugin")
REPOSITORY = {"GIT_%s_%s" % (who, what): "reader@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


class Block(NamedTuple):
    """A fenced block: its language, the file it is, its text, the line of the page it begins at."""

    language: str
    title: str
    text: str
    line: int


def notebook_blocks(text):
    """Yield the code cells of a notebook with their stored output, except the first, which installs graphcut."""
    for number, cell in enumerate(json.loads(text)["cells"]):
        if cell["cell_type"] == "code" and number > 1:
            yield Block("python", "", "".join(cell["source"]), number)
            printed = [line for output in cell["outputs"] for line in output.get("text", ())]
            if printed:
                yield Block("text", "", "".join(printed), number)


def blocks_of(text):
    """The fenced blocks of a page, in order; an indent as in a list is taken off."""
    return [
        Block(language, title, re.sub("^" + indent, "", body, flags=re.MULTILINE), text.count("\n", 0, found.start()) + 1)
        for found in BLOCK.finditer(text)
        for indent, language, title, body in [found.groups(default="")]
    ]


def needs_tensorflow(text):
    """Does a block import TensorFlow?"""
    return any("import tensorflow" in block.text for block in blocks_of(text))


def run_blocks(blocks, page):
    """Run the blocks of a page in the current folder; an AssertionError names the line that is not true."""
    for block, printed in outputs(blocks, page):
        place = "%s:%d" % (page, block.line)
        assert is_output(printed, block.text), "%s says\n%s\nbut this was printed\n%s" % (place, block.text, printed)


def outputs(blocks, page):
    """Run the blocks of a page; give each ``text`` with what was printed before it."""
    known, printed, cell = {"__name__": "__main__"}, "", 1  # the first cell installs
    for block in blocks:
        place = "%s:%d" % (page, block.line)
        if block.title:
            Path(block.title).parent.mkdir(parents=True, exist_ok=True)
            Path(block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "text":
            yield block, CELL.sub(r"In[\1]", printed.replace(os.getcwd() + os.sep, ""))
        elif block.language == "python":
            cell += 1
            printed = output_of(exec, compiled(block, page, cell), known)
        elif block.language == "sh":
            lines = block.text.replace("\\\n", " ").splitlines()
            printed = "".join(run_line(line, place, known) for line in lines if line.strip())


def compiled(block, page, cell):
    """The code of a block, by its place in the page; a cell of a notebook is a file of its own, as in a kernel."""
    if not page.endswith(".ipynb"):
        return compile("\n" * block.line + block.text, page, "exec")
    name = "/tmp/ipykernel_0/%d.py" % cell
    linecache.cache[name] = (len(block.text), None, block.text.splitlines(keepends=True), name)
    return compile(block.text, name, "exec")


def write_outputs(page):
    """Return the text of a page with each outdated ``text`` block replaced by what was printed."""
    lines = text_of(page).splitlines(keepends=True)
    for block, printed in reversed(list(outputs(blocks_of(text_of(page)), page))):
        if not is_output(printed, block.text):
            lines[block.line : block.line + block.text.count("\n")] = printed.rstrip("\n") + "\n"
    return "".join(lines)


def run_line(line, place, known):
    """What a line of a shell prints; its exit code is what its comment says, or 0."""
    expected = EXIT_CODE.search(line)
    program, *arguments = shlex.split(line, comments=True)
    codes = []
    run = functools.partial(run_python, known) if program == "python" else PROGRAMS[program]
    printed = output_of(lambda: codes.append(run(arguments)))
    assert codes == [int(expected.group(1)) if expected else 0], "%s: %s exits with %s\n%s" % (place, line, codes, printed)
    return printed


def run_command(arguments):
    """Run graphcut in this process, which has imported TensorFlow already, as if nothing had been built in it before."""
    forget_graphs()
    return main(arguments)


def run_python(known, arguments):
    """Run a script; with ``-i`` the page goes on with its names."""
    forget_graphs()
    sys.path.insert(0, os.getcwd())
    names = runpy.run_path(arguments[-1], run_name="__main__")
    known.update(names if arguments[0] == "-i" else {})
    return 0


def run_program(*program):
    """Run a program of its own, and print what it prints."""

    def run(arguments):
        environment = dict(os.environ, PYTHONPATH=ROOT, PYTHONIOENCODING="utf-8", **REPOSITORY)
        done = subprocess.run([*program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment)
        print(done.stdout.decode("utf-8"), end="")
        return done.returncode

    return run


PROGRAMS = {
    "git": run_program("git"),
    "graphcut": run_command,
    "pytest": run_program(sys.executable, "-m", "pytest", *PYTEST),
}


def forget_graphs():
    """Reset the numbers that Keras adds to names, as in a new process."""
    if "tensorflow" in sys.modules:
        sys.modules["tensorflow"].keras.backend.clear_session()


def output_of(run, *arguments):
    """What a call prints, on both streams."""
    stream = io.StringIO()
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        try:
            run(*arguments)
        except BaseException:
            sys.__stderr__.write(stream.getvalue())
            raise
    return stream.getvalue()


def is_output(printed, expected):
    """Return whether this was printed, widths of columns aside; a line of ``…`` stands for any lines."""
    lines = [" ".join(each.split()) for each in expected.strip().splitlines()]
    pattern = "".join("(.*\n)*?" if line == "…" else re.escape(line) + "\n" for line in lines)
    actual = "".join(" ".join(each.split()) + "\n" for each in printed.strip().splitlines())
    return re.fullmatch(pattern, actual) is not None


def read(page):
    """The blocks of a page or a notebook."""
    return (notebook_blocks if page.endswith(".ipynb") else blocks_of)(text_of(page))


if __name__ == "__main__":
    os.symlink(os.path.join(ROOT, "fixtures"), "fixtures")
    if "--write" in sys.argv:
        Path(ROOT, sys.argv[1]).write_text(write_outputs(sys.argv[1]), encoding="utf-8")
    else:
        run_blocks(read(sys.argv[1]), sys.argv[1])
