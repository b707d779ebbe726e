"""Trains a DCGAN on a folder of pictures within a wall-clock budget, and writes what `ocellus quantize` reads.

Losses: binary cross-entropy, non-saturating, real label 0.9 (Salimans et al., "Improved Techniques for Training GANs",
2016). Adam as in the paper, its rate falling to nothing in the last third. The exported generator is an average of
weights whose batch-norm statistics are taken anew. Run with --smoke for a trial of half a minute.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from clock import Clock, Every, add_row, draw_columns, load_checkpoint, save_atomically
from dcgan import Discriminator, Generator, initialise, settle_statistics
from pictures import grid, load_pictures, make_pictures

SIDE = 64


def parse_arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pictures", type=Path, help="folder of pictures; their middle squares are used")
    p.add_argument("--work", type=Path, help="folder for cache, checkpoint, log, samples and export")
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--features", type=int, default=48)
    p.add_argument("--latent", type=int, default=100)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--rate", type=float, default=2e-4)
    p.add_argument("--average", type=float, default=0.999)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--resume", action="store_true")
    p.add_argument("--smoke", action="store_true")
    args = p.parse_args()
    if args.smoke:
        args.work = args.work or Path(tempfile.mkdtemp(prefix="ocellus-smoke-"))
        args.pictures = make_pictures(args.work / "pictures", args.seed)
        args.features, args.batch, args.minutes = 8, 8, 0.15
    if not args.work or not args.pictures:
        p.error("give --pictures and --work")
    return args


class Run:
    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        args.work.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(args.seed)
        self.pictures = load_pictures(args.pictures, SIDE, args.work / "cache")
        self.generator = Generator(args.latent, args.features)
        self.discriminator = Discriminator(args.features)
        self.generator.apply(initialise)
        self.discriminator.apply(initialise)
        self.average = copy.deepcopy(self.generator)
        self.optimisers = [torch.optim.Adam(m.parameters(), lr=args.rate, betas=(0.5, 0.999))
                           for m in (self.generator, self.discriminator)]
        self.step, self.before, first = 0, 0.0, 0.0
        self.checkpoint = args.work / "checkpoint.pt"
        saved = load_checkpoint(self.checkpoint, args.resume)
        if saved:
            self.generator.load_state_dict(saved["generator"])
            self.discriminator.load_state_dict(saved["discriminator"])
            self.average.load_state_dict(saved["average"])
            for optimiser, state in zip(self.optimisers, saved["optimisers"]):
                optimiser.load_state_dict(state)
            self.step, self.before, first = saved["step"], saved["minutes"], saved["progress"]
        self.clock = Clock(args.minutes, first)
        self.random = np.random.default_rng(args.seed + self.step)

    def batch(self) -> torch.Tensor:
        rows = self.pictures[np.sort(self.random.integers(0, len(self.pictures), self.args.batch))]
        values = torch.from_numpy(np.ascontiguousarray(rows)).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        flip = torch.from_numpy(self.random.random(len(values)) < 0.5)
        values[flip] = values[flip].flip(3)
        return values

    def latents(self, count: int) -> torch.Tensor:
        return torch.randn(count, self.args.latent, 1, 1)

    def advance(self) -> dict[str, float]:
        """One step of each network."""
        rate = self.args.rate * min(1.0, max(0.02, (1 - self.clock.progress()) / 0.3))
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
        generator, discriminator = self.optimisers
        fake = self.generator(self.latents(self.args.batch))
        real_logits = self.discriminator.logits(self.batch())
        fake_logits = self.discriminator.logits(fake.detach())
        judged = (F.binary_cross_entropy_with_logits(real_logits, torch.full_like(real_logits, 0.9))
                  + F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits)))
        discriminator.zero_grad(set_to_none=True)
        judged.backward()
        discriminator.step()
        logits = self.discriminator.logits(fake)
        fooled = F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
        generator.zero_grad(set_to_none=True)
        fooled.backward()
        generator.step()
        self.step += 1
        keep = min(self.args.average, (1 + self.step) / (50 + self.step))
        with torch.no_grad():
            for mine, theirs in zip(self.average.parameters(), self.generator.parameters()):
                mine.lerp_(theirs, 1 - keep)
        return {"discriminator": judged.item(), "generator": fooled.item(),
                "real": real_logits.sigmoid().mean().item(), "fake": fake_logits.sigmoid().mean().item()}

    def save(self) -> None:
        """Checkpoint, and beside it what is exported: two plain state dicts and a sheet of samples."""
        save_atomically({"generator": self.generator.state_dict(), "discriminator": self.discriminator.state_dict(),
                         "average": self.average.state_dict(), "optimisers": [o.state_dict() for o in self.optimisers],
                         "step": self.step, "minutes": self.before + self.clock.elapsed(),
                         "progress": self.clock.progress()}, self.checkpoint)
        generator = copy.deepcopy(self.average)
        settle_statistics(generator, self.args.seed + 10, 256 if self.args.smoke else 2048)
        save_atomically(generator.state_dict(), self.args.work / "generator.pth")
        save_atomically(self.discriminator.state_dict(), self.args.work / "discriminator.pth")
        source = torch.Generator().manual_seed(self.args.seed + 5)
        with torch.no_grad():
            made = generator(torch.randn(64, self.args.latent, 1, 1, generator=source))
        grid(((made + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy(), self.args.work / "samples.png")

    def train(self) -> None:
        print(f"{len(self.pictures)} pictures, generator of {sum(p.numel() for p in self.generator.parameters())} weights")
        mean: dict[str, float] = {}
        say, keep = Every(0.05 if self.args.smoke else 0.5), Every(3)
        table = self.args.work / "metrics.csv"
        while self.clock.progress() < 1:
            for key, value in self.advance().items():
                mean[key] = value if key not in mean else 0.98 * mean[key] + 0.02 * value
            if say():
                epochs = self.step * self.args.batch / len(self.pictures)
                print(f"{100 * self.clock.progress():5.1f}% step {self.step} epoch {epochs:.2f} "
                      + " ".join(f"{k} {v:.3f}" for k, v in mean.items()), flush=True)
                add_row(table, {"minutes": self.before + self.clock.elapsed(), "step": self.step, **mean})
                draw_columns(table, self.args.work / "curves.png", [["discriminator", "generator"], ["real", "fake"]])
            if keep():
                self.save()
        self.save()
        print(f"done: {self.args.work / 'generator.pth'}, discriminator.pth, samples.png", flush=True)


def main() -> None:
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    Run(args).train()


if __name__ == "__main__":
    main()
