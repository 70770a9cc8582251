"""What the dimensions of an array of images mean. N images, H × W pixels, C channels.

The first one always counts images: who has one image gives a batch of one. What could be meant in two ways is refused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from automl.errors import ArrayError

CHANNELS = (1, 3)
FORMS = "N × H × W (gray) or N × H × W × C with C = 1 or 3"


def shape_of_batch(shape: Sequence[int], *, name: str) -> tuple[int, int, int, int]:
    """N × H × W × C of a numpy array of this shape, whose channels are last.

    Raises: ArrayError if it is no batch of images.
    """
    if 0 in shape:
        raise ArrayError(f"{name} is {in_words(shape)}: there is no image in it. Give at least two of each class.")
    if len(shape) <= 2:
        raise ArrayError(f"{name} is {in_words(shape)}, and images are {FORMS}. {_unflatten(shape, name)}")
    if len(shape) == 3:
        if shape[2] in CHANNELS:
            raise ArrayError(
                f"{name} is {in_words(shape)}: that may be one image H × W × C, or gray images of {shape[2]} pixels "
                f"width. Give {name}[numpy.newaxis] for the one, {name}[..., numpy.newaxis] for the others."
            )
        return (shape[0], shape[1], shape[2], 1)
    if len(shape) == 4 and shape[3] in CHANNELS:
        return (shape[0], shape[1], shape[2], shape[3])
    raise ArrayError(f"{name} is {in_words(shape)}, and images are {FORMS}. {_advice(shape, name)}")


def shape_of_tensors(shape: Sequence[int], *, name: str) -> tuple[int, int, int, int]:
    """N × H × W × C of a torch tensor of this shape, N × H × W or N × C × H × W.

    Raises: ArrayError if it is no batch of images, or its channels may be first or last.
    """
    if len(shape) != 4:
        return shape_of_batch(shape, name=name)
    if 0 in shape:
        raise ArrayError(f"{name} is {in_words(shape)}: there is no image in it. Give at least two of each class.")
    first, last = shape[1] in CHANNELS, shape[3] in CHANNELS
    if first and last:
        raise ArrayError(
            f"{name} is {in_words(shape)}: its channels may be first or last. "
            f"Give a numpy array with the channels last: {name}.movedim(1, -1).numpy(), if they are first."
        )
    if not first:
        hint = f" Its channels seem to be last: give {name}.movedim(-1, 1)." if last else ""
        raise ArrayError(f"{name} is {in_words(shape)}, and tensors are N × C × H × W with C = 1 or 3.{hint}")
    return (shape[0], shape[2], shape[3], shape[1])


def in_words(shape: Sequence[int]) -> str:
    """The sides, for messages."""
    return " × ".join(map(str, shape)) or "a single value"


def _unflatten(shape: Sequence[int], name: str) -> str:
    """What to do with rows of pixels."""
    if len(shape) == 2:
        for channels, end in ((1, ""), (3, ", 3")):
            side = math.isqrt(shape[1] // channels)
            if side > 1 and side * side * channels == shape[1]:
                return f"If each row is one image, give {name}.reshape(-1, {side}, {side}{end})."
        return f"If each row is one image, give {name}.reshape(-1, height, width)."
    return f"Give a batch of images; numpy.stack({name}) makes one of a list of equal images."


def _advice(shape: Sequence[int], name: str) -> str:
    if len(shape) != 4:
        return "A series of images is no image: give each one a label of its own."
    if shape[1] in CHANNELS:
        return f"Its channels seem to be first: give numpy.moveaxis({name}, 1, -1)."
    if shape[3] == 4:
        return f"Leave the alpha channel out: {name}[..., :3]."
    return f"Choose one channel or three: {name}[..., :3]."
