"""Training photos and boxes: one decoded cache on disk, cheap augmentation, a prefetching loader.

Two kinds of source: a teacher's `pseudo.json` (see README.md) or a folder in YOLO format. Mosaic is from Bochkovskiy
et al., "YOLOv4" (2020); photos of rare classes are repeated after Gupta, Dollar, Girshick, "LVIS" (CVPR 2019).
"""

from __future__ import annotations

import json
import os
import queue
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import cv2
import numpy as np
import torch
from torch import Tensor

Boxes = np.ndarray  # rows: class, score, x, y, w, h (fractions of the photo, x and y the top left)
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
GREY = 127
SHARP = 0.8  # long side of a photo, as a share of what it is drawn at, from which it counts as sharp
REDRAWS = 3
SAME_NAMES = {"motorbike": "motorcycle"}  # COCO's lists spell some classes in two ways


@dataclass
class Photo:
    path: Path
    boxes: Boxes


def overlap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """IoU matrix of boxes x, y, w, h (top left)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    inner = np.clip(high - low, 0, None).prod(2)
    return inner / (a[:, 2:].prod(1)[:, None] + b[:, 2:].prod(1)[None] - inner + 1e-9)


def read_yolo_labels(path: Path, ids: dict[int, int]) -> Boxes:
    """A YOLO label file; `ids` maps its class numbers to ours, others are dropped."""
    rows = []
    for line in path.read_text().splitlines():
        fields = line.split()
        if len(fields) >= 5 and int(float(fields[0])) in ids:
            x, y, w, h = (float(v) for v in fields[1:5])
            rows.append((ids[int(float(fields[0]))], 1.0, x - w / 2, y - h / 2, w, h))
    return np.array(rows, np.float32).reshape(-1, 6)


def merge_labels(pseudo: Boxes, human: Boxes) -> Boxes:
    """A person's boxes win over the teacher's of the same class that they overlap."""
    if not len(human):
        return pseudo
    if len(pseudo):
        same = (overlap(pseudo[:, 2:], human[:, 2:]) > 0.45) & (pseudo[:, :1] == human[None, :, 0])
        pseudo = pseudo[~same.any(1)]
    return np.concatenate((human, pseudo))


def load_pseudo(root: Path, pseudo: Path, names: list[str], only: dict[str, list[str]]) -> list[Photo]:
    """Photos with a teacher's boxes. `only`: for a folder, the class names that the teacher may be trusted with."""
    data = json.loads(pseudo.read_text())
    theirs = [SAME_NAMES.get(n, n) for n in data["names"]]
    ids = {theirs.index(n): i for i, n in enumerate(names)}
    photos = []
    for relative, rows in data["boxes"].items():
        path = root / relative
        if not path.exists():
            continue
        allowed = only.get(relative.split("/")[0])
        kept = [(ids[int(r[0])], *r[1:]) for r in rows
                if int(r[0]) in ids and (allowed is None or theirs[int(r[0])] in allowed)]
        boxes = np.array(kept, np.float32).reshape(-1, 6)
        label = path.with_suffix(".txt")
        if label.exists():
            human = read_yolo_labels(label, ids)
            boxes = merge_labels(boxes, human)
        photos.append(Photo(path, boxes))
    return photos


def load_yolo(root: Path, ids: dict[int, int]) -> list[Photo]:
    """A YOLO-format folder: labels beside the photos, or in `labels/` beside `images/`."""
    photos = []
    for path in sorted(p for p in root.rglob("*") if p.suffix.lower() in PHOTO_SUFFIXES):
        beside = path.with_suffix(".txt")
        apart = Path(str(beside).replace("/images/", "/labels/"))
        label = beside if beside.exists() else apart
        photos.append(Photo(path, read_yolo_labels(label, ids) if label.exists() else np.zeros((0, 6), np.float32)))
    return photos


