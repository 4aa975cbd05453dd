"""Order the tests that share a graph."""

from __future__ import annotations

SHARED = ("test_parity.py", "test_training_files.py")


def pytest_collection_modifyitems(items):
    """Run the tests of a group one after the other, so its graph is not kept for the whole run."""
    for name in SHARED:
        places = [at for at, item in enumerate(items) if item.path.name == name and group_of(item)]
        ordered = sorted((items[at] for at in places), key=group_of)
        for at, item in zip(places, ordered):
            items[at] = item


def group_of(item):
    """The name of the group of a test, or nothing."""
    mark = item.get_closest_marker("xdist_group")
    return mark and mark.args[0]
