"""``graphcut run``: run a script as Python would, and audit each gradient that it takes."""

from __future__ import annotations

import builtins
import os
import sys
import threading
import traceback
import types
from contextlib import nullcontext, suppress
from importlib.machinery import SourceFileLoader
from textwrap import indent
from typing import Any, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import click

from graphcut.errors import GraphcutError
from graphcut.render.text.json_report import to_json
from graphcut.render.text.plain_table import table
from graphcut.render.text.source_quotes import quote_lines
from graphcut.util.files import check_folder, save
from graphcut.util.isolate_output import isolate_descriptors
from graphcut.util.own_frames import remove_own_frames
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

Exit codes: 0 fine, 2 the script raised an error or could not run. If the script calls sys.exit, its exit code is used.
With --trace, a script that needs the value of a tensor is traced up to that line; graphcut shows the line and exits with 0.
"""
_FINE, _FAILED = 0, 2


class _Enough(BaseException):
    """End a script after the requested number of gradients."""


class _End(NamedTuple):
    """How a script ended: the exception or the exit code; and its Keras models by name.

    ``is_enough``: it had taken the requested number of gradients.
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
        check_folder(json)  # check this before a long training

    def on_gradient(count: int, repeated: bool) -> None:
        if trace:
            traced.count()
        if (once and repeated) or (stop_after is not None and count >= stop_after):
            raise _Enough

    folder = os.getcwd()
    with isolate_descriptors():  # TensorFlow's logger keeps the standard error of its import
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
        failed = end.error is not None
        if trace:
            failed = _show_end(end, script)
        elif end.error is not None:
            _show_error(end.error)
    _show_remarks(watched, end, failed)
    return _FAILED if failed else end.code


def _show_remarks(watched: Any, end: _End, failed: bool) -> None:
    """Print what no audit shows: why there is no audit, gradient calls without variables, and failures of recording."""
    if not watched.audits:
        click.echo("graphcut: the script took no gradient%s" % _reason(end, failed), err=True)
    for reason in _name_untrained_models(end, watched.audits):
        click.echo("graphcut: fit took no gradient%s" % reason, err=True)
    for place in watched.unasked if watched.audits else ():
        click.echo("graphcut: the gradient at %s asks for no variable%s" % (place, _name_frozen_model(end)), err=True)
    for problem in watched.problems:
        click.echo("graphcut: could not record %s" % problem, err=True)


def _compile(script: str) -> Any:
    """Return the script's code, with its own line numbers."""
    try:
        with open(script, "rb") as stream:
            return compile(stream.read(), _file(script), "exec", dont_inherit=True)
    except OSError as error:
        raise GraphcutError("cannot read %s: %s" % (script, error.strerror)) from error
    except (SyntaxError, ValueError) as error:
        lines = "".join(traceback.format_exception_only(type(error), error)).rstrip()
        raise GraphcutError("%s is not a Python script that this Python can read\n%s" % (script, lines)) from error


def _file(script: str) -> str:
    """Return the ``__file__`` of a script: its absolute path from Python 3.9 on, before that the path on the command line."""
    return os.path.abspath(script) if sys.version_info >= (3, 9) else script


def _execute(code: Any, script: str, arguments: Sequence[str]) -> _End:
    """Run the script as ``python SCRIPT ARGS`` does: as ``__main__``, with its folder first on the path."""
    main, path = types.ModuleType("__main__"), _file(script)
    loader = SourceFileLoader("__main__", path)
    main.__dict__.update(__file__=path, __builtins__=builtins, __cached__=None, __loader__=loader, __spec__=None)
    before = sys.argv, sys.path[:], sys.modules.get("__main__")
    running = threading.enumerate()
    sys.argv = [script, *arguments]
    sys.path[0:1] = [os.path.dirname(os.path.realpath(script))]
    sys.modules["__main__"] = main
    try:
        try:
            exec(code, main.__dict__)  # noqa: S102 - this is what the command is for
        except SystemExit as error:
            end = _exit(error)
        else:
            end = _End(models=tuple(_models(main)))
        _wait_for_threads(running)
    except _Enough:
        return _End(is_enough=True)
    except BaseException as error:  # noqa: BLE001 - a script may raise anything; it is shown below
        return _End(error)
    finally:
        sys.argv, sys.path[:] = before[0], before[1]
        if before[2] is not None:
            sys.modules["__main__"] = before[2]
    return end


def _wait_for_threads(running: Sequence[threading.Thread]) -> None:
    """Wait for the threads of a script, as Python does before it exits; they may take gradients, too."""
    while True:
        left = [each for each in threading.enumerate() if not each.daemon and each not in running]
        if not left:
            return
        for each in left:
            each.join()


def _models(main: types.ModuleType) -> Iterator[Tuple[str, Any]]:
    """Yield the Keras models among the variables of a script."""
    for name, value in list(vars(main).items()):
        if not isinstance(value, type) and all(hasattr(type(value), each) for each in ("fit", "compile", "trainable_weights")):
            yield name, value


def _exit(error: SystemExit) -> _End:
    """Return the end for a call of ``sys.exit``: a number is the code, ``None`` means 0, anything else is an error message."""
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
    """Print how far a script was traced. Return whether it failed for another reason than a missing value."""
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


def _show_error(error: BaseException) -> None:
    """Print the script's traceback without the frames of graphcut, by the script's own ``sys.excepthook`` if it has one."""
    remove_own_frames(error)
    if sys.excepthook is not sys.__excepthook__:
        try:
            sys.excepthook(type(error), error, error.__traceback__)
        except Exception:  # noqa: BLE001 - as Python does, say so and show the error itself
            print("Error in sys.excepthook:", file=sys.stderr)
            traceback.print_exc()
            print("\nOriginal exception was:", file=sys.stderr)
        else:
            return
    traceback.print_exception(type(error), error, error.__traceback__)


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
    """Return the remark on a model that has nothing to train; empty if there is none."""
    return next(filter(None, (_name_if_frozen(name, model) for name, model in end.models)), "")


def _name_if_frozen(name: str, model: Any) -> str:
    if model.trainable_weights:
        return ""
    what = " is False" if not model.trainable else "_weights is empty"
    return ": %r has nothing that may train: %s.trainable%s" % (name, name, what)


def _name_untrained_models(end: _End, audits: Sequence[Any]) -> Iterator[str]:
    """Return the remark on models that ``fit`` did not train: Keras 3 skips the gradient if everything is frozen."""
    for name, model in end.models:
        called = audits and model.weights and getattr(model, "train_function", None) is not None
        if called and not any(each in audit for audit in audits for each in model.weights):
            yield from filter(None, [_name_if_frozen(name, model)])


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


COMMANDS: List[click.Command] = [run]
