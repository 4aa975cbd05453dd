"""Read the corpus: graphs of public packages and, for each loss, the variables that got a gradient.

The folder is beside the checkout and is not part of the project. A *record* is one call of ``tf.gradients``: a
gzipped ``GraphDef``, a loss, the tensors asked about, and for each whether TensorFlow answered a tensor or ``None``.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, Tuple

FOLDER = Path(__file__).resolve().parents[3].parent / "shared" / "corpus"


@dataclass(frozen=True)
class Record:
    """One recorded call; ``version`` is the TensorFlow that answered, major and minor."""

    name: str
    file: Path
    version: Tuple[int, int]
    loss: Any
    variables: Tuple[str, ...]
    connected: Tuple[bool, ...]
    stop_gradients: Tuple[str, ...] = ()

    def unpacked(self, folder: Path) -> str:
        """The path of the ``GraphDef``, unpacked into ``folder``."""
        path = folder / self.file.name[: -len(".gz")]
        path.write_bytes(gzip.decompress(self.file.read_bytes()))
        return str(path)

    def none(self) -> Tuple[str, ...]:
        """The tensors for which TensorFlow answered ``None``."""
        return tuple(name for name, tensor in zip(self.variables, self.connected) if not tensor)


def graphs() -> Tuple[Record, ...]:
    """One record for each loss of each graph."""
    return tuple(record for path in sorted(FOLDER.glob("*.json")) for record in _of_graph(json.loads(path.read_text())))


def trfl() -> Tuple[Record, ...]:
    """One record for each call of ``tf.gradients`` in the tests of trfl."""
    path = FOLDER / "trfl" / "records.jsonl"
    return tuple(_of_trfl(json.loads(line)) for line in path.read_text().splitlines()) if path.exists() else ()


def _of_graph(graph: Any) -> Iterator[Record]:
    for loss in graph["losses"]:
        connected = {loss["tensors"][name]: tensor for name, tensor in loss["variables"].items()}
        yield Record(
            "%s/%s" % (graph["name"], loss["tag"]),
            FOLDER / graph["file"],
            _version(graph["tf"]),
            loss["loss"],
            tuple(connected),
            tuple(connected.values()),
        )


def _of_trfl(record: Any) -> Record:
    return Record(
        record["where"],
        FOLDER / "trfl" / record["file"],
        _version(record["tf"]),
        record["loss"],
        tuple(record["variables"]),
        tuple(record["connected"]),
        tuple(record["stop_gradients"]),
    )


def _version(text: str) -> Tuple[int, int]:
    major, minor = text.split(".")[:2]
    return int(major), int(minor)
