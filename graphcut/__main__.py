"""``python -m graphcut``."""

from __future__ import annotations

import sys

from graphcut.cli import main

if __name__ == "__main__":
    sys.exit(main())
