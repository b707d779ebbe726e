"""Reads an ncnn network (`.param` text and `.bin` weights) into PyTorch: the layers of NanoDet-Plus and their like.

Format (Tencent/ncnn, docs/developer-guide/param-and-model-file-structure): the magic 7767517, the counts, then a layer
a line: type, name, numbers of inputs and outputs, their names, and parameters `key=value`; `-233NN=count,values` is
parameter NN as an array. A weight begins with a tag: 0x01306B47 for halves (padded to four bytes), 0 for floats;
biases are floats without a tag.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

MAGIC = "7767517"
HALF_TAG, FLOAT_TAG = 0x01306B47, 0
ARRAY_KEY = -23300
REST = -233  # in Slice: what is left


@dataclass
class Layer:
    kind: str
    inputs: list[str]
    outputs: list[str]
    options: dict[int, float | list[float]]
    weight: Tensor | None = None
    bias: Tensor | None = None

    def number(self, key: int, default: int = 0) -> int:
        value = self.options.get(key, default)
        if isinstance(value, list):
            raise ValueError(f"{self.kind}: parameter {key} is an array")
        return int(value)

    def array(self, key: int) -> list[float]:
        value = self.options.get(key, [])
        return value if isinstance(value, list) else [value]


def read_param(text: str) -> list[Layer]:
    lines = [line.split() for line in text.splitlines() if line.strip()]
    if not lines or lines[0] != [MAGIC]:
        raise ValueError("not an ncnn param file")
    layers = []
    for fields in lines[2:]:
        ins, outs = int(fields[2]), int(fields[3])
        names, options = fields[4:4 + ins + outs], {}
        for field in fields[4 + ins + outs:]:
            key, value = field.split("=", 1)
            if int(key) <= ARRAY_KEY:
                options[ARRAY_KEY - int(key)] = [float(v) for v in value.split(",")[1:]]
            else:
                options[int(key)] = float(value)
        layers.append(Layer(fields[0], names[:ins], names[ins:], options))
    if len(layers) != int(lines[1][0]):
        raise ValueError(f"{lines[1][0]} layers announced, {len(layers)} found")
    return layers


class Weights:
    """The `.bin`, read from front to back."""

    def __init__(self, raw: bytes) -> None:
        self.raw, self.position = raw, 0

    def take(self, count: int, kind: str) -> np.ndarray:
        size = count * np.dtype(kind).itemsize
        if self.position + size > len(self.raw):
            raise ValueError("the weights file is too short for its param file")
        values = np.frombuffer(self.raw, kind, count, self.position)
        self.position += (size + 3) // 4 * 4
        return values.astype(np.float32)

    def tagged(self, count: int) -> np.ndarray:
        (tag,) = struct.unpack("<I", self.take(4, "<u1").astype(np.uint8).tobytes())
        if tag not in (HALF_TAG, FLOAT_TAG):
            raise ValueError(f"weights of a kind that is not read here: tag {tag:#x}")
        return self.take(count, "<f2" if tag == HALF_TAG else "<f4")


class NcnnNet:
    """Runs the layers in file order on a batch."""

    def __init__(self, param: Path, weights: Path) -> None:
        self.layers = read_param(param.read_text())
        source = Weights(weights.read_bytes())
        for layer in self.layers:
            if layer.kind in ("Convolution", "ConvolutionDepthWise"):
                filters, kernel, groups = layer.number(0), layer.number(1), layer.number(7, 1)
                values = source.tagged(layer.number(6))
                layer.weight = torch.from_numpy(values).view(filters, -1, layer.number(11, kernel), kernel)
                layer.bias = torch.from_numpy(source.take(filters, "<f4")) if layer.number(5) else None
                if layer.number(6) % (filters * kernel) or groups < 1:
                    raise ValueError("a convolution's weights do not fit its shape")
        if source.position != len(source.raw):
            raise ValueError(f"{len(source.raw) - source.position} bytes of weights are left over")

    @torch.no_grad()
    def __call__(self, images: Tensor) -> list[Tensor]:
        """The outputs that no layer reads, in file order. `images`: N x C x H x W, already normalised."""
        values: dict[str, Tensor] = {}
        for layer in self.layers:
            if layer.kind == "Input":
                values[layer.outputs[0]] = images
                continue
            results = run_layer(layer, [values[name] for name in layer.inputs])
            values.update(zip(layer.outputs, results))
        read = {name for layer in self.layers for name in layer.inputs}
        return [value for name, value in values.items() if name not in read]


def activate(x: Tensor, layer: Layer) -> Tensor:
    kind = layer.number(9)
    if kind == 0:
        return x
    if kind == 1:
        return F.relu_(x)
    if kind == 2:
        return F.leaky_relu_(x, layer.array(10)[0])
    raise ValueError(f"activation {kind} is not read here")


def run_layer(layer: Layer, x: list[Tensor]) -> list[Tensor]:
    """One layer. Axes in ncnn do not count the batch: 0 is the channels of a map, the rows of a matrix."""
    kind, first = layer.kind, x[0]
    if kind in ("Convolution", "ConvolutionDepthWise"):
        y = F.conv2d(first, layer.weight, layer.bias, layer.number(3, 1), layer.number(4), layer.number(2, 1),
                     layer.number(7, 1))
        return [activate(y, layer)]
    if kind == "Pooling" and layer.number(0) == 0 and layer.number(5) == 1:
        return [F.max_pool2d(first, layer.number(1), layer.number(2, 1), layer.number(3))]
    if kind == "Split":
        return [first] * len(layer.outputs)
    if kind == "Slice" and layer.number(1) == 0:
        sizes = [int(v) for v in layer.array(0)]
        rest = first.shape[1] - sum(v for v in sizes if v != REST)
        return list(first.split([rest if v == REST else v for v in sizes], 1))
    if kind == "Crop" and layer.array(11) == [0]:
        return [first[:, int(layer.array(9)[0]):int(layer.array(10)[0])]]
    if kind == "ShuffleChannel":
        return [F.channel_shuffle(first, layer.number(0))]
    if kind == "Concat":
        return [torch.cat(x, layer.number(0) + 1)]
    if kind == "Interp" and layer.number(0) == 2:
        return [F.interpolate(first, scale_factor=layer.number(1), mode="bilinear", align_corners=False)]
    if kind == "BinaryOp" and layer.number(0) == 0 and len(x) == 2:
        return [x[0] + x[1]]
    if kind == "Sigmoid":
        return [first.sigmoid()]
    if kind == "Reshape" and layer.number(0) == -1:
        return [first.flatten(2)]
    if kind == "Permute" and layer.number(0) == 1:
        return [first.transpose(1, 2)]
    raise ValueError(f"layer {kind} with parameters {layer.options} is not read here")
