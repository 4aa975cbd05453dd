"""``graphcut suggest``: suggest changes of the source that give a variable a gradient, or take it away."""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

import click

from graphcut.cli.source_options import SOURCE, source_options
from graphcut.errors import GraphcutError
from graphcut.results import Suggestion
from graphcut.util.files import save
from graphcut.util.isolate_output import isolate_output
from graphcut.util.progress import show_progress

_SUGGEST = f"""Suggest what to change so that a variable gets a gradient (--unblock) or none (--block).

A suggestion is a diff of your source if graphcut could trace and audit the edited source in memory, and a sentence if not.
A diff that only removes a stop may be shown without that check; it is marked "not confirmed".
Your files are not changed. --apply writes the first confirmed alternative to a patch file for git apply or patch -p1.

{SOURCE}

\b
Examples:
  graphcut suggest train.py:loss --spec 'float32[32,10]' --unblock encoder/kernel
  graphcut suggest train.py:train_step --spec 'float32[32,10]' --block 'target/*'
  graphcut suggest train.py:build --unblock w --apply fix.patch

Exit codes: 0 fine, 2 could not run.
"""


@click.command(help=_SUGGEST, short_help="Suggest changes to your source.")
@source_options
@click.option("--unblock", metavar="VARIABLE", help="The variable that should get a gradient.")
@click.option("--block", multiple=True, metavar="VARIABLE", help="A variable or pattern that should get none.")
@click.option(
    "--keep",
    multiple=True,
    metavar="VARIABLE",
    help="With --block: the variables that keep their gradient. Default: all others.",
)
@click.option(
    "--apply", "patch", metavar="PATCHFILE", type=click.Path(), help="Write the first confirmed alternative as a patch."
)
def suggest(
    source: str,
    unblock: Optional[str],
    block: Tuple[str, ...],
    keep: Tuple[str, ...],
    patch: Optional[str],
    **options: Any,
) -> None:
    if bool(unblock) == bool(block):
        raise GraphcutError("suggest needs either --unblock or --block\ntry: graphcut suggest --help")
    with show_progress() as say, isolate_output():
        audits = _audits(say, source, options)
        result = _suggestions(audits, unblock, block, keep)
    click.echo(str(result))
    if patch and not result:
        click.echo("no patch was written: there is nothing to change", err=True)
    elif patch:
        save(patch, _patch(result, source).encode("utf-8"))
        click.echo(f"wrote {patch}; apply it with: git apply {patch}", err=True)


def _audits(say: Any, source: str, options: Dict[str, Any]) -> Sequence[Any]:
    """Audit SOURCE.

    If a function without arguments builds the model or graph, an edit can be tested: the function runs again.
    """
    from graphcut.api.suggest.confirm import Retrace
    from graphcut.cli.audit_source import audit_source

    modules: Dict[str, Any] = {}

    def run() -> Sequence[Any]:
        return audit_source(say, source, modules=modules, **options)

    audits = run()
    for index, each in enumerate(audits):
        known = each._retrace
        builder = _builder(source, modules, known.source if known else None)
        if builder or (known is None and ".py" in source):
            each._retrace = Retrace(
                known.source if known else source, run, index, known.gradient_at if known else None, builder, tuple(audits)
            )
    return audits


def _builder(source: str, modules: Dict[str, Any], audited: Any) -> Optional[str]:
    """Return ``file:line`` of the function that SOURCE names, if it builds the audited model or graph."""
    file, _, name = source.rpartition(":")
    path = os.path.realpath(file) if file.endswith(".py") else None
    module = modules.get(path) if path else sys.modules.get(file)
    code = getattr(getattr(module, name, None), "__code__", None)
    if code is None or getattr(audited, "__code__", None) is code:
        return None
    return f"{code.co_filename}:{code.co_firstlineno}"


def _suggestions(
    audits: Sequence[Any], unblock: Optional[str], block: Tuple[str, ...], keep: Tuple[str, ...]
) -> Sequence[Suggestion]:
    """Return the suggestions of the first audit that knows the variable and has any, those with an edit first."""
    known = [each for each in audits if all(key in each for key in (block or (unblock,)))] or list(audits[:1])
    if block:
        stops = [audit.suggest_stops(block=list(block), keep=list(keep) or None) for audit in known]
        return next(filter(None, stops), stops[-1] if stops else ())
    known.sort(key=lambda audit: _is_unused(audit, unblock))
    listed: List[Sequence[Suggestion]] = [audit.suggest_unblock(unblock) for audit in known]
    edits = [each for each in listed if any(one.diff for one in each)]
    words = [each for audit, each in zip(known, listed) if each and not _is_unused(audit, unblock)]
    return [*edits, *words, *listed][0]


def _is_unused(audit: Any, key: Optional[str]) -> bool:
    """Return whether nothing leads from the variables of a key to the loss."""
    return all(audit.variables[place].unused for place in audit._index.places(key))


def _patch(result: Sequence[Suggestion], source: str) -> str:
    """Return the diffs of the first alternative with a diff, in the order in which they apply."""
    number = next((each.alternative for each in result if each.diff and each.confirmed), -1)
    diffs = [each.diff for each in result if each.alternative == number and each.diff]
    if not diffs and os.path.exists(source):
        raise GraphcutError(
            "no patch was written: a graph file holds no source to edit\n"
            "Name the code that builds the graph instead, such as path.py:build."
        )
    if not diffs:
        raise GraphcutError(
            "no patch was written: no edit was traced and audited again\n"
            "Follow the advice above. If a module builds the model or graph while it is imported, put that code into a "
            "function, and name the function: path.py:build."
        )
    return "".join(diffs)
