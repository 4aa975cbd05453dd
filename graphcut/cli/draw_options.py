"""The options of ``graphcut draw`` that control what is drawn, and how."""

from __future__ import annotations

from typing import Any, Callable, Dict

import click

_OPTIONS = (
    click.option(
        "--detail",
        type=click.Choice(["variables", "scopes", "ops"]),
        help="How much to fold. Default: it depends on the size.",
    ),
    click.option("--expand", multiple=True, metavar="OPS", help="Never fold these ops, such as 'encoder/*'."),
    click.option("--around", multiple=True, metavar="OPS", help="Draw only what is near these ops."),
    click.option("--hops", type=click.IntRange(0), metavar="N", help="How many edges away still counts as near (3)."),
    click.option("--of", multiple=True, metavar="VARIABLES", help="Draw only the paths and cuts of these variables."),
    click.option("--link", metavar="URL", help="Link each op to your code, such as 'vscode://file/{file}:{line}'."),
    click.option("--engine", type=click.Choice(["wasm", "dot"]), help="The layout engine."),
    click.option("--seconds", type=click.FloatRange(0, min_open=True), metavar="S", help="Time limit for the layout (30)."),
)
_NAMES = ("detail", "expand", "around", "hops", "of", "link", "engine", "seconds")


def options(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with these options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_draw_options(given: Dict[str, Any]) -> Dict[str, Any]:
    """Take the drawing options out of ``given``, under the names of ``audit.draw``."""
    result = {name: given.pop(name) for name in _NAMES}
    return {name: value for name, value in result.items() if value not in (None, ())}
