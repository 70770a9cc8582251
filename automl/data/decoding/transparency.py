"""The paper under transparent images. H × W pixels.

It is white, as on most pages. A drawing that is nearly white itself would become a blank image on it and gets black.
The image alone decides: whoever predicts has no data set to ask, and of black and white chess pieces, all painted on
nothing, each remains visible. What a model was trained on before stays as it was, blank images apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import numpy as np
from PIL import Image

Paper: TypeAlias = Literal["white", "black"]
ALPHA_MODES = frozenset(("LA", "La", "PA", "RGBA", "RGBa"))
NEARLY_WHITE = 224
"""Least red, green and blue of a pixel that is hardly seen on white."""
LIGHT_SHARE = 0.9
"""Share of what is not transparent; a drawing with more nearly white pixels lies on black."""


def may_be_transparent(image: Image.Image) -> bool:
    """Whether the image has an alpha channel or a transparent colour, used or not; no pixel is read."""
    return image.mode in ALPHA_MODES or "transparency" in image.info


def choose_paper(bands: Iterable[Image.Image]) -> Paper:
    """The colour on which more is seen of an image, which is given in bands."""
    visible = light = 0
    for band in bands:
        pixels_HWC = np.asarray(band.convert("RGBA"))
        alpha_HW = pixels_HWC[..., 3]
        visible += int(alpha_HW.sum(dtype=np.int64))
        light += int(alpha_HW[pixels_HWC[..., :3].min(axis=2) >= NEARLY_WHITE].sum(dtype=np.int64))
    return "black" if visible and light > LIGHT_SHARE * visible else "white"


def lay_on(paper: Paper, band: Image.Image) -> Image.Image:
    """The band as it looks on this paper, still RGBA."""
    band = band.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", band.size, paper), band)
