"""Compare the audits that two checkouts of graphcut make of the same graph files.

Run ``python tools/compare_checkouts.py OLD NEW FILE…`` with the folders of two checkouts; without files, the fixtures of NEW
and the corpus beside it are taken. Each file is audited by ``graphcut audit FILE --json -`` of both, in processes of their
own. Field names that changed on purpose are translated first. Exit code 1: some audit differs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, List, Sequence, Tuple

RENAMED = {"barrier": "kind", "updated": "is_updated", "handed": "optimizer_got_gradient"}
SUFFIXES = (".pb", ".pbtxt", ".meta", ".gz")


def graph_files(checkout: Path) -> Iterator[Path]:
    """The graph files of the fixtures and of the corpus."""
    for folder in (checkout / "fixtures", checkout.parent / "shared" / "corpus"):
        yield from (path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES and path.is_file())


def audited(checkout: Path, file: Path, options: Sequence[str]) -> Tuple[int, Any]:
    """The exit code, and the JSON or the message."""
    command = [sys.executable, "-m", "graphcut", "audit", str(file), "--json", "-", *options]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, cwd=str(checkout), env=environment, capture_output=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr.decode()


def translated(value: Any) -> Any:
    """A document with the names of today."""
    if isinstance(value, list):
        return [translated(each) for each in value]
    if isinstance(value, dict):
        return {RENAMED.get(key, key): translated(each) for key, each in value.items()}
    return value


def main(arguments: List[str]) -> int:
    """Audit every file twice and print those that differ."""
    old, new = (Path(each).resolve() for each in arguments[:2])
    files = [Path(each).resolve() for each in arguments[2:]] or list(graph_files(new))
    different = 0
    for file in files:
        before, after = audited(old, file, ()), audited(new, file, ())
        if (before[0], translated(before[1])) != (after[0], translated(after[1])):
            different += 1
            print("differs: %s (exit codes %d and %d)" % (file, before[0], after[0]))
    print("%d files, %d differ" % (len(files), different))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
