"""The version of graphcut; ``setup.cfg`` says the same, and a test compares the two."""

from __future__ import annotations

VERSION = "0.2.0"
