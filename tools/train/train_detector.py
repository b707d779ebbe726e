"""Trains a detector within a fixed wall-clock budget and exports it in darknet format.

The learning rate follows a cosine over elapsed time (Loshchilov and Hutter, "SGDR", ICLR 2017), so it reaches its
floor at the deadline however loaded the machine is. Optimiser: AdamW (Loshchilov and Hutter, ICLR 2019). The exported
weights are an exponential moving average (Polyak and Juditsky, 1992). Run with --help for the options, with --smoke for
a self-contained trial of under a minute.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import math
import os
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from curves import draw_curves
from data import Augmenter, Cache, Loader, Photo, cluster_anchors, load_pseudo, load_yolo, sampling_weights
from evaluate import class_ids, hold_back, load_samples, measure
from export_darknet import adopt, convolutions, export, read_cfg_spec, read_weights
from loss import detection_loss
from model import Detector, Spec
from quantize_aware import enable
from share import Shared
from smoke import make_dataset
from structures import STRUCTURES

NAMES = "person,bicycle,car,motorcycle,bus,truck,bird,cat,dog,horse"


def parse_arguments() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--photos", type=Path, action="append", default=[], help="folder of photos; repeat with --pseudo")
    p.add_argument("--pseudo", type=Path, action="append", default=[], help="teacher's boxes, one per --photos")
    p.add_argument("--yolo", type=Path, help="folder in YOLO format, instead of --photos and --pseudo")
    p.add_argument("--label-names", type=Path, help="class names behind the numbers of --yolo")
    p.add_argument("--trust", action="append", default=[], help="FOLDER=CLASS+CLASS: keep only these teacher's classes")
    p.add_argument("--measure", type=Path, help="folder in YOLO format to measure on, never trained on")
    p.add_argument("--measure-names", type=Path, help="class names behind its numbers")
    p.add_argument("--hold-back", type=float, default=0, metavar="SHARE",
                   help="share of the photos that is not trained on but measured on, where --measure is not given")
    p.add_argument("--jagged", type=float, default=0, metavar="SHARE",
                   help="share of photos that are sampled, not averaged, where they become more than twice as small")
    p.add_argument("--names", default=NAMES, help="classes to detect, in order")
    p.add_argument("--work", type=Path, help="folder for cache, checkpoints, log and export")
    p.add_argument("--export-name", default="ocellus-detector")
    p.add_argument("--init", type=Path, help="cfg beside its .weights and .names: continue from them, anchors included; classes may differ")
    p.add_argument("--add-head", help="W,H,W,H,W,H: with --init, add a head of stride 8 with these anchors")
    p.add_argument("--warm", type=int, default=500, help="steps until the rate is reached")
    p.add_argument("--freeze", type=int, default=0, help="leave the first N convolutions as they are: they cost the most time")
    p.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic, for processors with AVX512-BF16 or AMX")
    p.add_argument("--share", type=Path, help="file that several runs of one model share: see share.py")
    p.add_argument("--share-every", type=int, default=10, help="steps")
    p.add_argument("--cache", type=Path, help="folder of decoded photos, where runs share one")
    p.add_argument("--cache-side", type=int, default=640, help="long side of the decoded photos, at most")
    p.add_argument("--structure", choices=list(STRUCTURES), default="yolov4-tiny", help="see structures.py")
    p.add_argument("--width", type=float, default=0.5)
    p.add_argument("--size", type=int, default=256, help="final input size, a multiple of 32")
    p.add_argument("--sizes", default="0:160,0.3:192,0.6:224,0.8:256", help="PROGRESS:SIZE steps of the training size")
    p.add_argument("--minutes", type=float, default=125, help="wall-clock budget (with --resume: what is left of it)")
    p.add_argument("--batch", type=int, default=48)
    p.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    p.add_argument("--decay", type=float, default=0.02, help="AdamW weight decay")
    p.add_argument("--average", type=float, default=0.999, help="decay of the moving average, per step")
    p.add_argument("--quantize-aware", type=float, default=1, metavar="PROGRESS",
                   help="from here on, train with int8's rounding (0.9: the last tenth; 1: never)")
    p.add_argument("--mosaic", type=float, default=0.6, help="share of mosaics, until the last tenth")
    p.add_argument("--positive", type=float, default=0.3, help="teacher's score from which a box is a target")
    p.add_argument("--ignore", type=float, default=0.1, help="score from which a weaker box is ignored, not background")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--device", default="cpu", help="cpu or cuda")
    p.add_argument("--loaders", type=int, default=1, help="threads that prepare batches: about one a core beside a GPU")
    p.add_argument("--measure-every", type=float, default=8, help="minutes")
    p.add_argument("--checkpoint-every", type=float, default=3, help="minutes")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--resume", action="store_true")
    p.add_argument("--from-progress", type=float, help="with --resume: go back to this point of the schedule (a stall)")
    p.add_argument("--smoke", action="store_true")
    args = p.parse_args()
    if args.smoke:
        args.work = args.work or Path(tempfile.mkdtemp(prefix="ocellus-smoke-"))
        if not args.photos:
            args.yolo, args.label_names = make_dataset(args.work / "dataset", args.seed)
            args.measure, args.measure_names = args.yolo, args.label_names
        args.names, args.size, args.sizes, args.batch = "square,disc", 96, "0:96", 16
        args.minutes, args.measure_every, args.width, args.quantize_aware = 0.35, 1e9, 0.25, 0.8
    if args.share and args.device != "cpu":
        p.error("--share is for processes that train on the processor")
    if not args.work or bool(args.photos) == bool(args.yolo) or len(args.photos) != len(args.pseudo):
        p.error("give --work, and either --photos with --pseudo, or --yolo with --label-names")
    return args


class Average:
    """Exponential moving average of all weights and batch-norm statistics."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval()
        self.decay, self.updates = decay, 0

    def update(self, model: nn.Module) -> None:
        self.updates += 1
        keep = min(self.decay, (1 + self.updates) / (10 + self.updates))
        with torch.no_grad():
            for mine, theirs in zip(self.model.state_dict().values(), model.state_dict().values()):
                if mine.dtype.is_floating_point:
                    mine.mul_(keep).add_(theirs, alpha=1 - keep)
                else:
                    mine.copy_(theirs)


