"""A real Chromium, headless, for the tests of pages."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from importlib.util import find_spec

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable():
    """The path of a Chromium: the one in GRAPHCUT_CHROMIUM, else the first that is installed; ``None`` without one."""
    return os.environ.get("GRAPHCUT_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def missing():
    """Return what is missing, as the reason of a skipped test; empty if nothing is."""
    if not find_spec("playwright"):
        return "playwright is not installed (pip install playwright)"
    return "" if executable() else f"no browser: none of {', '.join(NAMES)} is installed (apt install chromium)"


@contextmanager
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        yield browser
        browser.close()
