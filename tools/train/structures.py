"""The layer lists of the detectors, in darknet's vocabulary: what the cfg will say.

`yolov4-tiny`: Bochkovskiy, Wang, Liao, "YOLOv4: Optimal Speed and Accuracy of Object Detection" (2020) and
"Scaled-YOLOv4: Scaling Cross Stage Partial Network" (2021): a CSP backbone whose partial blocks keep half the channels
(`route groups=2`), and two heads with strides 32 and 16, or three, with stride 8 for small things (`yolov4-tiny-3l`).

`short`: the same backbone, whose last map has stride 16, and heads with strides 16 and 8 of depthwise separable convolutions
(Howard et al., "MobileNets", 2017). For inputs near 96 pixels and parts with 128 KB of memory: at quarter width it has a
quarter of the weights, and can begin from those of a trained `yolov4-tiny`.

Three anchors a head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model import Spec

Section = tuple[str, dict[str, Any]]


def channels(base: int, width: float) -> int:
    """Channel count for a width multiplier, rounded to a multiple of 8."""
    return max(8, int(round(base * width / 8)) * 8)


class Layers:
    """Appends sections; `wide` scales channel counts by the spec's width."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.list: list[Section] = []

    def wide(self, base: int) -> int:
        return channels(base, self.spec.width)

    def conv(self, filters: int, size: int = 3, stride: int = 1, groups: int = 1) -> None:
        grouped = {"groups": groups} if groups > 1 else {}
        self.list.append(("convolutional", {"batch_normalize": 1, "filters": filters, "size": size, "stride": stride,
                                            "pad": 1, **grouped, "activation": "leaky"}))

    def route(self, *sources: int, groups: int = 1) -> None:
        options: dict[str, Any] = {"layers": ",".join(str(s) for s in sources)}
        if groups > 1:
            options.update(groups=groups, group_id=groups - 1)
        self.list.append(("route", options))

    def halve(self) -> None:
        self.list.append(("maxpool", {"size": 2, "stride": 2}))

    def upsample(self) -> None:
        self.list.append(("upsample", {"stride": 2}))

    def head(self, mask: tuple[int, ...]) -> None:
        spec = self.spec
        classes = len(spec.names)
        self.list.append(("convolutional", {"size": 1, "stride": 1, "pad": 1, "filters": len(mask) * (5 + classes),
                                            "activation": "linear"}))
        self.list.append(("yolo", {"mask": ",".join(str(m) for m in mask),
                                   "anchors": ", ".join(f"{w:g},{h:g}" for w, h in spec.anchors), "classes": classes,
                                   "num": len(spec.anchors), "scale_x_y": spec.scale_x_y, "iou_loss": "ciou",
                                   "nms_kind": "greedynms", "beta_nms": 0.6, "thresh": 0.001}))


def backbone(net: Layers) -> None:
    """Two strided convolutions and three CSP blocks; the last map has stride 16, and 2 x wide(256) channels."""
    wide, conv, route = net.wide, net.conv, net.route
    conv(wide(32), stride=2)
    conv(wide(64), stride=2)
    for base in (64, 128, 256):
        full, half = wide(base), wide(base) // 2
        if base > 64:
            net.halve()
        conv(full)
        route(-1, groups=2)
        conv(half)
        conv(half)
        route(-1, -2)
        conv(full, size=1)
        route(-6, -1)


def yolov4_tiny(spec: Spec) -> list[Section]:
    net = Layers(spec)
    wide, conv, route = net.wide, net.conv, net.route
    backbone(net)
    net.halve()
    conv(wide(512))
    conv(wide(256), size=1)
    conv(wide(512))
    masks = spec.masks()
    net.head(masks[0])
    route(-4)
    conv(wide(128), size=1)
    net.upsample()
    route(-1, 23)
    conv(wide(256))
    net.head(masks[1])
    if len(masks) > 2:
        route(-3)
        conv(wide(64), size=1)
        net.upsample()
        route(-1, 15)
        conv(wide(128))
        net.head(masks[2])
    return net.list


def short(spec: Spec) -> list[Section]:
    net = Layers(spec)
    wide, conv, route = net.wide, net.conv, net.route

    def separable(inputs: int, outputs: int) -> None:
        conv(inputs, groups=inputs)
        conv(outputs, size=1)

    backbone(net)
    conv(wide(192), size=1)
    separable(wide(192), wide(192))
    masks = spec.masks()
    net.head(masks[0])
    route(-3)
    conv(wide(128), size=1)
    net.upsample()
    route(-1, 15)
    separable(2 * wide(128), wide(128))
    net.head(masks[1])
    return net.list


STRUCTURES = {"yolov4-tiny": yolov4_tiny, "short": short}


def sections(spec: Spec) -> list[Section]:
    """The layer list for `spec`."""
    return STRUCTURES[spec.structure](spec)
