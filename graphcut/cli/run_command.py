"""``graphcut run``: a script as Python would run it, with an audit of each gradient that it takes."""

from __future__ import annotations

import os
import sys
import traceback
import types
from contextlib import nullcontext, suppress
from textwrap import indent
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import click

from graphcut.errors import GraphcutError
from graphcut.render.text.json_report import to_json
from graphcut.render.text.plain_table import table
from graphcut.render.text.source_quotes import quote_lines
from graphcut.util.files import check_folder, save
from graphcut.util.isolate_output import isolate_output
from graphcut.util.source_lines import line_of, nearby

_HELP = """Run a script and audit every gradient that it computes.

The script runs once, as under Python, with its own arguments, imports, output and exit. A gradient call is audited the
first time it runs, and again only if its graph or its answer has changed. The audits are printed to standard output when
the script ends; if it fails, they come before its traceback.

\b
Examples:
  graphcut run train.py --epochs 1
  graphcut run --json audits.json train.py
  graphcut run --tf1 old_script.py
  graphcut run --trace train.py

Exit codes: 0 fine, 2 the script failed or could not run. With --trace, a script may need the value of a
tensor: it is traced up to that line, the line is shown, and the exit code is 0.
"""
_FINE, _FAILED = 0, 2
_PACKAGE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "")


class _Enough(BaseException):
    """Ends a script after the gradients that were asked for."""


class _End(NamedTuple):
    """How a script ended: what it raised, or the code that it exited with; the Keras models that it has, by their names.

    ``is_enough``: it had taken the gradients that were asked for.
    """

    error: Optional[BaseException] = None
    code: int = _FINE
    models: Tuple[Tuple[str, Any], ...] = ()
    is_enough: bool = False


@click.command(
    help=_HELP,
    short_help="Run a script and audit its gradients.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("--json", "json", metavar="FILE", type=click.Path(allow_dash=True), help="Write the audits as a JSON array.")
@click.option("--tf1", is_flag=True, help="The script is for TensorFlow 1: 'import tensorflow' imports tensorflow.compat.v1.")
@click.option("--stop-after", metavar="N", type=click.IntRange(1), help="End the script after N different gradients.")
@click.option("--once", is_flag=True, help="End the script when a gradient call repeats.")
@click.option("--trace", is_flag=True, help="Trace the script as far as it goes; TensorFlow executes nothing.")
@click.argument("script", type=click.Path(exists=True, dir_okay=False))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
def run(
    json: Optional[str],
    tf1: bool,
    stop_after: Optional[int],
    once: bool,
    trace: bool,
    script: str,
    arguments: Tuple[str, ...],
) -> int:
    from graphcut.api.watch import watch

    code = _compile(script)
    if json and json != "-":
        check_folder(json)  # before a training of hours

    def on_gradient(count: int, repeated: bool) -> None:
        if trace:
            traced.count()
        if (once and repeated) or (stop_after is not None and count >= stop_after):
            raise _Enough

    folder = os.getcwd()
    with isolate_output():
        watched = watch(on_gradient)
        from graphcut.backend.live import tensorflow1
        from graphcut.backend.record.trace_script import ScriptTrace
    traced = ScriptTrace()
    with tensorflow1.TensorFlow1Imports(tf1), watched, traced if trace else nullcontext():
        end = _execute(code, script, arguments)
    with suppress(OSError):
        os.chdir(folder)
    _flush()
    try:
        _show(watched.audits, json)
        _flush()
    finally:
        failed = end.error is not None or bool(end.code)
        if trace:
            failed = _show_end(end, script) or bool(end.code)
        elif end.error is not None:
            _trace(end.error)
    if not watched.audits:
        click.echo("graphcut: the script took no gradient%s" % _reason(end, failed), err=True)
    for place in watched.unasked if watched.audits else ():
        click.echo("graphcut: the gradient at %s asks for no variable%s" % (place, _name_frozen_model(end)), err=True)
    for problem in watched.problems:
        click.echo("graphcut: could not record %s" % problem, err=True)
    return _FAILED if failed else _FINE


def _compile(script: str) -> Any:
    """Return the script's code, with its own line numbers."""
    try:
        with open(script, "rb") as stream:
            return compile(stream.read(), script, "exec", dont_inherit=True)
    except OSError as error:
        raise GraphcutError("cannot read %s: %s" % (script, error.strerror)) from error
    except (SyntaxError, ValueError) as error:
        lines = "".join(traceback.format_exception_only(type(error), error)).rstrip()
        raise GraphcutError("%s is not a Python script that this Python can read\n%s" % (script, lines)) from error


def _execute(code: Any, script: str, arguments: Sequence[str]) -> _End:
    """Run the script as ``python SCRIPT ARGS`` does: as ``__main__``, its folder first on the path."""
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=script, __builtins__=__builtins__, __cached__=None, __loader__=None, __spec__=None)
    before = sys.argv, sys.path[:], sys.modules.get("__main__")
    sys.argv = [script, *arguments]
    sys.path[0:1] = [os.path.dirname(os.path.realpath(script))]
    sys.modules["__main__"] = main
    try:
        exec(code, main.__dict__)  # noqa: S102 - this is what the command is for
    except _Enough:
        return _End(is_enough=True)
    except SystemExit as error:
        return _exit(error)
    except BaseException as error:  # noqa: BLE001 - a script may raise anything; it is shown below
        return _End(error)
    finally:
        sys.argv, sys.path[:] = before[0], before[1]
        if before[2] is not None:
            sys.modules["__main__"] = before[2]
    return _End(models=tuple(_models(main)))


