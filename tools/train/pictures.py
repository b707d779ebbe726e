"""A folder of pictures as one array of bytes, decoded once; what the DCGAN and MAE recipes train on."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from data import PHOTO_SUFFIXES


def load_pictures(root: Path, side: int, cache: Path) -> np.ndarray:
    """N x side x side x 3 bytes, RGB: the middle square of every picture below `root`, in the order of their paths."""
    paths = sorted(p for p in root.rglob("*") if p.suffix.lower() in PHOTO_SUFFIXES)
    key = {"side": side, "paths": [str(p) for p in paths]}
    index, data = cache / "pictures.json", cache / "pictures.npy"
    if index.exists() and data.exists() and json.loads(index.read_text()) == key:
        return np.load(data, mmap_mode="r")
    if not paths:
        raise SystemExit(f"{root}: no pictures")
    rows = []
    for path in paths:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise SystemExit(f"{path}: can't be decoded")
        rows.append(middle_square(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), side))
    cache.mkdir(parents=True, exist_ok=True)
    np.save(data, np.stack(rows))
    index.write_text(json.dumps(key))
    return np.load(data, mmap_mode="r")


def middle_square(image: np.ndarray, side: int) -> np.ndarray:
    h, w = image.shape[:2]
    short = min(h, w)
    top, left = (h - short) // 2, (w - short) // 2
    square = image[top:top + short, left:left + short]
    if short == side:
        return square
    method = cv2.INTER_AREA if short > side else cv2.INTER_CUBIC
    return cv2.resize(square, (side, side), interpolation=method)


def make_pictures(folder: Path, seed: int, count: int = 64, side: int = 64) -> Path:
    """Skies over hills, so that a smoke test has something to learn."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        rows = np.linspace(0, 1, side)[:, None, None]
        sky = np.array([230, 190, 120]) + random.integers(-25, 25, 3)
        image = np.repeat(sky * (1 - 0.4 * rows), side, 1).clip(0, 255).astype(np.uint8)
        horizon = int(random.integers(side // 3, 3 * side // 4))
        ground = tuple(int(v) for v in random.integers(30, 130, 3))
        cv2.ellipse(image, (int(random.integers(0, side)), side), (side, side - horizon), 0, 0, 360, ground, -1)
        cv2.imwrite(str(folder / f"{n:03d}.png"), image)
    return folder


def grid(pictures: np.ndarray, target: Path, columns: int = 8) -> None:
    """Pictures (N x H x W x 3 bytes, RGB) side by side in one PNG."""
    whole = len(pictures) // columns * columns
    rows = [np.hstack(pictures[i:i + columns]) for i in range(0, whole, columns)]
    cv2.imwrite(str(target), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
