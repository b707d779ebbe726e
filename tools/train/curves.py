"""Draws the metrics table of a run as a PNG."""

from __future__ import annotations

import csv
from pathlib import Path


def draw_curves(table: Path, target: Path) -> None:
    """Losses on the left, AP50 by class, its mean and that of AP75 on the right, over minutes. Without matplotlib, does nothing."""
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plot
    except ImportError:
        return
    with open(table, newline="") as source:
        rows = list(csv.DictReader(source))
    if not rows:
        return
    minutes = [float(r["minutes"]) for r in rows]
    figure, (left, right) = plot.subplots(1, 2, figsize=(12, 4.5))
    columns = list(rows[0])
    for name in ("box", "obj", "cls"):
        left.plot(minutes, [float(r[name]) for r in rows], label=name)
    left.set_title("loss (moving mean)")
    for name in columns[columns.index("cls") + 1:]:
        values = [float(r[name]) if r[name] else float("nan") for r in rows]
        bold = name == "mean"
        right.plot(minutes, values, label=name, linewidth=2.5 if bold else 0.9, color="black" if bold else None)
    right.set_title("AP50 (mean75: AP75), averaged weights")
    for axis in (left, right):
        axis.set_xlabel("minutes")
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7, ncol=2)
    figure.tight_layout()
    temporary = target.with_suffix(".tmp.png")
    figure.savefig(temporary, dpi=90)
    plot.close(figure)
    temporary.replace(target)
