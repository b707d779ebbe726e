"""Loads an exported detector with OpenCV and compares its boxes with PyTorch's on one photo.

OpenCV's batch-norm epsilon is 1e-6 against 1e-5 here, hence the tolerance. (OpenCV returns decoded rows, x, y, w, h as
fractions, objectness, then objectness times class, so the decoded values are compared.)
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

from evaluate import letterbox
from export_darknet import read_cfg_spec, read_weights
from model import Detector, decode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cfg", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("names", type=Path)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--tolerance", type=float, default=0.01)
    args = parser.parse_args()
    spec = read_cfg_spec(args.cfg, args.names)
    model = Detector(spec).eval()
    read_weights(model, args.weights)
    image = cv2.imread(str(args.photo), cv2.IMREAD_COLOR)
    if image is None:
        parser.error(f"{args.photo} is no photo that OpenCV reads")
    pixels = letterbox(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), spec.size)[0]
    blob = pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255
    with torch.no_grad():
        mine = decode(model(torch.from_numpy(blob)), spec, spec.size)[0].numpy()
    net = cv2.dnn.readNetFromDarknet(str(args.cfg), str(args.weights))
    net.setInput(blob)
    theirs = net.forward(net.getUnconnectedOutLayersNames())
    # OpenCV lists cell by cell, then anchor; `decode` anchor by anchor, then cell.
    start, worst = 0, 0.0
    for rows in theirs:
        count = len(rows)
        part = mine[start:start + count].reshape(3, count // 3, -1).transpose(1, 0, 2).reshape(count, -1)
        start += count
        scores = part[:, 4:5] * part[:, 5:]
        clear = rows[:, 5:] > 0.001  # OpenCV zeroes what lies under its threshold
        box = float(np.abs(part[:, :4] / spec.size - rows[:, :4]).max())
        score = float(np.abs(scores - rows[:, 5:])[clear].max()) if clear.any() else 0.0
        print(f"{count} rows: boxes differ by at most {box:.6f} of the input, scores by {score:.6f}")
        worst = max(worst, box, score)
    if worst > args.tolerance:
        raise SystemExit(f"differs by {worst:.4f}, more than {args.tolerance}")


if __name__ == "__main__":
    main()
