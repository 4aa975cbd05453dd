"""Draw the packages of graphcut and the imports between them, as a Mermaid diagram inside ``docs/architecture.md``.

Run ``python tools/draw_architecture.py``; with ``--check`` it only says whether the diagram is up to date.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path
from typing import Dict, Iterator, List, Tuple

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- imports: begin -->\n", "<!-- imports: end -->"
# The layers of setup.cfg, top first; what stands in one layer does not import its neighbours.
LAYERS: Tuple[Tuple[str, ...], ...] = (
    ("cli", "keras", "pytest_plugin", "testing"),
    ("contracts",),
    ("api",),
    ("render", "backend"),
    ("analysis",),
    ("graph",),
    ("results", "util"),
    ("errors",),
)


def entry(module: str) -> str:
    """The top-level entry that a dotted module of graphcut belongs to."""
    return module.split(".")[1] if "." in module else ""


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """The modules of graphcut that a file imports, inside of functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "graphcut":
            names = [alias.name for alias in node.names] if node.module == "graphcut" else [""]
            yield from (".".join(filter(None, (node.module, name))) for name in names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "graphcut")


def count_imports() -> Dict[Tuple[str, str], int]:
    """How many modules of one entry import another entry."""
    counts: Counter = Counter()
    for path in sorted((ROOT / "graphcut").rglob("*.py")):
        own = path.relative_to(ROOT / "graphcut").with_suffix("").parts[0]
        targets = {entry(name) for name in imported_modules(ast.parse(path.read_text(encoding="utf-8")))}
        counts.update((own, target) for target in targets if target and target != own)
    return dict(counts)


def diagram() -> str:
    """The Mermaid text: a row for each layer, an arrow for each pair of entries of which one imports the other."""
    known = [name for layer in LAYERS for name in layer]
    lines = ["```mermaid", "flowchart TD"]
    for number, layer in enumerate(LAYERS):
        lines += ['    subgraph layer%d [" "]' % number, *('        %s_["%s"]' % (name, name) for name in layer), "    end"]
    counts = count_imports()
    for (source, target), _ in sorted(counts.items()):
        if source in known and target in known and target not in ("errors", "util", "results"):
            lines.append("    %s_ --> %s_" % (source, target))
    return "\n".join([*lines, "```", ""])


def main(arguments: List[str]) -> int:
    """Write the diagram, or check it."""
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    fresh = head + BEGIN + diagram() + END + tail
    if "--check" in arguments:
        return 0 if fresh == text else 1
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
