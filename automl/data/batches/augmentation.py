"""Random changes to a whole batch on its device, different for every image.

Everything geometric is one resampling: flips, turns, rotation, shift, zoom and crop are composed into one affine map
an image; what needs no interpolation (flips, quarter turns, crop) is done on the uint8 pixels instead. Beyond its
border an image goes on with its border pixels. Everything about shades and colours is one affine map of the channels.
All random parameters are sampled on the host, a few an image: the same on every device, and the device never has to be
asked which images were chosen.

B images, C channels, H × W pixels.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, grid_sample, pad

from automl.data.batches.colours import colour_matrices
from automl.data.batches.normalization import Normalization
from automl.data.batches.orientation import Orientation, flip, sample_orientation, transpose
from automl.data.batches.random_params import between, chosen, signed
from automl.data.batches.transfer import to_device
from automl.recipe import FIELDS, Recipe

_BLUR_TAPS = 5
_BLUR_SIGMA_PIXELS = (0.4, 1.2)
_ERASED_AREA = (0.02, 0.33)
_ERASED_LOG_ASPECT = (math.log(0.3), -math.log(0.3))
_SCALED_FIELDS = (
    "rotation_degrees",
    "shift",
    "zoom",
    "pad_pixels",
    "brightness",
    "contrast",
    "saturation",
    "hue",
    "erasing",
    "blur",
)


class Augmentation:
    """What a recipe asks for, ready to be applied batch after batch."""

    def __init__(self, recipe: Recipe, normalization: Normalization) -> None:
        self.recipe = with_strength(recipe)
        self.normalization = normalization

    def __call__(self, images_BHWC: Tensor, *, generator: torch.Generator) -> Tensor:
        """Normalized float32 B × C × H × W of uint8 images; `generator` lives on the host and advances."""
        images_BCHW = self._moved(images_BHWC.permute(0, 3, 1, 2), generator)
        images_BCHW = self._shaded(images_BCHW, generator)
        if self.recipe.blur:
            blur(images_BCHW, chosen(self.recipe.blur, len(images_BCHW), generator).nonzero().flatten(), generator)
        if self.recipe.erasing:
            images_BCHW = erase(images_BCHW, chosen(self.recipe.erasing, len(images_BCHW), generator), generator)
        return images_BCHW

    def _moved(self, images_BCHW: Tensor, generator: torch.Generator) -> Tensor:
        """Geometry by the cheapest way that does what is asked; uint8 stays uint8 unless pixels are interpolated."""
        recipe = self.recipe
        if recipe.rotation_degrees or recipe.shift or recipe.zoom:
            return resample(images_BCHW.to(torch.float32), affine_maps(recipe, images_BCHW.shape, generator))
        if not (recipe.flip or recipe.vertical_flip or recipe.quarter_turns or recipe.pad_pixels):
            return images_BCHW
        orientation = sample_orientation(recipe, images_BCHW.shape, generator)
        images_BCHW = transpose(images_BCHW, orientation.transposed_B)
        if recipe.pad_pixels:
            return crop(images_BCHW, recipe.pad_pixels, orientation, generator)
        return flip(flip(images_BCHW, orientation.upside_down_B, axis=2), orientation.mirrored_B, axis=3)

    def _shaded(self, images_BCHW: Tensor, generator: torch.Generator) -> Tensor:
        """Normalization, brightness, contrast and colours as one affine map of the channels.

        Contrast stretches about the mean of the training pixels, brightness multiplies the pixel itself.
        """
        recipe, (count, channels) = self.recipe, images_BCHW.shape[:2]
        colours = channels == 3 and bool(recipe.saturation or recipe.hue)
        if not (recipe.brightness or recipe.contrast or colours):
            return self.normalization(images_BCHW)
        mean_C11, std_C11 = self.normalization.tensors()
        brightness_B111 = (1 + recipe.brightness * signed(count, generator)).view(-1, 1, 1, 1)
        contrast_B111 = (1 + recipe.contrast * signed(count, generator)).view(-1, 1, 1, 1)
        factor_BC11 = brightness_B111 * contrast_B111 / (255 * std_C11)
        offset_BC11 = mean_C11 * ((1 - contrast_B111) * brightness_B111 - 1) / std_C11
        if colours:
            maps_BCC = factor_BC11[..., 0] * colour_matrices(recipe, count, generator)
            return recolour(images_BCHW, maps_BCC, offset_BC11)
        shaded = images_BCHW.to(torch.float32).mul(to_device(factor_BC11, images_BCHW.device))
        return shaded.add_(to_device(offset_BC11, images_BCHW.device))


def with_strength(recipe: Recipe) -> Recipe:
    """Return the same augmentation with `augmentation_strength` multiplied out, each field within its own range."""
    strength = recipe.augmentation_strength
    scaled = {name: _scaled(name, getattr(recipe, name) * strength) for name in _SCALED_FIELDS}
    return dataclasses.replace(recipe, augmentation_strength=1.0, **scaled)  # type: ignore[arg-type]


def affine_maps(recipe: Recipe, shape: torch.Size, generator: torch.Generator) -> Tensor:
    """For each image the 2 × 3 map from a position in the result to its source; both sides span -1 to 1."""
    count, (height, width) = shape[0], shape[2:]
    angle_B = torch.deg2rad(recipe.rotation_degrees * signed(count, generator))
    zoom_B = 1 + recipe.zoom * signed(count, generator)
    orientation = sample_orientation(recipe, shape, generator)
    move_B2 = 2 * recipe.shift * (2 * torch.rand(count, 2, generator=generator) - 1)
    move_B2 += 2 * _crop_offsets(recipe.pad_pixels, count, generator) / torch.tensor([width, height])
    cosine_B, sine_B = angle_B.cos() / zoom_B, angle_B.sin() / zoom_B
    along_B2 = torch.stack([cosine_B, sine_B * width / height], dim=1)
    down_B2 = torch.stack([-sine_B * height / width, cosine_B], dim=1)
    transposed_B1, mirror_B1, upside_down_B1 = (
        orientation.transposed_B[:, None],
        1 - 2 * orientation.mirrored_B[:, None].to(torch.float32),
        1 - 2 * orientation.upside_down_B[:, None].to(torch.float32),
    )
    by_x_B2 = mirror_B1 * torch.where(transposed_B1, down_B2, along_B2)
    by_y_B2 = upside_down_B1 * torch.where(transposed_B1, along_B2, down_B2)
    return torch.stack([by_x_B2, by_y_B2, move_B2], dim=2)


def resample(images_BCHW: Tensor, maps_B23: Tensor) -> Tensor:
    """Bilinear interpolation of float images at the positions that each image's map names.

    Positions are built by broadcasting: F.affine_grid took four times as long as the sampling (one core, torch 2.15).
    """
    height, width = images_BCHW.shape[2:]
    maps_B23 = to_device(maps_B23, images_BCHW.device)
    x_W = _centers(width, images_BCHW.device)
    y_H1 = _centers(height, images_BCHW.device)[:, None]
    by_x_B2, by_y_B2, move_B2 = maps_B23.unbind(dim=2)
    rows_B2H1 = by_y_B2[:, :, None, None] * y_H1 + move_B2[:, :, None, None]
    places_B2HW = torch.addcmul(rows_B2H1, by_x_B2[:, :, None, None], x_W)
    return grid_sample(
        images_BCHW, places_B2HW.permute(0, 2, 3, 1), mode="bilinear", padding_mode="border", align_corners=False
    )


def crop(images_BCHW: Tensor, pad_pixels: int, orientation: Orientation, generator: torch.Generator) -> Tensor:
    """Pad by border pixels and crop at random, by indexing; the orientation's flips (no transpositions) with it."""
    count, _, height, width = images_BCHW.shape
    offsets_B2 = _crop_offsets(pad_pixels, count, generator)
    columns_BW = _positions(width, orientation.mirrored_B) + offsets_B2[:, :1]
    rows_BH = _positions(height, orientation.upside_down_B) + offsets_B2[:, 1:]
    rows_BH1 = to_device(rows_BH.clamp_(0, height - 1), images_BCHW.device)[:, :, None]
    columns_B1W = to_device(columns_BW.clamp_(0, width - 1), images_BCHW.device)[:, None, :]
    images_B11 = torch.arange(count, device=images_BCHW.device)[:, None, None]
    return images_BCHW.permute(0, 2, 3, 1)[images_B11, rows_BH1, columns_B1W].permute(0, 3, 1, 2)