class Cache:
    """Decoded photos, RGB bytes end to end in one file, long side at most `side`, and behind each its half.

    A photo that is shrunk by bilinear sampling, as the runtime does, is sharp and jagged; one that is averaged first is
    soft. Photos must look as they will: so they are kept large and sampled where they become up to twice as small, and
    only what becomes smaller still, in mosaics, is taken from the averaged half.
    """

    def __init__(self, photos: list[Photo], folder: Path, side: int = 288) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        data, index = folder / "photos.bin", folder / "photos.json"
        key = [str(p.path) for p in photos]
        known: dict[str, Any] = json.loads(index.read_text()) if index.exists() else {}
        if known.get("paths") != key or known.get("side") != side or not known.get("halves"):
            known = self._build(photos, key, data, index, side)
        self.shapes: list[tuple[int, int]] = [tuple(s) for s in known["shapes"]]
        self.offsets: list[int] = known["offsets"]
        self.bytes = np.memmap(data, np.uint8, "r")

    @staticmethod
    def _build(photos: list[Photo], key: list[str], data: Path, index: Path, side: int) -> dict[str, Any]:
        shapes, offsets, offset = [], [], 0
        # Another run may have the old file mapped: it keeps that one.
        temporary = data.with_suffix(".tmp")
        with open(temporary, "wb") as out:
            for photo in photos:
                image = cv2.imread(str(photo.path), cv2.IMREAD_COLOR)
                if image is None:
                    image = np.full((32, 32, 3), GREY, np.uint8)
                    photo.boxes = photo.boxes[:0]
                scale = side / max(image.shape[:2])
                if scale < 1:
                    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
                shapes.append(image.shape[:2])
                offsets.append(offset)
                half = cv2.resize(image, half_of(image.shape), interpolation=cv2.INTER_AREA)
                offset += image.size + half.size
                out.write(image.tobytes())
                out.write(half.tobytes())
        known = {"paths": key, "side": side, "halves": True, "shapes": shapes, "offsets": offsets}
        os.replace(temporary, data)
        index.write_text(json.dumps(known))
        return known

    def longest(self, i: int) -> int:
        return max(self.shapes[i])

    def image(self, i: int, side: float, jagged: bool = False) -> np.ndarray:
        """The photo, or its half where that has the `side` wanted, unless `jagged`."""
        (h, w), offset = self.shapes[i], self.offsets[i]
        if side * 2 <= max(h, w) and not jagged:
            offset += h * w * 3
            w, h = half_of((h, w))
        return self.bytes[offset:offset + h * w * 3].reshape(h, w, 3)


