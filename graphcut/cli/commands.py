"""The ``graphcut`` command itself: its help, its version, and the group of all commands."""

from __future__ import annotations

import platform

import click

from graphcut.cli.doctor_command import tensorflow_version
from graphcut.util.version import VERSION


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda context, parameter, wanted: _show_version(context) if wanted else None,
    help="Show the versions of graphcut, Python and TensorFlow, and exit.",
)
@click.pass_context
def commands(context: click.Context) -> None:
    """Find which variables of a TensorFlow graph still receive a gradient, and what cuts off the others.

    \b
    Examples:
      graphcut audit model.meta
      graphcut draw train.py:loss --spec 'float32[32,10]' -o cut.svg
      graphcut explain model.meta encoder/kernel
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def _show_version(context: click.Context) -> None:
    tensorflow = "%s %s" % (tensorflow_version() or ("no TensorFlow", "installed"))
    click.echo("graphcut %s, Python %s, %s" % (VERSION, platform.python_version(), tensorflow))
    context.exit()
