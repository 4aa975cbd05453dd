"""Pictures that can be asked: ``page`` for a browser, ``notebook`` for Jupyter, ``explorer`` for Model Explorer.

They show what ``report`` says beside what ``drawing`` draws and judge nothing. Jinja2 is imported when a page is made.
"""

from __future__ import annotations

from graphcut.views.page import draw, page

__all__ = ["draw", "page"]
