"""Labels photos with a teacher detector and writes a `pseudo.json`. The teacher is a darknet cfg with weights, run by
OpenCV, or NanoDet-Plus as ncnn's param and bin, run by PyTorch.

The format is the one `train_detector.py --pseudo` reads: {"names": [...], "boxes": {path: [[class, score, x, y, w, h],
...]}}, fractions, x and y the top left. Photos that look like one of `--exclude` (64-bit difference hash, at most four
bits apart, mirrored too) are left out, so that what is measured on is never trained on.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from data import PHOTO_SUFFIXES
from evaluate import suppress
from nanodet import NanoDet

ALIKE_BITS = 4


def difference_hash(image: np.ndarray) -> np.ndarray:
    """64 bits: whether each of 8 x 8 grey cells is darker than its right neighbour."""
    small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (9, 8), interpolation=cv2.INTER_AREA)
    return (small[:, :-1] < small[:, 1:]).reshape(-1)


def load_teacher(cfg: Path, weights: Path, floor: float) -> cv2.dnn.Net:
    """OpenCV's own threshold (0.2 unless the cfg says otherwise) is lowered to `floor`."""
    text = re.sub(r"^\s*thresh\s*=.*$", "", cfg.read_text(), flags=re.MULTILINE)
    text = text.replace("[yolo]", f"[yolo]\nthresh={floor}")
    with tempfile.NamedTemporaryFile("w", suffix=".cfg", delete=False) as out:
        out.write(text)
    try:
        return cv2.dnn.readNetFromDarknet(out.name, str(weights))
    finally:
        os.unlink(out.name)


class Darknet:
    """A network per input shape: OpenCV allocates anew whenever the shape changes, which costs more than the run."""

    def __init__(self, cfg: Path, weights: Path, floor: float) -> None:
        self.cfg, self.weights, self.floor = cfg, weights, floor
        self.nets: dict[tuple[int, int], cv2.dnn.Net] = {}

    def rows(self, image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Centre x, centre y, w, h as fractions, objectness, class scores (objectness in them)."""
        if shape not in self.nets:
            self.nets[shape] = load_teacher(self.cfg, self.weights, self.floor)
        net = self.nets[shape]
        net.setInput(cv2.dnn.blobFromImage(image, 1 / 255, shape, swapRB=True))
        return np.concatenate(net.forward(net.getUnconnectedOutLayersNames()))


class Network(Protocol):
    def rows(self, image: np.ndarray, shape: tuple[int, int]) -> np.ndarray: ...


class Teacher:
    def __init__(self, network: Network, sizes: list[int], floor: float, keep_shape: bool, flip: bool) -> None:
        self.network, self.sizes, self.floor, self.keep_shape, self.flip = network, sizes, floor, keep_shape, flip

    def shape(self, image: np.ndarray, size: int) -> tuple[int, int]:
        """Width and height fed to the network: a square, or the nearest of 4:3, 1:1 and 3:4."""
        ratio = image.shape[1] / image.shape[0]
        short = round(size * 0.75 / 32) * 32
        if not self.keep_shape or 0.87 < ratio < 1.15:
            return size, size
        return (size, short) if ratio > 1 else (short, size)

    def views(self, image: np.ndarray) -> np.ndarray:
        """The rows of all sizes, and of the mirrored photo."""
        mirrored = np.ascontiguousarray(image[:, ::-1])
        found = []
        for size in self.sizes:
            shape = self.shape(image, size)
            found.append(self.network.rows(image, shape))
            if self.flip:
                rows = self.network.rows(mirrored, shape)
                rows[:, 0] = 1 - rows[:, 0]
                found.append(rows)
        return np.concatenate(found)

    def label(self, image: np.ndarray) -> list[list[float]]:
        """Boxes of all sizes together, the surer first: small inputs see large things best, and the other way round."""
        rows = self.views(image)
        corner = np.concatenate((rows[:, :2] - rows[:, 2:4] / 2, rows[:, 2:4]), 1)
        found = []
        for c in np.flatnonzero((rows[:, 5:] >= self.floor).any(0)):
            chosen = np.flatnonzero(rows[:, 5 + c] >= self.floor)
            if len(chosen):
                for k in chosen[suppress(corner[chosen], rows[chosen, 5 + c])]:
                    low = corner[k, :2].clip(0, 1)
                    high = (corner[k, :2] + corner[k, 2:]).clip(0, 1)
                    values = [rows[k, 5 + c], *low, *(high - low)]
                    found.append([int(c), *(round(float(v), 4) for v in values)])
        return sorted(found, key=lambda r: -r[1])[:60]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cfg", type=Path, help="darknet teacher, with --weights")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--ncnn", type=Path, help="NanoDet-Plus teacher: its param file, with --bin")
    parser.add_argument("--bin", type=Path)
    parser.add_argument("--names", type=Path, required=True, help="the teacher's class names, one per line")
    parser.add_argument("--photos", type=Path, required=True, help="folder, searched in depth")
    parser.add_argument("--exclude", type=Path, action="append", default=[], help="folder of photos not to train on")
    parser.add_argument("--size", default="320", help="input sizes; with several, as 320,512, their boxes are merged")
    parser.add_argument("--keep-shape", action="store_true", help="feed about the photo's shape instead of a square")
    parser.add_argument("--flip", action="store_true", help="see the mirrored photo too, and merge the boxes")
    parser.add_argument("--floor", type=float, default=0.05)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if bool(args.cfg and args.weights) == bool(args.ncnn and args.bin):
        parser.error("give --cfg with --weights, or --ncnn with --bin")
    cv2.setNumThreads(1)
    network = Darknet(args.cfg, args.weights, args.floor) if args.cfg else NanoDet(args.ncnn, args.bin, args.floor)
    teacher = Teacher(network, [int(v) for v in args.size.split(",")], args.floor, args.keep_shape, args.flip)
    hashes = []
    for folder in args.exclude:
        for path in (p for p in folder.rglob("*") if p.suffix.lower() in PHOTO_SUFFIXES):
            image = cv2.imread(str(path))
            if image is not None:
                hashes += [difference_hash(image), difference_hash(np.ascontiguousarray(image[:, ::-1]))]
    known = np.array(hashes, bool).reshape(-1, 64)
    boxes: dict[str, list[list[float]]] = {}
    excluded = unreadable = 0
    paths = sorted(p for p in args.photos.rglob("*") if p.suffix.lower() in PHOTO_SUFFIXES)
    for n, path in enumerate(paths):
        image = cv2.imread(str(path))
        if image is None:
            unreadable += 1
            continue
        if len(known) and int((known != difference_hash(image)).sum(1).min()) <= ALIKE_BITS:
            excluded += 1
            continue
        boxes[str(path.relative_to(args.photos))] = teacher.label(image)
        if (n + 1) % 200 == 0:
            print(f"{n + 1} of {len(paths)} photos", flush=True)
    names = [n for n in args.names.read_text().splitlines() if n]
    args.out.write_text(json.dumps({"names": names, "boxes": boxes}))
    print(f"{len(boxes)} photos labelled, {excluded} excluded as alike, {unreadable} unreadable")


if __name__ == "__main__":
    main()
