"""Trains each recipe for half a minute on made-up pictures, then quantises and inspects what came out: a trial of the whole
way from training to an int8 model. The short detector begins from the first one's weights and trains on photos that went
through `pack_photos.py`. Needs a built clone (`npm ci`). Ends with a line for each recipe, or with the first that fails.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLI = HERE.parents[1] / "dist" / "cli" / "main.js"


def run(*words: object) -> str:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, cwd=HERE, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\nfails:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def fails(*words: object) -> None:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, cwd=HERE, check=False)
    if done.returncode == 0:
        sys.exit(f"{' '.join(map(str, words))}\nshould have failed")


def pack_and_unpack(dataset: Path, work: Path) -> list[object]:
    """The made-up pictures through pieces, one of which breaks; returns the options that train on what arrived."""
    names = (dataset / "names.txt").read_text().split()
    boxes = {}
    for label in sorted((dataset / "photos").glob("*.txt")):
        rows = [[float(v) for v in line.split()] for line in label.read_text().splitlines()]
        boxes[f"{label.stem}.png"] = [[int(c), 0.9, x - w / 2, y - h / 2, w, h] for c, x, y, w, h in rows]
    work.mkdir(parents=True, exist_ok=True)
    pseudo = work / "boxes.json"
    pseudo.write_text(json.dumps({"names": names, "boxes": boxes}))
    tool, pieces, data = HERE / "pack_photos.py", work / "pieces", work / "data"
    run(sys.executable, tool, "pack", "--photos", dataset / "photos", "--pseudo", pseudo, "--out", pieces, "--piece", 0.1)
    first, *others = sorted(pieces.glob("*.tar"))
    run(sys.executable, tool, "unpack", *others, "--out", data)
    whole = first.read_bytes()
    middle = len(whole) // 2
    first.write_bytes(whole[:middle] + bytes(byte ^ 255 for byte in whole[middle:middle + 9]) + whole[middle + 9:])
    fails(sys.executable, tool, "unpack", first, "--out", data)
    first.write_bytes(whole)
    run(sys.executable, tool, "unpack", first, "--out", data)
    arrived = json.loads((data / "pseudo.json").read_text())["boxes"]
    if arrived != {f"{name}.jpg": rows for name, rows in boxes.items()}:
        sys.exit("the boxes that arrived are not those that were packed")
    return ["--photos", data, "--pseudo", data / "pseudo.json"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="default: a new temporary folder")
    work = parser.parse_args().work or Path(tempfile.mkdtemp(prefix="ocellus-smoke-"))
    detector, dataset = "export/ocellus-detector.weights", work / "detector" / "dataset"
    recipes = {
        "detector": ("detector", detector, ["--calibrate", dataset]),
        "short": ("detector", detector, ["--calibrate", dataset]),
        "dcgan": ("dcgan", "generator.pth", []),
        "mae": ("mae", "mae.pth", ["--heads", 1]),  # 48 wide: too narrow to tell by its width
    }
    for name, (script, weights, options) in recipes.items():
        more: list[object] = []
        if name == "short":
            more = [*pack_and_unpack(dataset, work / "packed"), "--structure", "short", "--loaders", 2, "--hold-back", 0.2,
                    "--init", work / "detector" / "export" / "ocellus-detector.cfg"]
        run(sys.executable, HERE / f"train_{script}.py", "--smoke", "--work", work / name, *more)
        model = work / f"{name}.safetensors"
        run("node", CLI, "quantize", work / name / weights, *options, "--out", model)
        run("node", CLI, "inspect", model, "--json")
        print(f"{name}: trained, quantised to {model} ({model.stat().st_size} bytes)", flush=True)


if __name__ == "__main__":
    main()
