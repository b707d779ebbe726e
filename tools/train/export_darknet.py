"""Writes a detector as darknet `.cfg`, `.weights` and `.names`, and reads them back.

Weights (AlexeyAB/darknet, src/parser.c): int32 major, minor, revision; int64 images seen; then per convolution the
biases (the batch norm's shifts where there is one), the batch norm's scales, means and variances, and the kernels.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from model import Detector, Spec


def write_atomically(path: Path, data: bytes) -> None:
    """Whoever reads `path` meanwhile sees the old file or the new one, never a part."""
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def cfg_text(model: Detector, notes: list[str]) -> str:
    lines = [f"# {note}" for note in notes]
    lines += [f"# structure {model.spec.structure}, width {model.spec.width:g}"]
    lines += ["[net]", "batch=1", "subdivisions=1", f"width={model.spec.size}", f"height={model.spec.size}",
              "channels=3", "letter_box=1", ""]
    for kind, options in model.sections:
        lines += [f"[{kind}]", *(f"{k}={v}" for k, v in options.items()), ""]
    return "\n".join(lines)


def convolutions(model: Detector) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    for (kind, _), block in zip(model.sections, model.blocks):
        if kind == "convolutional":
            norm = block[1] if len(block) > 1 and isinstance(block[1], nn.BatchNorm2d) else None  # type: ignore
            yield block[0], norm  # type: ignore[index]


def layer_tensors(convolution: nn.Conv2d, norm: nn.BatchNorm2d | None) -> list[Tensor]:
    """A convolution's tensors in file order."""
    if norm is None:
        return [convolution.bias, convolution.weight]  # type: ignore[list-item]
    return [norm.bias, norm.weight, norm.running_mean, norm.running_var, convolution.weight]  # type: ignore[list-item]


def export(model: Detector, folder: Path, name: str, seen: int, notes: list[str]) -> None:
    """Writes NAME.cfg, NAME.weights and NAME.names into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [struct.pack("<iiiq", 0, 2, 5, seen)]
    for convolution, norm in convolutions(model):
        for tensor in layer_tensors(convolution, norm):
            parts.append(tensor.detach().cpu().contiguous().numpy().astype("<f4").tobytes())
    write_atomically(folder / f"{name}.weights", b"".join(parts))
    write_atomically(folder / f"{name}.cfg", cfg_text(model, notes).encode())
    write_atomically(folder / f"{name}.names", ("\n".join(model.spec.names) + "\n").encode())


def read_weights(model: Detector, path: Path, new_head: bool = False) -> int:
    """Loads a `.weights` file into `model`; returns the images seen. `new_head`: the file has none for the last head."""
    raw = path.read_bytes()
    seen: int = struct.unpack_from("<iiiq", raw)[3]
    values = np.frombuffer(raw, "<f4", offset=20)
    position = 0
    with torch.no_grad():
        for convolution, norm in convolutions(model):
            for tensor in layer_tensors(convolution, norm):
                count = tensor.numel()
                if position == len(values) and new_head:
                    break
                if position + count > len(values):
                    raise ValueError(f"{path}: {len(values)} values are too few for this network")
                tensor.copy_(torch.from_numpy(values[position:position + count].copy()).view(tensor.shape))
                position += count
    if position != len(values):
        raise ValueError(f"{path}: {len(values) - position} values are left over")
    return seen


def adopt(model: Detector, cfg: Path) -> None:
    """Takes over the weights behind `cfg` for other classes or another structure: the layers that both begin with, and of
    heads among them what tells boxes and objects.
    """
    other = Detector(read_cfg_spec(cfg, cfg.with_suffix(".names")))
    read_weights(other, cfg.with_suffix(".weights"))
    theirs = other.state_dict()
    same = 0
    for (kind, mine), (other_kind, others) in zip(model.sections, other.sections):
        head = mine.get("activation") == others.get("activation") == "linear"
        if kind != other_kind or (kind != "yolo" and mine != others and not head):
            break
        same += 1
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if int(name.split(".")[1]) >= same:
                continue
            if value.shape == theirs[name].shape:
                value.copy_(theirs[name])
            else:
                value.view(3, -1, *value.shape[1:])[:, :5] = theirs[name].view(3, -1, *value.shape[1:])[:, :5]
    print(f"{same} of {len(model.sections)} layers begin as those of {cfg}", flush=True)


def read_cfg_spec(cfg: Path, names: Path) -> Spec:
    """The specification behind a cfg written by `export`."""
    options: dict[str, str] = {}
    filters: list[int] = []
    structure = "yolov4-tiny"
    width = None
    for line in cfg.read_text().splitlines():
        if line.startswith("# structure "):
            structure, written = line.removeprefix("# structure ").split(", width ")
            width = float(written)
        if "=" in line and not line.startswith("#"):
            key, value = (part.strip() for part in line.split("=", 1))
            options[key] = value
            if key == "filters":
                filters.append(int(value))
    numbers = [float(v) for v in options["anchors"].split(",")]
    anchors = tuple(zip(numbers[0::2], numbers[1::2]))
    classes = tuple(n for n in names.read_text().splitlines() if n)
    return Spec(classes, anchors, width or filters[0] / 32, int(options["width"]), float(options["scale_x_y"]), structure)
