"""``graphcut ops``: what the gradient table has for op types."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Optional

import click

from graphcut.api.op_gradients import SORTS, OpGradient, op_gradients, op_types
from graphcut.util.files import save
from graphcut.util.isolate_output import isolate_output
from graphcut.util.progress import show_progress

_HELP = """Show which inputs of an op get a gradient, in TensorFlow 1.15 to 2.21.

Without TYPE, every op type is listed. TensorFlow is not needed: the answers are those of the table that graph files are
audited with, which was made by asking TensorFlow.

\b
Examples:
  graphcut ops MatMul
  graphcut ops ArgMax --tf 2.15
  graphcut ops --json > ops.json
  graphcut ops --record tensorflow_text -o text.json
  graphcut audit model.pb --ops text.json

--record imports TensorFlow and a package, and writes what the gradients of its own ops answer.

Exit codes: 0 fine, 2 could not run.
"""


@click.command(help=_HELP, short_help="Show which inputs of an op get a gradient.")
@click.argument("op_type", metavar="[TYPE]", required=False)
@click.option("--tf", "version", metavar="VERSION", help="One version of TensorFlow, such as 2.15.")
@click.option(
    "--json",
    "path",
    metavar="[FILE]",
    is_flag=False,
    flag_value="-",
    help="Write JSON into FILE, such as ops.json; without FILE, or with -, print nothing else.",
)
@click.option("--record", "package", metavar="PACKAGE", help="Record the ops of an installed Python package.")
@click.option("-o", "--output", metavar="FILE", help="The file that --record writes. Default: PACKAGE.ops.json.")
def ops(
    op_type: Optional[str], version: Optional[str], path: Optional[str], package: Optional[str], output: Optional[str]
) -> None:
    if package is not None:
        _record(package, output or package + ".ops.json")
        return
    if path and not op_type and re.fullmatch(r"\w+", path):  # graphcut ops --json MatMul
        op_type, path = path, "-"
    types = (op_type,) if op_type else op_types(version)
    found = [each for name in types for each in op_gradients(name, version)]
    document = json.dumps([_document(each) for each in found], indent=2) if path else ""
    click.echo(document if path == "-" else "\n".join(map(_line, found)))
    if path and path != "-":
        save(path, (document + "\n").encode())


def _record(package: str, path: str) -> None:
    from graphcut.backend import tensorflow_needed

    with tensorflow_needed("to ask for the gradients of ops"), show_progress() as say, isolate_output():
        say("importing %s" % package)
        from graphcut.backend.gradient_oracle.record_package import record

        made = record(package)
    save(path, (json.dumps(made, indent=1, sort_keys=True) + "\n").encode())
    for name in made["unloaded"]:
        click.echo("left out: the library of ops of %s cannot be loaded here" % name, err=True)
    click.echo("%s: %d op types of %s %s" % (path, len(made["ops"]), package, made["package_version"]))


def _document(each: OpGradient) -> Dict[str, Any]:
    return {
        "type": each.type,
        "versions": list(each.versions),
        "gradient": each.gradient,
        "differentiable": any(answer in ("yes", "depends") for answer in each.inputs.values()),
        "inputs": dict(each.inputs),
        "assumed": each.assumed,
    }


def _line(each: OpGradient) -> str:
    inputs = ", ".join("%s %s" % (name, answer) for name, answer in each.inputs.items())
    assumed = "  (assumed to carry: %s)" % each.assumed if each.assumed else ""
    return "%s  TensorFlow %s  %s%s" % (each.type, each.span, inputs or SORTS[each.gradient], assumed)