def half_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """Width and height of half a photo of height and width `shape`."""
    return max(1, shape[1] // 2), max(1, shape[0] // 2)


def sampling_weights(photos: list[Photo], classes: int, positive: float, empty: float = 0.6) -> np.ndarray:
    """LVIS repeat factors, square root of the wanted over the found share of photos, between 1 and 3."""
    found = np.zeros((len(photos), classes), bool)
    for i, photo in enumerate(photos):
        found[i, photo.boxes[photo.boxes[:, 1] >= positive][:, 0].astype(int)] = True
    share = found.mean(0) + 1e-9
    factor = np.clip(np.sqrt(0.15 / share), 1, 3)
    weights = np.where(found.any(1), (found * factor).max(1), empty)
    return weights / weights.sum()


class Augmenter:
    """Draws training samples of a given size from the cache."""

    def __init__(self, photos: list[Photo], cache: Cache, weights: np.ndarray, seed: int,
                 jagged: float = 0) -> None:
        self.photos, self.cache, self.weights, self.jagged = photos, cache, weights, jagged
        self.random = np.random.default_rng(seed)
        self.cumulative = np.cumsum(weights)

    def draw(self) -> int:
        return min(int(np.searchsorted(self.cumulative, self.random.random())), len(self.photos) - 1)

    def place(self, canvas: np.ndarray, region: tuple[int, int, int, int], nominal: float, spread: float) -> Boxes:
        """Warps a random photo into a region of the canvas; returns its boxes in canvas pixels (corners)."""
        r = self.random
        i = self.draw()
        for _ in range(REDRAWS):  # a photo that would be magnified looks like none that will be seen
            if self.cache.longest(i) >= SHARP * nominal:
                break
            i = self.draw()
        side = nominal * float(np.exp(r.uniform(-spread, spread)))
        image, boxes = self.cache.image(i, side, r.random() < self.jagged), self.photos[i].boxes
        h, w = image.shape[:2]
        x0, y0, x1, y1 = region
        rw, rh = x1 - x0, y1 - y0
        scale = side / max(h, w)
        aspect = float(np.exp(r.uniform(-0.15, 0.15)))
        sx, sy = scale * aspect, scale / aspect
        free_x, free_y = rw - w * sx, rh - h * sy
        tx, ty = r.uniform(0.0, 1.0) * free_x, r.uniform(0.0, 1.0) * free_y
        flip = r.random() < 0.5
        along = -sx if flip else sx
        # warpAffine counts from the middle of the first pixel, boxes from its edge: half a pixel, before and after.
        matrix = np.array([[along, 0, tx + (w * sx if flip else 0) + along / 2 - 0.5], [0, sy, ty + sy / 2 - 0.5]], np.float64)
        patch = cv2.warpAffine(np.ascontiguousarray(image), matrix, (rw, rh), flags=cv2.INTER_LINEAR,
                               borderValue=(GREY, GREY, GREY))
        canvas[y0:y1, x0:x1] = self.colour(patch)
        if not len(boxes):
            return np.zeros((0, 6), np.float32)
        out = boxes.copy()
        left = 1 - boxes[:, 2] - boxes[:, 4] if flip else boxes[:, 2]
        out[:, 2], out[:, 3] = left * w * sx + tx, boxes[:, 3] * h * sy + ty
        out[:, 4], out[:, 5] = out[:, 2] + boxes[:, 4] * w * sx, out[:, 3] + boxes[:, 5] * h * sy
        before = (out[:, 4] - out[:, 2]) * (out[:, 5] - out[:, 3])
        out[:, 2::2], out[:, 3::2] = out[:, 2::2].clip(0, rw), out[:, 3::2].clip(0, rh)
        sides = out[:, 4:6] - out[:, 2:4]
        seen = sides.prod(1) / (before + 1e-9)
        keep = (sides.min(1) > 3) & (seen > 0.2)
        out[(seen < 0.4) & (out[:, 1] < 2), 1] *= 0.5  # a sliver of a thing is a doubtful example
        out = out[keep]
        out[:, 2::2] += x0
        out[:, 3::2] += y0
        return out

    def colour(self, patch: np.ndarray) -> np.ndarray:
        """Brightness, contrast and saturation, by a table per photo."""
        r = self.random
        contrast, bright = np.exp(r.uniform(-0.35, 0.35)), r.uniform(-35, 35)
        tints = r.uniform(-8, 8, 3)
        ramp = np.arange(256, dtype=np.float32)
        table = np.stack([(ramp - 127) * contrast + 127 + bright + t for t in tints], 1).clip(0, 255).astype(np.uint8)
        patch = cv2.LUT(patch, table[None])
        if r.random() < 0.5:
            grey = cv2.cvtColor(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
            amount = float(r.uniform(0, 1) if r.random() < 0.7 else r.uniform(1, 1.5))
            patch = cv2.addWeighted(patch, amount, grey, 1 - amount, 0)
        return patch

    def sample(self, size: int, mosaic: float, base: float) -> tuple[np.ndarray, Boxes]:
        """One training image. `base` is the pixel size a whole photo has at the final resolution."""
        canvas = np.full((size, size, 3), GREY, np.uint8)
        if self.random.random() < mosaic:
            cx, cy = (int(v) for v in self.random.uniform(0.3 * size, 0.7 * size, 2))
            regions = [(0, 0, cx, cy), (cx, 0, size, cy), (0, cy, cx, size), (cx, cy, size, size)]
            parts = [self.place(canvas, q, 0.55 * base, 0.5) for q in regions]
            return canvas, np.concatenate(parts)
        return canvas, self.place(canvas, (0, 0, size, size), base, 0.35)

    def batch(self, count: int, size: int, mosaic: float, base: float, positive: float,
              floor: float) -> tuple[Tensor, Tensor, Tensor]:
        """Images (uint8, N x 3 x H x W, channels last), target rows and ignored rows."""
        images, rows = [], []
        for n in range(count):
            image, boxes = self.sample(size, mosaic, base)
            images.append(image)
            wh = boxes[:, 4:6] - boxes[:, 2:4]
            centre = boxes[:, 2:4] + wh / 2
            number = np.full((len(boxes), 1), n, np.float32)
            rows.append(np.concatenate((number, boxes[:, :1], centre, wh, boxes[:, 1:2]), 1))
        table = torch.from_numpy(np.concatenate(rows).astype(np.float32))
        pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
        score = table[:, 6]
        return pixels, table[score >= positive], table[(score < positive) & (score >= floor)]


class Loader:
    """Prepares batches in threads, one for each augmenter, so that augmentation overlaps the arithmetic."""

    def __init__(self, augmenters: list[Augmenter], depth: int = 3) -> None:
        self.augmenters = augmenters
        self.plan: dict[str, Any] = {}
        self.ready: queue.Queue[Any] = queue.Queue(depth * len(augmenters))

    def _work(self, augmenter: Augmenter) -> None:
        while True:
            plan = dict(self.plan)
            try:
                self.ready.put(augmenter.batch(**plan))
            except Exception as error:  # handed to the trainer, which stops
                self.ready.put(error)
                return

    def batches(self, **plan: Any) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Endless batches; change the plan between them with `update`."""
        self.plan = plan
        for augmenter in self.augmenters:
            threading.Thread(target=self._work, args=(augmenter,), daemon=True).start()
        while True:
            item = self.ready.get()
            if isinstance(item, Exception):
                raise item
            yield item

    def update(self, **plan: Any) -> None:
        self.plan = {**self.plan, **plan}


def cluster_anchors(photos: list[Photo], cache: Cache, size: int, count: int, positive: float,
                    seed: int) -> list[tuple[float, float]]:
    """Anchors by k-means with 1 - IoU as distance (Redmon and Farhadi, "YOLO9000", CVPR 2017), small to large."""
    sides = []
    for i, photo in enumerate(photos):
        h, w = cache.shapes[i]
        chosen = photo.boxes[photo.boxes[:, 1] >= positive]
        sides.append(chosen[:, 4:6] * np.array([w, h], np.float32) * (size / max(h, w)))
    data = np.concatenate(sides)
    random = np.random.default_rng(seed)
    data = data[(data.min(1) > 4)]
    data = data[random.permutation(len(data))[:8000]]
    centres = data[np.argsort(data.prod(1))][np.linspace(0, len(data) - 1, count + 2).astype(int)[1:-1]].copy()
    for _ in range(60):
        inner = np.minimum(data[:, None], centres[None]).prod(2)
        best = (inner / (data.prod(1)[:, None] + centres.prod(1)[None] - inner)).argmax(1)
        for k in range(count):
            if (best == k).any():
                centres[k] = np.median(data[best == k], 0)
    centres = centres[np.argsort(centres.prod(1))]
    return [(float(round(w)), float(round(h))) for w, h in centres]
