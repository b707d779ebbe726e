"""Trains a masked autoencoder on a folder of pictures within a wall-clock budget, and writes what `ocellus quantize` reads.

AdamW (betas 0.9, 0.95, decay 0.05) with a cosine over the clock, random resized crops and flips, as in the paper; the
exported weights are an average over the last part. One picture in ten is held out and measured: PSNR over the patches
that were masked. Run with --smoke for a trial of half a minute.
"""

from __future__ import annotations

import argparse
import copy
import math
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch

from clock import Clock, Every, add_row, draw_columns, load_checkpoint, save_atomically
from mae import MaskedAutoencoder, Shape
from pictures import grid, load_pictures, make_pictures

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)


def parse_arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--pictures", type=Path, help="folder of pictures; their middle squares are used")
    p.add_argument("--work", type=Path, help="folder for cache, checkpoint, log and export")
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--side", type=int, default=64)
    p.add_argument("--patch", type=int, default=8)
    p.add_argument("--width", type=int, default=192)
    p.add_argument("--depth", type=int, default=6)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--rate", type=float, default=1e-3)
    p.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic, for processors with AVX512-BF16 or AMX")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--resume", action="store_true")
    p.add_argument("--smoke", action="store_true")
    args = p.parse_args()
    if args.smoke:
        args.work = args.work or Path(tempfile.mkdtemp(prefix="ocellus-smoke-"))
        args.pictures = make_pictures(args.work / "pictures", args.seed)
        args.width, args.depth, args.batch, args.minutes = 48, 2, 16, 0.15
    if not args.work or not args.pictures:
        p.error("give --pictures and --work")
    return args


def normalise(rows: np.ndarray) -> torch.Tensor:
    """N x H x W x 3 bytes to the network's input."""
    values = torch.from_numpy(np.ascontiguousarray(rows)).permute(0, 3, 1, 2).float() / 255
    return (values - MEAN) / DEVIATION


