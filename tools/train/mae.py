"""A masked autoencoder: He, Chen, Xie, Li, Dollar, Girshick, "Masked Autoencoders Are Scalable Vision Learners"
(CVPR 2022). Written from the paper; the names in the state dict are those of facebookresearch/mae.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    side: int = 64
    patch: int = 8
    width: int = 192
    depth: int = 6
    heads: int = 3
    decoder_width: int = 128
    decoder_depth: int = 4
    decoder_heads: int = 4
    hidden: int = 4
    masked: float = 0.75

    @property
    def grid(self) -> int:
        return self.side // self.patch

    @property
    def patches(self) -> int:
        return self.grid**2

    @property
    def kept(self) -> int:
        return int(self.patches * (1 - self.masked))


def positions(width: int, grid: int) -> Tensor:
    """Fixed sine-cosine embedding, 1 x (1 + grid^2) x width; the class token's row is zero, columns come first."""
    def one(values: np.ndarray) -> np.ndarray:
        rates = 1.0 / 10000 ** (np.arange(width // 4, dtype=np.float64) / (width / 4))
        angles = values.reshape(-1, 1) * rates
        return np.concatenate([np.sin(angles), np.cos(angles)], 1)

    columns, rows = np.meshgrid(np.arange(grid, dtype=np.float32), np.arange(grid, dtype=np.float32))
    table = np.concatenate([one(columns), one(rows)], 1)
    return torch.from_numpy(np.concatenate([np.zeros((1, width)), table])).float()[None]


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, width = x.shape
        q, k, v = self.qkv(x).view(n, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = (q @ k.transpose(-2, -1) * (width // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(n, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, width * hidden)
        self.fc2 = nn.Linear(width * hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, x: Tensor) -> Tensor:
        return self.proj(x).flatten(2).transpose(1, 2)


class MaskedAutoencoder(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        d, e = shape.width, shape.decoder_width
        self.patch_embed = PatchEmbed(shape.patch, d)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, d))
        self.pos_embed = nn.Parameter(positions(d, shape.grid), requires_grad=False)
        self.blocks = nn.ModuleList(Block(d, shape.heads, shape.hidden) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(d, eps=1e-6)
        self.decoder_embed = nn.Linear(d, e)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, e))
        self.decoder_pos_embed = nn.Parameter(positions(e, shape.grid), requires_grad=False)
        self.decoder_blocks = nn.ModuleList(
            Block(e, shape.decoder_heads, shape.hidden) for _ in range(shape.decoder_depth))
        self.decoder_norm = nn.LayerNorm(e, eps=1e-6)
        self.decoder_pred = nn.Linear(e, shape.patch**2 * 3)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.xavier_uniform_(self.patch_embed.proj.weight.view(d, -1))
        nn.init.normal_(self.cls_token, std=0.02)
        nn.init.normal_(self.mask_token, std=0.02)

    def patchify(self, x: Tensor) -> Tensor:
        """N x 3 x side x side to N x patches x values, in the order row, column, channel."""
        g, p = self.shape.grid, self.shape.patch
        return x.reshape(-1, 3, g, p, g, p).permute(0, 2, 4, 3, 5, 1).reshape(len(x), g * g, p * p * 3)

    def unpatchify(self, y: Tensor) -> Tensor:
        g, p, side = self.shape.grid, self.shape.patch, self.shape.side
        return y.reshape(-1, g, g, p, p, 3).permute(0, 5, 1, 3, 2, 4).reshape(len(y), 3, side, side)

    def encode(self, x: Tensor, order: Tensor) -> Tensor:
        tokens = self.patch_embed(x) + self.pos_embed[:, 1:]
        shown = order[:, :self.shape.kept, None].expand(-1, -1, tokens.shape[2])
        first = (self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1)
        tokens = torch.cat([first, tokens.gather(1, shown)], 1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)

    def decode(self, latent: Tensor, order: Tensor) -> Tensor:
        tokens = self.decoder_embed(latent)
        hidden = self.mask_token.to(tokens.dtype).expand(len(tokens), self.shape.patches - self.shape.kept, -1)
        places = order.argsort(1)[:, :, None].expand(-1, -1, tokens.shape[2])
        body = torch.cat([tokens[:, 1:], hidden], 1).gather(1, places)
        tokens = torch.cat([tokens[:, :1], body], 1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            tokens = block(tokens)
        return self.decoder_pred(self.decoder_norm(tokens))[:, 1:]

    def forward(self, x: Tensor, order: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`order`: a permutation of the patches, the first `kept` are shown. Returns (loss over the masked patches,
        prediction, mask: 1 = masked)."""
        mask = (order.argsort(1) >= self.shape.kept).float()
        guess = self.decode(self.encode(x, order), order).float()
        error = ((guess - self.patchify(x)) ** 2).mean(-1)
        return (error * mask).sum() / mask.sum(), guess, mask
