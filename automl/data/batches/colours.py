"""Changes of saturation and hue as one 3 × 3 matrix an image, so that they cost one small product.

B images; red, green and blue in, red, green and blue out.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from automl.data.batches.random_params import signed
from automl.recipe import Recipe

_TO_YIQ = ((0.299, 0.587, 0.114), (0.595716, -0.274453, -0.321263), (0.211456, -0.522591, 0.311135))
"""NTSC: luma, and two axes of colour on which every gray is 0."""


def colour_matrices(recipe: Recipe, count: int, generator: torch.Generator) -> Tensor:
    """B × 3 × 3 on the host: colour turned by up to `hue` of the circle and stretched by 1 ± `saturation`, luma kept.

    Stretching is what torchvision calls saturation. Turning is linear here, where torchvision goes through HSV.

    Source: the colour transform of TensorFlow's `adjust_hsv_in_yiq`.
    """
    angle_B = 2 * math.pi * recipe.hue * signed(count, generator)
    stretch_B = 1 + recipe.saturation * signed(count, generator)
    along_B, across_B = stretch_B * angle_B.cos(), stretch_B * angle_B.sin()
    chroma_B33 = torch.zeros(count, 3, 3)
    chroma_B33[:, 0, 0] = 1
    chroma_B33[:, 1, 1] = chroma_B33[:, 2, 2] = along_B
    chroma_B33[:, 1, 2], chroma_B33[:, 2, 1] = -across_B, across_B
    to_yiq_33 = torch.tensor(_TO_YIQ)
    return torch.matmul(torch.linalg.inv(to_yiq_33), chroma_B33) @ to_yiq_33
