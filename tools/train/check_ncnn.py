"""Checks the ncnn reader on a network of a few layers: against the same arithmetic written out, and on broken files."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from ncnn_net import FLOAT_TAG, HALF_TAG, MAGIC, NcnnNet

PARAM = f"""{MAGIC}
9 11
Input data 0 1 data
Convolution c 1 1 data a 0=6 1=3 3=2 4=1 5=1 6=162 9=2 -23310=1,1.000000e-01
Split s 1 2 a a0 a1
ShuffleChannel h 1 1 a0 b 0=2
ConvolutionDepthWise d 1 1 a1 e 0=6 1=3 4=1 5=1 6=54 7=6
Concat j 2 1 b e f
Slice l 1 2 f g h -23300=2,5,-233
Sigmoid m 1 1 g i
Concat o 2 1 i h output 0=0
"""


def main() -> None:
    random = np.random.default_rng(1)
    kernel, bias, deep, shift = (random.standard_normal(n).astype(np.float32) for n in (162, 6, 54, 6))
    halves = kernel.astype(np.float16)
    raw = b"".join((struct.pack("<I", HALF_TAG), halves.tobytes(), bias.tobytes(), struct.pack("<I", FLOAT_TAG),
                    deep.tobytes(), shift.tobytes()))
    images = torch.from_numpy(random.standard_normal((2, 3, 12, 16)).astype(np.float32))
    first = F.leaky_relu(F.conv2d(images, torch.from_numpy(halves.astype(np.float32)).view(6, 3, 3, 3),
                                  torch.from_numpy(bias), 2, 1), 0.1)
    second = F.conv2d(first, torch.from_numpy(deep).view(6, 1, 3, 3), torch.from_numpy(shift), 1, 1, groups=6)
    want = torch.cat((first[:, [0, 3, 1, 4, 2, 5]], second), 1)
    want[:, :5] = want[:, :5].sigmoid()
    with tempfile.TemporaryDirectory() as folder:
        param, weights = Path(folder, "n.param"), Path(folder, "n.bin")
        param.write_text(PARAM)
        weights.write_bytes(raw)
        (found,) = NcnnNet(param, weights)(images)
        assert torch.allclose(found, want, atol=1e-5), "another result"
        broken = {"short": (PARAM, raw[:-4]), "long": (PARAM, raw + b"\0" * 4), "tag": (PARAM, b"\1" + raw[1:]),
                  "magic": (PARAM[1:], raw), "count": (PARAM.replace("9 11", "8 11"), raw),
                  "layer": (PARAM.replace("Sigmoid", "Swish"), raw)}
        for name, (text, data) in broken.items():
            param.write_text(text)
            weights.write_bytes(data)
            try:
                NcnnNet(param, weights)(images)
            except ValueError:
                continue
            raise AssertionError(f"{name}: no error")
    print("the ncnn reader agrees, and refuses what is broken")


if __name__ == "__main__":
    main()