def crop(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A random part of 40 to 100 % of the area, of an aspect from 4:5 to 5:4, brought to size; mirrored or not."""
    side = len(picture)
    area, ratio = random.uniform(0.4, 1.0) * side**2, math.exp(random.uniform(math.log(0.8), math.log(1.25)))
    w, h = min(side, math.sqrt(area * ratio)), min(side, math.sqrt(area / ratio))
    x, y = random.uniform(0, side - w), random.uniform(0, side - h)
    matrix = np.array([[side / w, 0, -x * side / w], [0, side / h, -y * side / h]])
    part = cv2.warpAffine(picture, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return part[:, ::-1] if random.random() < 0.5 else part


class Run:
    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        args.work.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(args.seed)
        pictures = load_pictures(args.pictures, args.side, args.work / "cache")
        held = np.arange(len(pictures)) % 10 == 9
        self.pictures, self.held = pictures[~held], pictures[held][:200]
        heads = max(1, args.width // 64)
        shape = Shape(args.side, args.patch, args.width, args.depth, heads)
        self.model = MaskedAutoencoder(shape)
        self.average: MaskedAutoencoder | None = None
        trained = [p for p in self.model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW([
            {"params": [p for p in trained if p.ndim == 2 or p.ndim == 4], "weight_decay": 0.05},
            {"params": [p for p in trained if p.ndim == 1 or p.ndim == 3], "weight_decay": 0.0},
        ], lr=args.rate, betas=(0.9, 0.95))
        self.step, self.before, first = 0, 0.0, 0.0
        self.checkpoint = args.work / "checkpoint.pt"
        saved = load_checkpoint(self.checkpoint, args.resume)
        if saved:
            self.model.load_state_dict(saved["model"])
            self.optimiser.load_state_dict(saved["optimiser"])
            if saved["average"] is not None:
                self.average = copy.deepcopy(self.model)
                self.average.load_state_dict(saved["average"])
            self.step, self.before, first = saved["step"], saved["minutes"], saved["progress"]
        self.clock = Clock(args.minutes, first)
        self.random = np.random.default_rng(args.seed + self.step)
        fixed = np.random.default_rng(args.seed + 99)
        orders = [fixed.permutation(shape.patches) for _ in range(len(self.held))]
        self.orders = torch.from_numpy(np.stack(orders))

    def advance(self) -> float:
        done = self.clock.progress()
        rate = self.args.rate * min(1.0, (self.step + 1) / 300) * 0.5 * (1 + math.cos(math.pi * done))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        rows = self.pictures[self.random.integers(0, len(self.pictures), self.args.batch)]
        x = normalise(np.stack([crop(row, self.random) for row in rows]))
        order = torch.from_numpy(self.random.random((len(x), self.model.shape.patches)).argsort(1))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.args.bf16):
            loss, _, _ = self.model(x, order)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        if done > 0.6:
            if self.average is None:
                self.average = copy.deepcopy(self.model)
            with torch.no_grad():
                for mine, theirs in zip(self.average.parameters(), self.model.parameters()):
                    mine.lerp_(theirs, 0.005)
        return loss.item()

    def measure(self) -> float:
        """PSNR over the masked patches of the held-out pictures, values clipped to 0..1; draws some of them."""
        model = (self.average or self.model).eval()
        with torch.no_grad():
            _, guess, mask = model(normalise(self.held), self.orders)
        self.model.train()
        made = (model.unpatchify(guess) * DEVIATION + MEAN).clamp(0, 1)
        truth = torch.from_numpy(np.ascontiguousarray(self.held)).permute(0, 3, 1, 2).float() / 255
        hidden = model.unpatchify(mask[:, :, None].expand(-1, -1, guess.shape[2]))
        error = (((made - truth) ** 2) * hidden).sum() / hidden.sum()
        shown = torch.stack([truth * (1 - hidden) + 0.5 * hidden, made * hidden + truth * (1 - hidden), truth], 1)
        sheet = (shown[:16].flatten(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy()
        grid(sheet, self.args.work / "triptychs.png", 6 if len(sheet) >= 6 else len(sheet))
        return -10 * math.log10(float(error))

    def save(self) -> None:
        average = None if self.average is None else self.average.state_dict()
        save_atomically({"model": self.model.state_dict(), "average": average,
                         "optimiser": self.optimiser.state_dict(), "step": self.step,
                         "minutes": self.before + self.clock.elapsed(), "progress": self.clock.progress()},
                        self.checkpoint)
        # As facebookresearch saves it, so that the same reader reads both.
        save_atomically({"model": (self.average or self.model).state_dict()}, self.args.work / "mae.pth")

    def train(self) -> None:
        weights = sum(p.numel() for p in self.model.parameters())
        print(f"{len(self.pictures)} pictures, {len(self.held)} held out, {weights} weights")
        table = self.args.work / "metrics.csv"
        say, look, loss = Every(0.05 if self.args.smoke else 0.5), Every(0.05 if self.args.smoke else 3), 0.0
        while self.clock.progress() < 1:
            value = self.advance()
            loss = value if loss == 0 else 0.98 * loss + 0.02 * value
            if say():
                epochs = self.step * self.args.batch / len(self.pictures)
                print(f"{100 * self.clock.progress():5.1f}% step {self.step} epoch {epochs:.2f} loss {loss:.4f}", flush=True)
            if look():
                self.save()
                self.note(table, loss)
        self.save()
        print(f"PSNR of masked patches {self.note(table, loss):.2f} dB")
        print(f"done: {self.args.work / 'mae.pth'}, triptychs.png", flush=True)

    def note(self, table: Path, loss: float) -> float:
        psnr = self.measure()
        add_row(table, {"minutes": self.before + self.clock.elapsed(), "step": self.step, "loss": loss, "psnr": psnr})
        draw_columns(table, self.args.work / "curves.png", [["loss"], ["psnr"]])
        return psnr


def main() -> None:
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    cv2.setNumThreads(1)
    Run(args).train()


if __name__ == "__main__":
    main()
