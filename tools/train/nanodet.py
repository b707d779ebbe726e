"""NanoDet-Plus (RangiLyu/nanodet) as a teacher: what goes into the network, and what its rows mean.

In: BGR, mean and deviation of ImageNet. Out: per cell and class a sigmoid score, and per side of the box a distribution
over eight distances in strides (Li et al., "Generalized Focal Loss", NeurIPS 2020), measured from the cell's corner.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from ncnn_net import NcnnNet

STRIDES = (8, 16, 32, 64)
BINS = 8
MEAN = (103.53, 116.28, 123.675)
NORM = (0.017429, 0.017507, 0.017125)


def decode(output: Tensor, width: int, height: int, floor: float) -> Tensor:
    """Rows that score `floor` or more, as (centre x, centre y, w, h as fractions, 1, class scores), like OpenCV's rows of a
    darknet model."""
    points, steps = [], []
    for stride in STRIDES:
        columns, lines = -(-width // stride), -(-height // stride)
        y, x = torch.meshgrid(torch.arange(lines), torch.arange(columns), indexing="ij")
        points.append(torch.stack((x, y), -1).reshape(-1, 2) * stride)
        steps.append(torch.full((lines * columns, 1), stride))
    centre, step = torch.cat(points).float(), torch.cat(steps).float()
    if output.shape[0] != len(centre):
        raise ValueError(f"{output.shape[0]} rows where strides {STRIDES} give {len(centre)}")
    classes = output.shape[1] - 4 * BINS
    kept = output[:, :classes].amax(1) >= floor
    output, centre, step = output[kept], centre[kept], step[kept]
    sides = output[:, classes:].reshape(-1, 4, BINS).softmax(2) @ torch.arange(BINS).float() * step
    low, high = centre - sides[:, :2], centre + sides[:, 2:]
    scale = torch.tensor([width, height])
    ones = torch.ones(len(centre), 1)
    return torch.cat(((low + high) / 2 / scale, (high - low) / scale, ones, output[:, :classes]), 1)


class NanoDet:
    def __init__(self, param: Path, weights: Path, floor: float) -> None:
        self.net, self.floor = NcnnNet(param, weights), floor
        self.mean, self.norm = torch.tensor(MEAN).view(3, 1, 1), torch.tensor(NORM).view(3, 1, 1)

    def rows(self, image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """`image`: BGR bytes; `shape`: width and height fed to the network, multiples of 64 or nearly."""
        small = cv2.resize(image, shape, interpolation=cv2.INTER_AREA if image.shape[1] > shape[0] else cv2.INTER_LINEAR)
        pixels = (torch.from_numpy(small).permute(2, 0, 1).float() - self.mean) * self.norm
        (output,) = self.net(pixels[None])
        return decode(output[0], *shape, self.floor).numpy()
