"""AP50 and AP75 on a YOLO-format folder: letterbox, score >= 0.001, NMS 0.45 per class, area under the full curve (VOC 2010+)."""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from data import SAME_NAMES, Boxes, Photo, load_yolo, overlap
from model import Spec, decode

SCORE_FLOOR = 0.001
NMS_IOU = 0.45
TRUTH = 0.4  # a teacher's score from which its box counts as true, where a teacher's boxes are measured against
CANDIDATES = 400


@dataclass
class Sample:
    pixels: np.ndarray
    truth: Boxes  # class, score, x, y, w, h in letterboxed input pixels


def letterbox(image: np.ndarray, size: int) -> tuple[np.ndarray, float, int, int]:
    """RGB photo into a grey (127) square, resized as the runtime does; returns it with the scale and the offsets."""
    h, w = image.shape[:2]
    scale = size / max(h, w)
    nw, nh = max(1, round(w * scale)), max(1, round(h * scale))
    left, top = (size - nw) // 2, (size - nh) // 2
    out = np.full((size, size, 3), 127, np.uint8)
    out[top:top + nh, left:left + nw] = cv2.resize(image, (nw, nh), interpolation=cv2.INTER_LINEAR)
    return out, scale, left, top


def hold_back(photos: list[Photo], share: float) -> tuple[list[Photo], list[Photo]]:
    """Photos to train on, and photos to choose by. A photo's folder and name decide, so every run holds back the same."""
    def position(photo: Photo) -> float:
        name = "/".join(photo.path.parts[-2:])
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32

    return [p for p in photos if position(p) >= share], [p for p in photos if position(p) < share]


def load_samples(photos: list[Photo], size: int) -> list[Sample]:
    samples = []
    for photo in photos:
        image = cv2.imread(str(photo.path), cv2.IMREAD_COLOR)
        if image is None:
            continue
        h, w = image.shape[:2]
        pixels, scale, left, top = letterbox(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), size)
        truth = photo.boxes[photo.boxes[:, 1] >= TRUTH]
        truth[:, 2:] *= np.array([w, h, w, h], np.float32) * scale
        truth[:, 2:4] += (left, top)
        samples.append(Sample(pixels, truth))
    return samples


def suppress(boxes: np.ndarray, scores: np.ndarray, limit: float = NMS_IOU) -> list[int]:
    """Greedy non-maximum suppression; boxes x, y, w, h (top left)."""
    order = scores.argsort()[::-1]
    table = overlap(boxes[order], boxes[order]) > limit
    alive = np.ones(len(order), bool)
    for i in range(len(order)):
        if alive[i]:
            alive[i + 1:] &= ~table[i, i + 1:]
    return [int(k) for k in order[alive]]


def detect(model: nn.Module, spec: Spec, pixels: list[np.ndarray]) -> list[np.ndarray]:
    """Detections per image: rows of class, score, x, y, w, h in input pixels."""
    device = next(model.parameters()).device
    batch = torch.from_numpy(np.stack(pixels)).to(device).permute(0, 3, 1, 2).float().div(255)
    with torch.no_grad():
        heads = model(batch.contiguous(memory_format=torch.channels_last))
        output = decode(heads, spec, batch.shape[-1]).cpu().numpy()
    found = []
    for rows in output:
        corner = np.concatenate((rows[:, :2] - rows[:, 2:4] / 2, rows[:, 2:4]), 1)
        scores = rows[:, 4:5] * rows[:, 5:]
        parts = []
        for c in range(scores.shape[1]):
            chosen = np.flatnonzero(scores[:, c] >= SCORE_FLOOR)
            chosen = chosen[scores[chosen, c].argsort()[::-1][:CANDIDATES]]
            kept = chosen[suppress(corner[chosen], scores[chosen, c])] if len(chosen) else chosen
            parts.append(np.concatenate((np.full((len(kept), 1), c), scores[kept, c:c + 1], corner[kept]), 1))
        found.append(np.concatenate(parts))
    return found


def marks(found: list[np.ndarray], truth: list[Boxes], c: int, match: float) -> list[np.ndarray]:
    """For each photo, rows of the score of a detection of class `c`, and 1 where it found a box that none had found."""
    result = []
    for rows, boxes in zip(found, truth):
        mine, real = rows[rows[:, 0] == c], boxes[boxes[:, 0] == c]
        mine = mine[mine[:, 1].argsort()[::-1]]
        hits = np.zeros(len(mine))
        taken = np.zeros(len(real), bool)
        ious = overlap(mine[:, 2:], real[:, 2:])
        for i in range(len(mine) if len(real) else 0):
            best = int(ious[i].argmax())
            hits[i] = ious[i, best] >= match and not taken[best]
            taken[best] |= bool(hits[i])
        result.append(np.stack((mine[:, 1], hits), 1))
    return result


