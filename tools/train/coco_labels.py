"""Writes YOLO label files beside the photos, from COCO's annotations (instances_*.json). Crowds are left out."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

from data import SAME_NAMES

# darknet's list of COCO's classes has older names for some
OLD_NAMES = {"airplane": "aeroplane", "couch": "sofa", "potted plant": "pottedplant", "dining table": "diningtable",
             "tv": "tvmonitor", **{new: old for old, new in SAME_NAMES.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("photos", type=Path, help="folder with the photos named there")
    parser.add_argument("--names", type=Path, required=True, help="class names, one per line, in the order to number")
    args = parser.parse_args()
    names = [n for n in args.names.read_text().splitlines() if n]
    data = json.loads(args.annotations.read_text())
    classes = {c["id"]: c["name"] for c in data["categories"]}
    photos = {p["id"]: p for p in data["images"]}
    rows: dict[str, list[str]] = defaultdict(list)
    for box in data["annotations"]:
        name = classes[box["category_id"]]
        name = name if name in names else OLD_NAMES.get(name, name)
        if box.get("iscrowd") or name not in names:
            continue
        photo = photos[box["image_id"]]
        x, y, w, h = box["bbox"]
        sides = photo["width"], photo["height"]
        values = ((x + w / 2) / sides[0], (y + h / 2) / sides[1], w / sides[0], h / sides[1])
        rows[photo["file_name"]].append(f"{names.index(name)} " + " ".join(f"{v:.5f}" for v in values))
    written = 0
    for file, lines in rows.items():
        path = args.photos / file
        if path.exists():
            path.with_suffix(".txt").write_text("\n".join(lines) + "\n")
            written += 1
    print(f"{written} label files")


if __name__ == "__main__":
    main()
