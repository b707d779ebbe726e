"""Several training processes on one model: elastic averaging (Zhang, Choromanska, LeCun, NeurIPS 2015).

Each process trains alone and every few steps moves towards a centre that all share, and the centre towards it. Nobody
waits for anybody, which suits a machine whose cores are busy with other work: processes that share every gradient
would all run at the pace of the one that was last given a core.
"""

from __future__ import annotations

import fcntl
from pathlib import Path

import numpy as np
import torch
from torch import nn

PULL = 0.4  # how far a process and the centre move towards each other


class Shared:
    """The centre: all floating-point values of the model in one mapped file, guarded by a lock beside it."""

    def __init__(self, path: Path, model: nn.Module) -> None:
        self.lock = path.with_suffix(".lock")
        flat = self._flatten(model)
        with open(self.lock, "w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            if not path.exists() or path.stat().st_size != flat.nbytes:
                flat.tofile(path)
        self.centre = np.memmap(path, np.float32, "r+")

    @staticmethod
    def _tensors(model: nn.Module) -> list[torch.Tensor]:
        return [t for t in model.state_dict().values() if t.dtype.is_floating_point]

    def _flatten(self, model: nn.Module) -> np.ndarray:
        return torch.cat([t.detach().reshape(-1) for t in self._tensors(model)]).numpy()

    def exchange(self, model: nn.Module) -> None:
        flat = self._flatten(model)
        with open(self.lock, "w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            step = PULL * (flat - self.centre)
            self.centre += step
        flat -= step
        position = 0
        with torch.no_grad():
            for tensor in self._tensors(model):
                count = tensor.numel()
                tensor.copy_(torch.from_numpy(flat[position:position + count]).view(tensor.shape))
                position += count
