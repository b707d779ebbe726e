"""A tiny synthetic data set in YOLO format: bright squares and discs on noise."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def make_dataset(folder: Path, seed: int, count: int = 48, side: int = 128) -> tuple[Path, Path]:
    """Writes photos and labels; returns the folder and the file of class names."""
    random = np.random.default_rng(seed)
    photos = folder / "photos"
    photos.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        image = random.integers(0, 90, (side, side, 3), np.uint8)
        lines = []
        for _ in range(int(random.integers(1, 4))):
            half = int(random.integers(10, 28))
            x, y = (int(v) for v in random.integers(half, side - half, 2))
            kind = int(random.integers(0, 2))
            colour = tuple(int(v) for v in random.integers(150, 255, 3))
            if kind == 0:
                cv2.rectangle(image, (x - half, y - half), (x + half, y + half), colour, -1)
            else:
                cv2.circle(image, (x, y), half, colour, -1)
            lines.append(f"{kind} {x / side:.5f} {y / side:.5f} {2 * half / side:.5f} {2 * half / side:.5f}")
        cv2.imwrite(str(photos / f"{n:03d}.png"), image)
        (photos / f"{n:03d}.txt").write_text("\n".join(lines) + "\n")
    names = folder / "names.txt"
    names.write_text("square\ndisc\n")
    return photos, names
