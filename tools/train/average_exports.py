"""The weighted mean of several exports of one run, after Izmailov et al., "Averaging Weights Leads to Wider Optima" (UAI
2018); the statistics of the batch norms are averaged too. `--size` sets the input that is written to the cfg.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from export_darknet import export, read_cfg_spec, read_weights
from model import Detector


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", help="CFG:SHARE, the .weights and .names beside the cfg")
    parser.add_argument("--size", type=int)
    parser.add_argument("--out", type=Path, required=True, help="cfg, weights and names to write, without ending")
    args = parser.parse_args()
    parts = [(Path(p.rsplit(":", 1)[0]), float(p.rsplit(":", 1)[1])) for p in args.parts]
    total = sum(share for _, share in parts)
    spec = read_cfg_spec(parts[0][0], parts[0][0].with_suffix(".names"))
    mean = Detector(replace(spec, size=args.size or spec.size))
    with torch.no_grad():
        for value in mean.state_dict().values():
            value.zero_()
        for cfg, share in parts:
            part = Detector(read_cfg_spec(cfg, cfg.with_suffix(".names")))
            read_weights(part, cfg.with_suffix(".weights"))
            for value, other in zip(mean.state_dict().values(), part.state_dict().values()):
                if value.dtype.is_floating_point:
                    value.add_(other, alpha=share / total)
    export(mean, args.out.parent, args.out.name, 0, [f"mean of {len(parts)} exports"])


if __name__ == "__main__":
    main()
