#!/usr/bin/env python
"""Draw the figures of docs/concepts.md, each by the code that stands above it: ``python docs/concepts/make.py``.

Needs TensorFlow 2.16 or later with its Keras.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))

from fixtures.drawn import without_paths  # noqa: E402
from tests.readme.blocks import text_of  # noqa: E402
from tests.readme.pages import blocks_of, run_blocks  # noqa: E402


def main():
    """Run the page in a folder of its own, and keep its pictures."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        run_blocks(blocks_of(text_of("docs/concepts.md")), "docs/concepts.md")
        for drawn in sorted(Path(folder).glob("*.svg")):
            text = drawn.read_text(encoding="utf-8")
            for root in (folder, folder.replace("-", "&#45;")):
                text = text.replace(root + os.sep, "")
            (FOLDER / drawn.name).write_text(text, encoding="utf-8")
            without_paths(FOLDER / drawn.name)
        os.chdir(str(FOLDER))


if __name__ == "__main__":
    main()
