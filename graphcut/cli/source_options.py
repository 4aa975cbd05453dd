"""The help text on SOURCE, and the options of every command that audits one."""

from __future__ import annotations

from typing import Any, Callable, Tuple

import click

from graphcut.api.tensor_spec import Spec, parse_spec, start

SOURCE = """
\b
SOURCE is
  a file                  graph.pb  graph.pbtxt  model.meta
  a directory             a SavedModel; --signature picks the function
  a Python function       package.module:function  or  path.py:function

\b
The function can be
  a tf.function with an input signature
  any function, with a --spec for each argument
  a function without arguments that returns what to trace: a tf.Graph, a
    function, or a tuple of a function and its arguments
  a training step, which is audited once for each gradient it computes
"""


def source_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the argument SOURCE and the options of an audit to a command."""
    return click.argument("source", type=click.Path())(audit_options(command))


def audit_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of an audit to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _spec(context: click.Context, parameter: click.Parameter, values: Tuple[str, ...]) -> Tuple[Spec, ...]:
    return tuple(parse_spec(value) for value in values)


def _starts(context: click.Context, parameter: click.Parameter, values: Tuple[str, ...]) -> Tuple[Any, ...]:
    return tuple(start(value) for value in values)


_OPTIONS = (
    click.option("--loss", "losses", multiple=True, metavar="L", help="The loss: a tensor, op or output. Several are summed."),
    click.option(
        "--variables", multiple=True, metavar="PATTERN", help="Audit only these variables: names, or patterns such as 'a/*'."
    ),
    click.option("--signature", metavar="S", help="The signature of a SavedModel."),
    click.option("--stop-gradients", multiple=True, metavar="T", help="A tensor to treat as a constant."),
    click.option(
        "--grad-ys",
        multiple=True,
        callback=_starts,
        metavar="G",
        help="The gradient to start from, one for each --loss: a tensor, a number, or 'none' for ones.",
    ),
    click.option(
        "--tf",
        "oracle",
        metavar="VERSION",
        help="The TensorFlow version to judge by: 'installed', or one such as 2.15. Default: the one that wrote the file.",
    ),
    click.option(
        "--ops", multiple=True, metavar="FILE", help="Gradients of a package's ops, written by graphcut ops --record."
    ),
    click.option(
        "--spec",
        "specs",
        multiple=True,
        callback=_spec,
        metavar="SPEC",
        help="Dtype and shape of an argument, such as 'float32[32,10]'.",
    ),
)
