"""The detectors in PyTorch, built from the same layer list that is later written as a darknet cfg.

The lists themselves are in `structures.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from structures import Section, sections

BN_EPS = 1e-5
LEAKY_SLOPE = 0.1


@dataclass(frozen=True)
class Spec:
    """All that decides the network's shape and how its outputs are read."""

    names: tuple[str, ...]
    anchors: tuple[tuple[float, float], ...]
    width: float = 0.5
    size: int = 256
    scale_x_y: float = 2.0
    structure: str = "yolov4-tiny"

    def masks(self) -> list[tuple[int, int, int]]:
        """Which anchors a head has, largest stride first: with six, 3 4 5 at stride 32 and 0 1 2 at stride 16."""
        return [(k, k + 1, k + 2) for k in range(len(self.anchors) - 3, -1, -3)]


def conv_block(inputs: int, options: dict[str, Any]) -> nn.Sequential:
    """One darknet `[convolutional]` section: convolution, optional batch norm, optional leaky ReLU."""
    normalised = bool(options.get("batch_normalize", 0))
    size, filters = int(options["size"]), int(options["filters"])
    groups = int(options.get("groups", 1))
    parts: list[nn.Module] = [nn.Conv2d(inputs, filters, size, int(options["stride"]), size // 2, groups=groups,
                                        bias=not normalised)]
    if normalised:
        parts.append(nn.BatchNorm2d(filters, eps=BN_EPS, momentum=0.03))
    if options["activation"] == "leaky":
        parts.append(nn.LeakyReLU(LEAKY_SLOPE, inplace=True))
    return nn.Sequential(*parts)


class Detector(nn.Module):
    """Runs the section list; returns the raw maps of the heads, N x 3(5+C) x H x W, largest stride first."""

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.sections: list[Section] = sections(spec)
        self.blocks = nn.ModuleList()
        self.sources: list[list[int]] = []
        widths: list[int] = []
        previous = 3
        for index, (kind, options) in enumerate(self.sections):
            block: nn.Module = nn.Identity()
            sources: list[int] = []
            if kind == "convolutional":
                block = conv_block(previous, options)
                previous = int(options["filters"])
            elif kind == "route":
                sources = [int(s) if int(s) >= 0 else index + int(s) for s in options["layers"].split(",")]
                previous = sum(widths[s] for s in sources) // int(options.get("groups", 1))
            elif kind == "maxpool":
                block = nn.MaxPool2d(2, 2)
            elif kind == "upsample":
                block = nn.Upsample(scale_factor=2, mode="nearest")
            self.blocks.append(block)
            self.sources.append(sources)
            widths.append(previous)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=LEAKY_SLOPE)
        classes = len(self.spec.names)
        heads = 0
        for index, (kind, _) in enumerate(self.sections):
            if kind == "yolo":
                heads += 1
                final = self.blocks[index - 1][0]  # type: ignore[index]
                nn.init.normal_(final.weight, std=0.01)
                with torch.no_grad():
                    bias = final.bias.view(3, 5 + classes)
                    bias.zero_()
                    bias[:, 4] = -4.5 if heads < 3 else -6  # few cells hold an object (RetinaNet's prior, Lin et al. 2017)
                    bias[:, 5:] = -2.0

    def forward(self, images: Tensor) -> list[Tensor]:
        values: list[Tensor] = []
        heads: list[Tensor] = []
        current = images
        for index, (kind, options) in enumerate(self.sections):
            if kind == "route":
                parts = [values[s] for s in self.sources[index]]
                current = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
                groups = int(options.get("groups", 1))
                if groups > 1:
                    current = current.chunk(groups, 1)[int(options["group_id"])]
            elif kind == "yolo":
                heads.append(current)
            else:
                current = self.blocks[index](current)
            values.append(current)
        return heads

    def head_anchors(self) -> list[Tensor]:
        """Anchor sizes in input pixels, one 3 x 2 tensor per head."""
        return [torch.tensor([self.spec.anchors[i] for i in mask]) for mask in self.spec.masks()]


def split_head(raw: Tensor, classes: int) -> Tensor:
    """N x 3(5+C) x H x W to N x 3 x H x W x (5+C)."""
    n, _, h, w = raw.shape
    return raw.view(n, 3, 5 + classes, h, w).permute(0, 1, 3, 4, 2)


def decode(heads: list[Tensor], spec: Spec, size: int) -> Tensor:
    """Heads to N x boxes x (x, y, w, h in input pixels, objectness, class scores), as darknet reads them.

    x = (sigmoid(tx) * s - (s - 1) / 2 + column) * stride, w = exp(tw) * anchor.
    """
    results: list[Tensor] = []
    s = spec.scale_x_y
    for raw, mask in zip(heads, spec.masks()):
        values = split_head(raw, len(spec.names))
        n, _, h, w, _ = values.shape
        stride = size / w
        rows, columns = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        grid = torch.stack((columns, rows), -1).to(values)
        anchors = torch.tensor([spec.anchors[i] for i in mask]).to(values).view(1, 3, 1, 1, 2)
        xy = (values[..., 0:2].sigmoid() * s - (s - 1) / 2 + grid) * stride
        wh = values[..., 2:4].clamp(max=8).exp() * anchors
        results.append(torch.cat((xy, wh, values[..., 4:].sigmoid()), -1).reshape(n, 3 * h * w, -1))
    return torch.cat(results, 1)
