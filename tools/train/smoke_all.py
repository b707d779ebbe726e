"""Trains each recipe for half a minute on made-up pictures, then quantises and inspects what came out: a trial of the whole
way from training to an int8 model. Needs a built clone (`npm ci`). Ends with a line for each recipe, or with the first
that fails.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLI = HERE.parents[1] / "dist" / "src" / "cli" / "main.js"


def run(*words: object) -> str:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, cwd=HERE, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))}\nfails:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="default: a new temporary folder")
    work = parser.parse_args().work or Path(tempfile.mkdtemp(prefix="ocellus-smoke-"))
    recipes = {
        "detector": ("export/ocellus-detector.weights", ["--calibrate", work / "detector" / "dataset"]),
        "dcgan": ("generator.pth", []),
        "mae": ("mae.pth", ["--heads", 1]),  # 48 wide: too narrow to tell by its width
    }
    for name, (weights, options) in recipes.items():
        run(sys.executable, HERE / f"train_{name}.py", "--smoke", "--work", work / name)
        model = work / f"{name}.safetensors"
        run("node", CLI, "quantize", work / name / weights, *options, "--out", model)
        run("node", CLI, "inspect", model, "--json")
        print(f"{name}: trained, quantised to {model} ({model.stat().st_size} bytes)", flush=True)


if __name__ == "__main__":
    main()