def recolour(images_BCHW: Tensor, maps_BCC: Tensor, offset_BC11: Tensor) -> Tensor:
    """Float32 images whose channels each image's own map mixes, and its offset moves."""
    maps_BCC = to_device(maps_BCC, images_BCHW.device)
    mixed = torch.einsum("bij,bjhw->bihw", maps_BCC, images_BCHW.to(torch.float32))
    return mixed.add_(to_device(offset_BC11, images_BCHW.device))


def blur(images_BCHW: Tensor, chosen_K: Tensor, generator: torch.Generator) -> None:
    """Blur the images of these indices in place, each by a Gaussian of its own, 0.4 to 1.2 pixels wide.

    One depthwise convolution: each channel of each chosen image is a channel with a kernel of its own.
    """
    count, (channels, height, width), reach = len(chosen_K), images_BCHW.shape[1:], _BLUR_TAPS // 2
    if count == 0:
        return
    kernels_K11TT = to_device(_gaussians(between(_BLUR_SIGMA_PIXELS, count, generator)), images_BCHW.device)
    indices_K = to_device(chosen_K, images_BCHW.device)
    planes = images_BCHW[indices_K].reshape(1, count * channels, height, width)
    padded = pad(planes, (reach,) * 4, mode="replicate")
    kernels = kernels_K11TT.expand(-1, channels, -1, -1, -1).reshape(count * channels, 1, _BLUR_TAPS, _BLUR_TAPS)
    images_BCHW[indices_K] = conv2d(padded, kernels, groups=count * channels).view(count, channels, height, width)


