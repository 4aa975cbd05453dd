"""The plot of a run: seconds of CPU by the number of ops, both logarithmic."""

from __future__ import annotations

from typing import Sequence

from benchmarks.measure import Point


def plot(points: Sequence[Point], path: str) -> None:
    """Write the points to an SVG, a line for each of those who were measured. Needs matplotlib."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "graphcut"  # the same ids in every run
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    for who in dict.fromkeys(point.who for point in points):
        line = sorted((point.ops, point.seconds) for point in points if point.who == who)
        axes.plot(*zip(*line), marker="o", label=who)
    axes.set(xscale="log", yscale="log", xlabel="ops in the graph", ylabel="seconds of CPU")
    axes.grid(True, which="major", alpha=0.3)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
