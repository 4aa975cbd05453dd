"""Choose the tests of scenarios that run in one process."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Keep the tests of one fixture together: it is built and audited once in a process."""
    for item in items:
        fixture = getattr(item, "callspec", None) and item.callspec.params.get("fixture")
        if fixture and item.path.parent == HERE:
            item.add_marker(pytest.mark.xdist_group("%s.%s" % (fixture.__module__, fixture.__name__)))