def area(parts: list[np.ndarray], total: int) -> float:
    """Area under the curve of precision over recall, made monotonic; `total` boxes are true."""
    rows = np.concatenate(parts)
    rows = rows[(-rows[:, 0]).argsort(kind="stable")]
    hits = np.cumsum(rows[:, 1])
    recall = np.concatenate(([0.0], hits / total, [1.0]))
    precision = np.concatenate(([1.0], hits / np.arange(1, len(hits) + 1), [0.0]))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(((recall[1:] - recall[:-1]) * envelope[1:]).sum())


def class_counts(truth: list[Boxes], c: int) -> np.ndarray:
    """True boxes of class `c`, for each photo."""
    return np.array([int((t[:, 0] == c).sum()) for t in truth])


def average_precision(found: list[np.ndarray], truth: list[Boxes], classes: int,
                      match: float = 0.5) -> list[float | None]:
    """AP per class at the IoU `match`; None where no photo shows the class."""
    totals = [int(class_counts(truth, c).sum()) for c in range(classes)]
    return [area(marks(found, truth, c, match), total) if total else None for c, total in enumerate(totals)]


def bootstrap(found: list[np.ndarray], truth: list[Boxes], classes: int, match: float, rounds: int,
              seed: int = 1) -> list[tuple[float, float]]:
    """95 % intervals of AP per class, and of their mean last: photos drawn with replacement, percentiles (Efron, 1979)."""
    random = np.random.default_rng(seed)
    parts = [marks(found, truth, c, match) for c in range(classes)]
    counts = [class_counts(truth, c) for c in range(classes)]
    results = np.full((rounds, classes + 1), np.nan)
    for row in results:
        drawn = random.integers(0, len(truth), len(truth))
        for c in range(classes):
            total = int(counts[c][drawn].sum())
            if total:
                row[c] = area([parts[c][i] for i in drawn], total)
        row[classes] = np.nanmean(row[:classes])
    return [(float(low), float(high)) for low, high in np.nanpercentile(results, (2.5, 97.5), axis=0).T]


def detect_all(model: nn.Module, spec: Spec, samples: list[Sample]) -> list[np.ndarray]:
    model.eval()
    found: list[np.ndarray] = []
    for start in range(0, len(samples), 16):
        found += detect(model, spec, [s.pixels for s in samples[start:start + 16]])
    return found


def measure(model: nn.Module, spec: Spec, samples: list[Sample]) -> dict[str, float | None]:
    """AP50 by class name, their mean under "mean", and the mean of AP75 under "mean75"."""
    found, truth = detect_all(model, spec, samples), [s.truth for s in samples]
    scores, tight = (average_precision(found, truth, len(spec.names), match) for match in (0.5, 0.75))
    return {"mean": mean(scores), "mean75": mean(tight), **dict(zip(spec.names, scores))}


def mean(scores: list[float | None]) -> float | None:
    """Of the classes that any photo shows."""
    present = [s for s in scores if s is not None]
    return float(np.mean(present)) if present else None


def main() -> None:
    from export_darknet import read_cfg_spec, read_weights
    from model import Detector

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cfg", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("photos", type=Path, help="folder in YOLO format")
    parser.add_argument("--names", type=Path, required=True, help="the model's class names, one per line")
    parser.add_argument("--label-names", type=Path, required=True, help="class names behind the label files' numbers")
    parser.add_argument("--alias", action="append", default=[], help="LABEL=MODEL, e.g. motorbike=motorcycle")
    parser.add_argument("--size", type=int)
    parser.add_argument("--bootstrap", type=int, default=0, metavar="ROUNDS", help="95 %% intervals, e.g. of 2000 rounds")
    args = parser.parse_args()
    spec = read_cfg_spec(args.cfg, args.names)
    model = Detector(spec)
    read_weights(model, args.weights)
    ids = class_ids(args.label_names, list(spec.names), args.alias)
    samples = load_samples(load_yolo(args.photos, ids), args.size or spec.size)
    model.to(memory_format=torch.channels_last)
    print(json.dumps(measure(model, spec, samples), indent=2))
    if args.bootstrap:
        found, truth = detect_all(model, spec, samples), [s.truth for s in samples]
        for match in (0.5, 0.75):
            intervals = bootstrap(found, truth, len(spec.names), match, args.bootstrap)
            named = zip([*spec.names, "mean"], intervals)
            print(f"AP{match * 100:.0f}", ", ".join(f"{name} {low:.3f} to {high:.3f}" for name, (low, high) in named))


def class_ids(label_names: Path, names: list[str], aliases: list[str]) -> dict[int, int]:
    """Label numbers to model numbers by name; COCO's two spellings of motorcycle are the same."""
    same = {**SAME_NAMES, **dict(a.split("=", 1) for a in aliases)}
    labels = [same.get(n.strip(), n.strip()) for n in label_names.read_text().splitlines() if n.strip()]
    return {i: names.index(n) for i, n in enumerate(labels) if n in names}


if __name__ == "__main__":
    main()
