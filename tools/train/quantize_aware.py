"""Quantisation-aware training: the forward pass computes with the numbers that int8 has, gradients pass through.

Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference" (CVPR 2018),
as `ocellus quantize` quantises: weights symmetric, a scale for each output channel; activations asymmetric, one scale for a
tensor, its range a moving average of each batch's. A scale for each channel moves with the factor that batch norm puts on the
channel, so weights may be rounded before batch norm is folded. The heads stay float32, as they do in the model.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RANGE_MOMENTUM = 0.02  # of the moving range, per step


def rounded_weight(weight: Tensor) -> Tensor:
    """To 127 steps on either side of zero, for each output channel."""
    scale = weight.detach().float().abs().amax((1, 2, 3)).clamp(min=1e-12) / 127
    zero = torch.zeros(len(scale), dtype=torch.int32, device=weight.device)
    return torch.fake_quantize_per_channel_affine(weight.float(), scale, zero, 0, -127, 127)


class Range:
    """The range of one tensor, and its rounding to 256 steps. Zero is always one of them."""

    def __init__(self) -> None:
        self.low = self.high = 0.0
        self.fresh = True

    def __call__(self, values: Tensor) -> Tensor:
        values = values.float()
        low, high = (float(v) for v in torch.aminmax(values.detach()))
        share = 1.0 if self.fresh else RANGE_MOMENTUM
        self.low += share * (min(low, 0.0) - self.low)
        self.high += share * (max(high, 0.0) - self.high)
        self.fresh = False
        scale = max(self.high - self.low, 1e-6) / 255
        zero_point = round(-128 - self.low / scale)
        return torch.fake_quantize_per_tensor_affine(values, scale, max(-128, min(127, zero_point)), -128, 127)


def enable(model: nn.Module) -> None:
    """Rounds weights and activations from now on, while the model trains; evaluation and the weights kept are float."""

    def convolve(layer: nn.Conv2d) -> None:
        def forward(values: Tensor) -> Tensor:
            weight = rounded_weight(layer.weight) if layer.training else layer.weight
            return F.conv2d(values, weight, layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups)

        layer.forward = forward  # type: ignore[method-assign]

    def activate(layer: nn.LeakyReLU) -> None:
        rounding = Range()
        layer.register_forward_hook(lambda _layer, _inputs, output: rounding(output) if layer.training else output)

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            convolve(layer)
        elif isinstance(layer, nn.LeakyReLU):
            activate(layer)
