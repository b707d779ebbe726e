"""Training loss: complete-IoU boxes, soft objectness, class scores.

Assignment follows YOLOv5 (Jocher et al., 2020): a box belongs to every anchor whose sides differ from it by less than
a factor of four, in its own cell and in the two nearest neighbours. Boxes: CIoU (Zheng et al., "Distance-IoU Loss",
AAAI 2020). The objectness target of a pseudo-labelled box is the teacher's score (soft targets after Hinton, Vinyals,
Dean, "Distilling the Knowledge in a Neural Network", 2015), partly scaled by the overlap that the student reached.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from model import Spec, split_head

RATIO_LIMIT = 4.0
BOX_GAIN, OBJECT_GAIN, CLASS_GAIN = 6.0, 1.0, 0.7
OVERLAP_SHARE = 0.6  # part of the objectness target that follows the reached IoU


def complete_iou(a: Tensor, b: Tensor) -> Tensor:
    """CIoU of boxes (x, y, w, h; centres), row by row."""
    a1, a2 = a[:, :2] - a[:, 2:] / 2, a[:, :2] + a[:, 2:] / 2
    b1, b2 = b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2
    inner = (torch.minimum(a2, b2) - torch.maximum(a1, b1)).clamp(min=0).prod(1)
    union = a[:, 2:].prod(1) + b[:, 2:].prod(1) - inner + 1e-7
    iou = inner / union
    hull = (torch.maximum(a2, b2) - torch.minimum(a1, b1)).pow(2).sum(1) + 1e-7
    distance = (a[:, :2] - b[:, :2]).pow(2).sum(1) / hull
    v = 4 / math.pi**2 * (torch.atan(b[:, 2] / (b[:, 3] + 1e-7)) - torch.atan(a[:, 2] / (a[:, 3] + 1e-7))).pow(2)
    with torch.no_grad():
        alpha = v / (v - iou + 1 + 1e-7)
    return iou - distance - alpha * v


def assign(targets: Tensor, anchors: Tensor, width: int, height: int, stride: float) -> tuple[Tensor, Tensor]:
    """Rows of `targets` (image, class, x, y, w, h in pixels, score) to cells of one head.

    Returns (indices: image, anchor, row, column; the matching target rows).
    """
    ratio = targets[None, :, 4:6] / anchors[:, None]
    fits = torch.maximum(ratio, 1 / ratio.clamp(min=1e-6)).amax(2) < RATIO_LIMIT
    anchor_index, row_index = fits.nonzero(as_tuple=True)
    if row_index.numel() == 0:
        return torch.zeros(0, 4, dtype=torch.long, device=targets.device), targets[:0]
    rows = targets[row_index]
    cell = rows[:, 2:4] / stride
    limit = torch.tensor([width, height]).to(cell)
    base = cell.floor()
    inside = cell - base
    step = torch.where(inside < 0.5, -1.0, 1.0)
    cells = [base]
    for axis in range(2):
        moved = base.clone()
        moved[:, axis] += step[:, axis]
        cells.append(moved)
    places = torch.cat(cells)
    valid = ((places >= 0) & (places < limit)).all(1)
    anchor_all, rows_all = anchor_index.repeat(3), rows.repeat(3, 1)
    places, anchor_all, rows_all = places[valid].long(), anchor_all[valid], rows_all[valid]
    return torch.stack((rows_all[:, 0].long(), anchor_all, places[:, 1], places[:, 0]), 1), rows_all


def soft_score(score: Tensor) -> Tensor:
    """Teacher score to objectness target: sharpened, since the teacher is shy (0.67 and above count as sure)."""
    return (score * 1.5).clamp(max=1.0)


def detection_loss(heads: list[Tensor], targets: Tensor, ignored: Tensor, spec: Spec,
                   size: int) -> tuple[Tensor, dict[str, float]]:
    """Loss of a batch.

    `targets` and `ignored`: rows (image, class, centre x, centre y, w, h in pixels, score). Cells that only an ignored
    box claims carry no objectness loss.
    """
    classes = len(spec.names)
    s = spec.scale_x_y
    box_sum = class_sum = object_sum = heads[0].sum() * 0
    weight_sum = 0.0
    for raw, mask in zip(heads, spec.masks()):
        values = split_head(raw, classes)
        _, _, h, w, _ = values.shape
        stride = size / w
        anchors = torch.tensor([spec.anchors[i] for i in mask]).to(values)
        wanted = torch.zeros(values.shape[:4]).to(values)
        counted = torch.ones_like(wanted)
        if len(ignored):
            where, _ = assign(ignored, anchors, w, h, stride)
            counted[where[:, 0], where[:, 1], where[:, 2], where[:, 3]] = 0
        where, rows = assign(targets, anchors, w, h, stride)
        if len(where):
            image, anchor, row, column = where.unbind(1)
            chosen = values[image, anchor, row, column]
            corner = torch.stack((column, row), 1).float()
            xy = (chosen[:, :2].sigmoid() * s - (s - 1) / 2 + corner) * stride
            wh = chosen[:, 2:4].clamp(-4, 4).exp() * anchors[anchor]
            overlap = complete_iou(torch.cat((xy, wh), 1), rows[:, 2:6])
            weight = soft_score(rows[:, 6])
            box_sum = box_sum + ((1 - overlap) * weight).sum()
            one_hot = F.one_hot(rows[:, 1].long(), classes).to(chosen)
            class_loss = F.binary_cross_entropy_with_logits(chosen[:, 5:], one_hot, reduction="none").sum(1)
            class_sum = class_sum + (class_loss * weight).sum()
            weight_sum += float(weight.sum())
            reached = overlap.detach().clamp(0, 1)
            goal = weight * (1 - OVERLAP_SHARE + OVERLAP_SHARE * reached)
            order = goal.argsort()  # where two boxes claim a cell, the surer one is written last
            image, anchor, row, column = (t[order] for t in (image, anchor, row, column))
            wanted[image, anchor, row, column] = goal[order]
            counted[image, anchor, row, column] = 1
        object_loss = F.binary_cross_entropy_with_logits(values[..., 4], wanted, reduction="none")
        object_sum = object_sum + (object_loss * counted).sum()
    norm = max(weight_sum, float(heads[0].shape[0]))
    box, obj, cls = (BOX_GAIN * box_sum / norm, OBJECT_GAIN * object_sum / norm, CLASS_GAIN * class_sum / norm)
    total = box + obj + cls
    return total, {"box": float(box.detach()), "obj": float(obj.detach()), "cls": float(cls.detach())}