def erase(images_BCHW: Tensor, chosen_B: Tensor, generator: torch.Generator) -> Tensor:
    """Set a random rectangle of the chosen, normalized images to 0, the mean of the training pixels.

    Source: Zhong et al. 2020, Random Erasing, section 4.2, for areas and aspects.
    """
    count, (height, width), device = len(images_BCHW), images_BCHW.shape[2:], images_BCHW.device
    area_B = between(_ERASED_AREA, count, generator) * chosen_B
    aspect_B = between(_ERASED_LOG_ASPECT, count, generator).exp()
    rows_BH = _interval((area_B * aspect_B).sqrt(), height, generator)
    columns_BW = _interval((area_B / aspect_B).sqrt(), width, generator)
    erased_B1HW = to_device(rows_BH, device)[:, None, :, None] & to_device(columns_BW, device)[:, None, None, :]
    return images_BCHW.masked_fill_(erased_B1HW, 0.0)


def mix(
    images_BCHW: Tensor, targets_BK: Tensor, concentration: float, *, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Blend each image, and its target, with another one; the image itself keeps at least half.

    Source: Zhang et al. 2018, mixup, with a share sampled for every image.
    """
    count, device = len(images_BCHW), images_BCHW.device
    partner_B = to_device(torch.randperm(count, generator=generator), device)
    share_B = _beta(concentration, count, generator)
    other_B = to_device(torch.minimum(share_B, 1 - share_B), device)
    return (
        torch.lerp(images_BCHW, images_BCHW[partner_B], other_B[:, None, None, None]),
        torch.lerp(targets_BK, targets_BK[partner_B], other_B[:, None]),
    )


def _scaled(name: str, value: float) -> float | int:
    field = FIELDS[name]
    capped = min(value, field.range.high) if field.range else value
    return round(capped) if field.kind == "int" else capped


def _crop_offsets(pad_pixels: int, count: int, generator: torch.Generator) -> Tensor:
    """Whole pixels across and down, B × 2, from -pad to pad."""
    return torch.randint(-pad_pixels, pad_pixels + 1, (count, 2), generator=generator)


def _positions(side: int, reversed_B: Tensor) -> Tensor:
    """Pixels of a side in order, B × side, or from the other end."""
    places_S = torch.arange(side)
    return torch.where(reversed_B[:, None], side - 1 - places_S, places_S)


def _centers(side: int, device: torch.device) -> Tensor:
    """Places of the pixels' centers where the side spans -1 to 1."""
    return (2 * torch.arange(side, device=device, dtype=torch.float32) + 1) / side - 1


def _gaussians(sigma_K: Tensor) -> Tensor:
    """Kernels that sum to 1, K × 1 × 1 × taps × taps."""
    distance_T = torch.arange(_BLUR_TAPS) - _BLUR_TAPS // 2
    weights_KT = torch.softmax(-(distance_T**2) / (2 * sigma_K[:, None] ** 2), dim=1)
    return (weights_KT[:, :, None] * weights_KT[:, None, :])[:, None, None]


def _interval(share_B: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Mask, B × side, of a random interval that covers this share of the side; none for a share of 0."""
    length_B = (share_B * side).round().clamp_(max=side)
    start_B = (torch.rand(len(share_B), generator=generator) * (side - length_B + 1)).floor()
    place_S = torch.arange(side)
    return (place_S >= start_B[:, None]) & (place_S < (start_B + length_B)[:, None])


def _beta(concentration: float, count: int, generator: torch.Generator) -> Tensor:
    """Draws of Beta(concentration, concentration), by numpy: torch's own take no generator."""
    seed = int(torch.randint(2**63 - 1, (1,), generator=generator))
    return torch.from_numpy(np.random.default_rng(seed).beta(concentration, concentration, count)).to(torch.float32)
