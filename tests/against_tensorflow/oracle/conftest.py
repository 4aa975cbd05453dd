"""The order of the tests that share what both sides answer."""

from __future__ import annotations


def pytest_collection_modifyitems(items):
    """Put the tests of one case in one mode beside each other, so that its graphs need not be kept for the whole run."""
    places = [at for at, item in enumerate(items) if item.path.name == "test_parity.py"]
    ordered = sorted((items[at] for at in places), key=lambda item: item.callspec.id)
    for at, item in zip(places, ordered):
        items[at] = item
