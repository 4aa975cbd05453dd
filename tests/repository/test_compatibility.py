"""The page about versions of TensorFlow agrees with the records."""

from __future__ import annotations

import subprocess
import sys

from tests.repository.measure import ROOT

PRINT = "import runpy; print(runpy.run_path('tools/make_compatibility.py')['page'](), end='')"


def test_the_page_is_what_the_records_say():
    done = subprocess.run([sys.executable, "-c", PRINT], cwd=str(ROOT), stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode("utf-8") == (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
