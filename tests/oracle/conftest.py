"""Print what parity does not fail for: imprecision, gradients whose values could not be had, TensorFlow's own crashes."""
from __future__ import annotations

from collections import OrderedDict

COUNTED = OrderedDict()


def pytest_terminal_summary(terminalreporter):
    if not COUNTED:
        return
    terminalreporter.section("oracle: %d answers compared" % len(COUNTED.get("compared", ())))
    for kind, places in COUNTED.items():
        if kind != "compared":
            terminalreporter.write_line("%s: %d" % (kind, len(places)))
            for place in places:
                terminalreporter.write_line("  " + place)
