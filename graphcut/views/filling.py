"""The templates of this room: what they are filled with is escaped, and a name that they are not given is an error."""

from __future__ import annotations

from typing import Any


def templates() -> Any:
    """A Jinja2 environment over ``templates/``."""
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader("graphcut.views", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
