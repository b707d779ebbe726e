"""The generator and discriminator of Radford, Metz, Chintala, "Unsupervised Representation Learning with Deep
Convolutional Generative Adversarial Networks" (ICLR 2016), with the names of PyTorch's own example in the state dict.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Generator(nn.Module):
    """Latents N x nz x 1 x 1 to pictures N x 3 x 64 x 64 in -1..1."""

    def __init__(self, latent: int = 100, features: int = 48) -> None:
        super().__init__()
        self.latent = latent
        widths = [features * k for k in (8, 4, 2, 1)]
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent, widths[0], 4, 1, 0, bias=False),
                                   nn.BatchNorm2d(widths[0]), nn.ReLU(True)]
        for before, after in zip(widths, widths[1:]):
            layers += [nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(True)]
        self.main = nn.Sequential(*layers, nn.ConvTranspose2d(features, 3, 4, 2, 1, bias=False), nn.Tanh())

    def forward(self, latents: Tensor) -> Tensor:
        return self.main(latents)


class Discriminator(nn.Module):
    """Pictures to the probability that they are real, N."""

    def __init__(self, features: int = 48) -> None:
        super().__init__()
        widths = [features * k for k in (1, 2, 4, 8)]
        layers: list[nn.Module] = [nn.Conv2d(3, features, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
        for before, after in zip(widths, widths[1:]):
            layers += [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(0.2, True)]
        self.main = nn.Sequential(*layers, nn.Conv2d(features * 8, 1, 4, 1, 0, bias=False), nn.Sigmoid())

    def forward(self, pictures: Tensor) -> Tensor:
        return self.main(pictures).view(-1)

    def logits(self, pictures: Tensor) -> Tensor:
        """Before the sigmoid, where the loss is exact."""
        return self.main[:-1](pictures).view(-1)


def initialise(module: nn.Module) -> None:
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def settle_statistics(generator: Generator, seed: int, count: int = 2048, batch: int = 64) -> None:
    """Batch-norm statistics of averaged weights, from fresh latents: an average of statistics is not theirs."""
    norms = [m for m in generator.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all that follow
    source = torch.Generator().manual_seed(seed)
    generator.train()
    with torch.no_grad():
        for _ in range(count // batch):
            generator(torch.randn(batch, generator.latent, 1, 1, generator=source))
    generator.eval()
    for norm in norms:
        norm.momentum = 0.1
