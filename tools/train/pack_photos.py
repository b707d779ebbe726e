"""Packs photos and a teacher's boxes small, in pieces that travel one by one, and unpacks them on another machine.

    python3 pack_photos.py pack --photos PHOTOS --pseudo pseudo.json --out pieces --side 224 --piece 32
    python3 pack_photos.py unpack pieces/*.tar --out DATA

A piece is a tar of JPEGs with the boxes of those photos (`boxes.json`), and `pieces.json` tells all pieces' SHA-256. Pieces
may arrive in any order and over several calls: `unpack` skips what is there, and `DATA/pseudo.json` always describes
exactly the photos that are there, so that a training can start on the first pieces and go on with more (`--resume`).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import cv2

from data import PHOTO_SUFFIXES

MEBIBYTE = 1 << 20
BOXES = "boxes.json"
INDEX = "pieces.json"


def shrink(path: Path, side: int, quality: int) -> bytes | None:
    """A photo as JPEG, its long side at most `side`; none where it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        return None
    scale = side / max(image.shape[:2])
    if scale < 1:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def add(out: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    out.addfile(entry, io.BytesIO(data))


def write_piece(folder: Path, number: int, photos: dict[str, bytes], names: list[str], boxes: dict[str, Any]) -> str:
    """One tar; returns its SHA-256."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as out:
        for name, data in photos.items():
            add(out, name, data)
        add(out, BOXES, json.dumps({"names": names, "boxes": boxes}).encode())
    (folder / f"{number:03d}.tar").write_bytes(raw.getvalue())
    return hashlib.sha256(raw.getvalue()).hexdigest()


def read_boxes(photos: list[Path], pseudo: list[Path]) -> tuple[list[str], list[tuple[Path, str, Any]]]:
    """Class names, and (photo, name in the pieces, boxes), in an order that spreads every source over all pieces."""
    found: dict[str, tuple[Path, Any]] = {}
    names: list[str] = []
    for root, file in zip(photos, pseudo):
        data = json.loads(file.read_text())
        if names and data["names"] != names:
            sys.exit(f"{file} has other class names than {pseudo[0]}")
        names = data["names"]
        for relative, boxes in data["boxes"].items():
            name = relative if relative.lower().endswith((".jpg", ".jpeg")) else f"{relative}.jpg"
            if name in found:
                sys.exit(f"{root} has a second {name}: pack it into a folder of its own")
            found[name] = root / relative, boxes
    order = sorted(found, key=lambda name: hashlib.sha256(name.encode()).digest())
    return names, [(found[name][0], name, found[name][1]) for name in order]


def pack(args: argparse.Namespace) -> None:
    names, found = read_boxes(args.photos, args.pseudo)
    args.out.mkdir(parents=True, exist_ok=True)
    pieces: dict[str, str] = {}
    photos: dict[str, bytes] = {}
    boxes: dict[str, Any] = {}

    def close() -> None:
        pieces[f"{len(pieces):03d}.tar"] = write_piece(args.out, len(pieces), photos, names, boxes)
        print(f"{len(pieces)} pieces, {len(photos)} photos in the last", file=sys.stderr, flush=True)
        photos.clear()
        boxes.clear()

    size = 0
    for path, name, rows in found:
        data = shrink(path, args.side, args.quality)
        if data is None:
            continue
        if photos and size + len(data) > args.piece * MEBIBYTE:
            close()
            size = 0
        photos[name] = data
        boxes[name] = [row for row in rows if row[1] >= args.floor]
        # A tar's header, and its padding to 512 bytes; the boxes weigh about 40 bytes each.
        size += len(data) + 1024 + 40 * len(boxes[name])
    if photos:
        close()
    (args.out / INDEX).write_text(json.dumps(pieces, indent=2) + "\n")


def unpack(args: argparse.Namespace) -> None:
    args.out.mkdir(parents=True, exist_ok=True)
    table = args.out / "pseudo.json"
    known = json.loads(table.read_text()) if table.exists() else {"names": [], "boxes": {}}
    for piece in args.pieces:
        raw = piece.read_bytes()
        index = piece.parent / INDEX
        if index.exists() and json.loads(index.read_text()).get(piece.name) != hashlib.sha256(raw).hexdigest():
            sys.exit(f"{piece} is not the piece that {index} names: send it again")
        with tarfile.open(fileobj=io.BytesIO(raw)) as source:
            described = source.extractfile(BOXES)
            assert described is not None
            part = json.load(described)
            for entry in source:
                name = Path(entry.name)
                if not entry.isfile() or name.is_absolute() or ".." in name.parts:
                    sys.exit(f"{piece} has an entry that does not belong there: {entry.name}")
                target = args.out / name
                if name.suffix.lower() not in PHOTO_SUFFIXES or target.exists():
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                photo = source.extractfile(entry)
                assert photo is not None
                target.write_bytes(photo.read())
        known["names"] = part["names"]
        known["boxes"].update(part["boxes"])
    temporary = table.with_suffix(".tmp")
    temporary.write_text(json.dumps(known))
    os.replace(temporary, table)
    print(f"{len(known['boxes'])} photos in {args.out}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(required=True)
    packing = actions.add_parser("pack", help="write pieces")
    packing.add_argument("--photos", type=Path, action="append", required=True, help="folder; repeat with --pseudo")
    packing.add_argument("--pseudo", type=Path, action="append", required=True, help="boxes, one file per --photos")
    packing.add_argument("--out", type=Path, required=True, help="folder of the pieces")
    packing.add_argument("--side", type=int, default=288, help="long side of the photos in pixels, at most")
    packing.add_argument("--quality", type=int, default=75, help="of the JPEGs")
    packing.add_argument("--floor", type=float, default=0.1, help="score under which a box is left out")
    packing.add_argument("--piece", type=float, default=32, help="MiB of a piece, at most")
    packing.set_defaults(action=pack)
    unpacking = actions.add_parser("unpack", help="add pieces to a folder of photos")
    unpacking.add_argument("pieces", type=Path, nargs="+")
    unpacking.add_argument("--out", type=Path, required=True)
    unpacking.set_defaults(action=unpack)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    args.action(args)


if __name__ == "__main__":
    main()
