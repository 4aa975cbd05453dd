"""Compare the audits that two checkouts of graphcut make of the same graph files.

Run ``python tools/compare_checkouts.py OLD NEW [FILE…]`` with the folders of two checkouts; without files, the fixtures of NEW
and the corpus beside it are taken. One process for each checkout audits all files. Compared are the JSON, the table, the
summary, the explanation of every variable and the picture as DOT, or the error. Fields that were renamed or added on purpose
are translated first. Exit code 1: some audit differs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

RENAMED = {"barrier": "kind", "updated": "is_updated", "handed": "optimizer_got_gradient"}
ADDED = {"schema_version"}
SUFFIXES = (".pb", ".pbtxt", ".meta", ".gz")


def graph_files(checkout: Path) -> Iterator[Path]:
    """Return the graph files of the fixtures and of the corpus."""
    for folder in (checkout / "fixtures", checkout.parent / "shared" / "corpus"):
        yield from (path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES and path.is_file())


def recorded_calls(file: Path) -> Iterator[Dict[str, Any]]:
    """Return the losses that the corpus recorded for one of its graphs, with the variables asked about."""
    beside = file.parent / (file.name.split(".")[0] + ".json")
    if beside.exists() and file.name.endswith(".pb.gz"):
        for loss in json.loads(beside.read_text(encoding="utf-8"))["losses"]:
            yield {"loss": loss["loss"], "variables": [loss["tensors"][name] for name in loss["variables"]]}
    records = file.parent / "records.jsonl"
    for line in records.read_text(encoding="utf-8").splitlines() if records.exists() else ():
        record = json.loads(line)
        if record["file"] == file.name:
            yield {key: record[key] for key in ("loss", "variables", "stop_gradients")}


def questions(files: Sequence[Path]) -> List[Dict[str, Any]]:
    """Return the arguments of each audit: a file with its recorded losses, or the file alone."""
    return [{"source": str(file), **call} for file in files for call in [*recorded_calls(file)] or [{}]]


def answers(question: Dict[str, Any]) -> Dict[str, Any]:
    """Make one audit with the graphcut that is imported, and return everything it says."""
    import graphcut

    try:
        audit = graphcut.audit(**question)
        return {
            "json": translated(json.loads(audit.to_json())),
            "table": str(audit),
            "explanations": audit.explain([each.name for each in audit.variables]),
            "dot": audit.to_dot(),
        }
    except (graphcut.GraphcutError, TypeError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def translated(value: Any) -> Any:
    """Return a document with the names of today."""
    if isinstance(value, list):
        return [translated(each) for each in value]
    if isinstance(value, dict):
        return {RENAMED.get(key, key): translated(each) for key, each in value.items() if key not in ADDED}
    return value


def collect(checkout: Path, asked: Sequence[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Make the audits with one checkout, in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--answer"]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, cwd=str(checkout), env=environment, input=json.dumps(asked).encode(), stdout=subprocess.PIPE, check=True
    )
    found: List[Dict[str, Any]] = json.loads(done.stdout.decode())
    return found


def main(arguments: List[str]) -> int:
    """Audit every file twice and print those that differ."""
    if arguments[:1] == ["--answer"]:
        print(json.dumps([answers(question) for question in json.load(sys.stdin)]))
        return 0
    old, new = (Path(each).resolve() for each in arguments[:2])
    files = [Path(each).resolve() for each in arguments[2:]] or list(graph_files(new))
    asked, different = questions(files), 0
    before, after = collect(old, asked), collect(new, asked)
    for question, one, other in zip(asked, before, after):
        parts = [part for part in {**one, **other} if one.get(part) != other.get(part)]
        if parts:
            different += 1
            print("differs: %s, loss %s (%s)" % (question["source"], question.get("loss"), ", ".join(parts)))
    refused = sum("error" in answer for answer in after)
    print("%d audits of %d files (%d of them refused), %d differ" % (len(asked), len(files), refused, different))
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
