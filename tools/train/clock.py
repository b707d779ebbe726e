"""What all runs share: a schedule by the clock, checkpoints, a table of figures and its curves."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path
from typing import Any

import torch


class Clock:
    """Progress from 0 to 1 over a wall-clock budget; after a resume it goes on from where it was."""

    def __init__(self, minutes: float, first: float = 0.0) -> None:
        self.minutes, self.first, self.start = minutes, first, time.time()

    def elapsed(self) -> float:
        return (time.time() - self.start) / 60

    def progress(self) -> float:
        return self.first + (1 - self.first) * min(1.0, self.elapsed() / self.minutes)


class Every:
    """True once in so many minutes."""

    def __init__(self, minutes: float) -> None:
        self.minutes, self.last = minutes, time.time()

    def __call__(self) -> bool:
        if time.time() - self.last < self.minutes * 60:
            return False
        self.last = time.time()
        return True


def save_atomically(state: Any, path: Path) -> None:
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def load_checkpoint(path: Path, resume: bool) -> dict[str, Any] | None:
    if not resume:
        return None
    if not path.exists():
        raise SystemExit(f"--resume: there is no {path}")
    state: dict[str, Any] = torch.load(path, map_location="cpu")
    return state


def add_row(table: Path, row: dict[str, float]) -> None:
    fresh = not table.exists()
    with open(table, "a", newline="") as out:
        writer = csv.writer(out)
        if fresh:
            writer.writerow(row)
        writer.writerow([f"{v:.6g}" for v in row.values()])


def draw_columns(table: Path, target: Path, panels: list[list[str]]) -> None:
    """Columns of the table over minutes, a panel for each list. Without matplotlib, does nothing."""
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plot
    except ImportError:
        return
    with open(table, newline="") as source:
        rows = list(csv.DictReader(source))
    figure, axes = plot.subplots(1, len(panels), figsize=(6 * len(panels), 4), squeeze=False)
    for axis, names in zip(axes[0], panels):
        for name in names:
            axis.plot([float(r["minutes"]) for r in rows], [float(r[name]) for r in rows], label=name)
        axis.set_xlabel("minutes")
        axis.grid(alpha=0.3)
        axis.legend()
    figure.tight_layout()
    temporary = target.with_suffix(".tmp.png")
    figure.savefig(temporary, dpi=90)
    plot.close(figure)
    temporary.replace(target)