def load_photos(args: argparse.Namespace, names: list[str]) -> list[Photo]:
    if args.yolo:
        return load_yolo(args.yolo, class_ids(args.label_names, names, []))
    only = {t.split("=")[0]: t.split("=")[1].split("+") for t in args.trust}
    return [p for root, boxes in zip(args.photos, args.pseudo) for p in load_pseudo(root, boxes, names, only)]


def size_at(steps: str, progress: float) -> int:
    pairs = [(float(a), int(b)) for a, b in (s.split(":") for s in steps.split(","))]
    return [size for start, size in pairs if progress >= start][-1]


def parameter_groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    kernels = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]


def freeze(model: Detector, count: int) -> None:
    """Fixes the first convolutions and their batch norms."""
    for convolution, norm in list(convolutions(model))[:count]:
        convolution.requires_grad_(False)
        if norm is not None:
            norm.requires_grad_(False)
            norm.eval()


class Run:
    """One training run: its state, its checkpoints and its log."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.names = args.names.split(",")
        args.work.mkdir(parents=True, exist_ok=True)
        random.seed(args.seed)
        torch.manual_seed(args.seed)
        self.checkpoint = args.work / "checkpoint.pt"
        saved = torch.load(self.checkpoint, map_location="cpu") if args.resume and self.checkpoint.exists() else None
        self.photos, held = hold_back(load_photos(args, self.names), args.hold_back)
        if held:
            (args.work / "held-back.txt").write_text("".join(f"{p.path}\n" for p in held))
        self.cache = Cache(self.photos, args.cache or args.work / "cache", args.cache_side)
        self.spec = Spec(**saved["spec"]) if saved else self.first_spec()
        self.model = Detector(self.spec).to(memory_format=torch.channels_last)
        if args.init and not saved:
            given = read_cfg_spec(args.init, args.init.with_suffix(".names"))
            if (given.names, given.structure) == (self.spec.names, self.spec.structure):
                read_weights(self.model, args.init.with_suffix(".weights"), bool(args.add_head))
            else:
                adopt(self.model, args.init)
        self.model.to(args.device)
        self.optimiser = torch.optim.AdamW(parameter_groups(self.model, args.decay), lr=args.rate, betas=(0.9, 0.99))
        self.average = Average(self.model, args.average)
        self.shared = Shared(args.share, self.model) if args.share else None
        self.step = self.seen = 0
        self.progress = self.first_progress = 0.0
        self.minutes_before = self.epochs = 0.0
        if saved:
            self.model.load_state_dict(saved["model"])
            self.average.model.load_state_dict(saved["average"])
            self.optimiser.load_state_dict(saved["optimiser"])
            self.average.updates, self.step, self.seen = saved["updates"], saved["step"], saved["seen"]
            self.progress = self.first_progress = saved["progress"] if args.from_progress is None else args.from_progress
            self.minutes_before = saved["minutes"]
            self.epochs = saved["epochs"]
        if args.measure:
            held = load_yolo(args.measure, class_ids(args.measure_names, self.names, []))
        self.samples = load_samples(held, args.size)
        self.start = time.time()
        self.table = args.work / "metrics.csv"

    def first_spec(self) -> Spec:
        """What `--init` has, where it has this structure; else anchors of these photos."""
        args = self.args
        spec = read_cfg_spec(args.init, args.init.with_suffix(".names")) if args.init else None
        if spec and spec.structure == args.structure:
            spec = replace(spec, names=tuple(self.names), size=args.size)
        else:
            anchors = cluster_anchors(self.photos, self.cache, args.size, 6, max(args.positive, 0.4), args.seed)
            spec = Spec(tuple(self.names), tuple(anchors), args.width, args.size, structure=args.structure)
        if args.add_head:
            sides = [float(v) for v in args.add_head.split(",")]
            spec = replace(spec, anchors=(*zip(sides[0::2], sides[1::2]), *spec.anchors))
        return spec

    def minutes(self) -> float:
        """Minutes in this process; time spent stopped counts."""
        return (time.time() - self.start) / 60

    def advance(self) -> None:
        share = min(1.0, self.minutes() / self.args.minutes)
        self.progress = self.first_progress + (1 - self.first_progress) * share

    def rate(self) -> float:
        warm = min(1.0, (self.step + 1) / (20 if self.args.smoke else self.args.warm))
        return self.args.rate * warm * (0.005 + 0.995 * 0.5 * (1 + math.cos(math.pi * self.progress)))

    def save(self) -> None:
        state = {"spec": vars(self.spec), "model": self.model.state_dict(), "average": self.average.model.state_dict(),
                 "optimiser": self.optimiser.state_dict(), "updates": self.average.updates, "step": self.step,
                 "seen": self.seen, "progress": self.progress, "epochs": self.epochs,
                 "minutes": self.minutes_before + self.minutes()}
        temporary = self.checkpoint.with_suffix(".tmp")
        torch.save(state, temporary)
        os.replace(temporary, self.checkpoint)
        notes = ["trained by tools/train/train_detector.py",
                 f"preprocess: letterbox, grey 0.5, RGB / 255; {self.seen} images seen, progress {self.progress:.3f}"]
        export(self.average.model, self.args.work / "export", self.args.export_name, self.seen, notes)

    def measure(self, losses: dict[str, float]) -> dict[str, float | None]:
        result = measure(self.average.model, self.spec, self.samples) if self.samples else {"mean": None}
        fresh = not self.table.exists()
        with open(self.table, "a", newline="") as out:
            writer = csv.writer(out)
            if fresh:
                writer.writerow(["minutes", "progress", "step", "seen", "epochs", "rate", *losses, *result])
            writer.writerow([round(self.minutes_before + self.minutes(), 2), round(self.progress, 4), self.step,
                             self.seen, round(self.epochs, 2), f"{self.rate():.2e}",
                             *(round(v, 4) for v in losses.values()),
                             *("" if v is None else round(v, 4) for v in result.values())])
        draw_curves(self.table, self.args.work / "curves.png")
        print("AP50", json.dumps({k: None if v is None else round(v, 3) for k, v in result.items()}), flush=True)
        return result

    def train(self) -> None:
        args = self.args
        weights = sampling_weights(self.photos, len(self.names), args.positive)
        seeds = (args.seed + self.step + 1000 * n for n in range(args.loaders))
        loader = Loader([Augmenter(self.photos, self.cache, weights, seed, args.jagged) for seed in seeds])
        size = size_at(args.sizes, self.progress)
        losses: dict[str, float] = {}
        last_line = last_save = last_measure = time.time()
        seen_then = self.seen
        print(f"{len(self.photos)} photos, anchors {self.spec.anchors}, {sum(p.numel() for p in self.model.parameters())} "
              f"weights, {len(self.samples)} photos to measure on", flush=True)
        plan = {"count": args.batch, "positive": args.positive, "floor": args.ignore}
        self.model.train()
        freeze(self.model, args.freeze)
        aware = False
        for pixels, targets, ignored in loader.batches(size=size, mosaic=args.mosaic, base=(size + args.size) / 2, **plan):
            self.advance()
            if not aware and self.progress >= args.quantize_aware:
                enable(self.model)
                aware = True
            for group in self.optimiser.param_groups:
                group["lr"] = self.rate()
            pixels, targets, ignored = (t.to(args.device) for t in (pixels, targets, ignored))
            images = pixels.to(torch.float32).div_(255).contiguous(memory_format=torch.channels_last)
            with torch.autocast(args.device, torch.bfloat16, enabled=args.bf16):
                heads = self.model(images)
            loss, parts = detection_loss([h.float() for h in heads], targets, ignored, self.spec, images.shape[-1])
            if not torch.isfinite(loss):
                raise FloatingPointError(f"the loss is {float(loss)} at step {self.step}")
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
            self.optimiser.step()
            self.average.update(self.model)
            self.step += 1
            if self.shared and self.step % args.share_every == 0:
                self.shared.exchange(self.model)
            self.seen += len(images)
            self.epochs += len(images) / len(self.photos)
            for key, value in parts.items():
                losses[key] = value if key not in losses else 0.99 * losses[key] + 0.01 * value
            now = time.time()
            if now - last_line > (3 if args.smoke else 30):
                speed = (self.seen - seen_then) / (now - last_line)
                print(f"{self.progress * 100:5.1f}% step {self.step} epoch {self.epochs:.2f} size "
                      f"{images.shape[-1]} rate {self.rate():.2e} {' '.join(f'{k} {v:.3f}' for k, v in losses.items())} "
                      f"{speed:.0f} images/s", flush=True)
                last_line, seen_then = now, self.seen
            size = size_at(args.sizes, self.progress)
            loader.update(size=size, base=(size + args.size) / 2, mosaic=args.mosaic if self.progress < 0.9 else 0.1)
            if now - last_save > args.checkpoint_every * 60:
                self.save()
                last_save = now
            if now - last_measure > args.measure_every * 60:
                self.measure(losses)
                last_measure = now
            if self.progress >= 1:
                break
        self.save()
        result = self.measure(losses)
        report = {"ap50": result, "photos": len(self.photos), "images_seen": self.seen, "steps": self.step,
                  "epochs": self.epochs, "minutes": self.minutes_before + self.minutes(),
                  "classes": self.names, "size": self.spec.size, "width": self.spec.width, "anchors": self.spec.anchors,
                  "scale_x_y": self.spec.scale_x_y, "preprocess": "letterbox, grey 0.5, RGB / 255", "seed": args.seed}
        (args.work / "export" / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        print(f"done: {args.work / 'export' / args.export_name}.cfg, .weights, .names", flush=True)


def main() -> None:
    args = parse_arguments()
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    np.seterr(over="ignore")
    torch.set_flush_denormal(True)
    Run(args).train()


if __name__ == "__main__":
    main()