def _models(main: types.ModuleType) -> Iterator[Tuple[str, Any]]:
    """Yield the Keras models among the variables of a script."""
    for name, value in list(vars(main).items()):
        if not isinstance(value, type) and all(hasattr(type(value), each) for each in ("fit", "compile", "trainable_weights")):
            yield name, value


def _exit(error: SystemExit) -> _End:
    """Return the end that ``sys.exit`` asks for: a number is the code, ``None`` means 0, anything else is an error message."""
    if error.code is None or isinstance(error.code, int):
        return _End(code=int(error.code or 0))
    _flush()
    print(error.code, file=sys.stderr)
    return _End(code=1)


def _show(audits: Sequence[Any], path: Optional[str]) -> None:
    documents = [to_json(each) for each in audits]
    array = "[\n" + ",\n".join(indent(each, "  ") for each in documents) + "\n]" if documents else "[]"
    if path == "-":
        click.echo(array)
        return
    for number, each in enumerate(audits, 1):
        click.echo("\ngradient %d of %d" % (number, len(audits)))
        click.echo(table(each, quote_lines(each)))
    if path:
        save(path, (array + "\n").encode())


def _show_end(end: _End, script: str) -> bool:
    """Say how far a script was traced. Returns whether it failed, and not only for want of a value."""
    from graphcut.backend.record.trace_script import end_of_trace

    if end.error is None:
        until = "until the gradients that were asked for" if end.is_enough else "to its end"
        click.echo("graphcut: %s was traced %s; nothing was run" % (nearby(script), until), err=True)
        return False
    why = end_of_trace(end.error)
    line = line_of(why.where)
    place = nearby(why.where or script) + (": %s" % line if line else "")
    click.echo("graphcut: %s was traced up to %s; nothing was run" % (nearby(script), place), err=True)
    click.echo("\n".join("  " + each for each in (why.said, why.advice) if each), err=True)
    return not why.needs_value


def _trace(error: BaseException) -> None:
    """Print the script's traceback, without the frames of graphcut."""
    report = traceback.TracebackException.from_exception(error)
    seen: List[Any] = []
    waiting: List[Any] = [report]
    while waiting:
        each = waiting.pop()
        if each is not None and not any(each is other for other in seen):
            seen.append(each)
            each.stack[:] = [frame for frame in each.stack if not os.path.abspath(frame.filename).startswith(_PACKAGE)]
            waiting += [each.__cause__, each.__context__]
    print("".join(report.format()), end="", file=sys.stderr)


def _reason(end: _End, failed: bool) -> str:
    if end.error is not None:
        return ": it failed first" if failed else " up to there"
    frozen = _name_frozen_model(end)
    if frozen:
        return frozen
    if end.models:
        return ": fit of %r was never called" % end.models[0][0]
    keras = sys.modules.get("keras") or sys.modules.get("tensorflow")
    return "; it must call fit, GradientTape.gradient, tf.gradients or an optimizer's minimize" if keras else ""


def _name_frozen_model(end: _End) -> str:
    """Name a model that has nothing to train; empty where there is none."""
    for name, model in end.models:
        if not model.trainable_weights:
            what = " is False" if not model.trainable else "_weights is empty"
            return ": %r has nothing that may train: %s.trainable%s" % (name, name, what)
    return ""


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


COMMANDS: List[click.Command] = [run]
