"""Folders beside the class folders of which no image is read: their names, the reason and the remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from automl.data.decoding.containers import ending
from automl.sanitize import one_line

LISTED = 5
"""Number of folders that a note names before it counts the others."""
UNREAD_PICTURES = frozenset(
    (
        *(".heic", ".heif", ".hif", ".jxl"),
        *(".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"),
        *(".tga", ".pcx", ".dib", ".qoi", ".sgi", ".dds", ".psd"),
        *(".ico", ".icns", ".svg", ".eps", ".pdf"),
        *(".dcm", ".nii", ".fits", ".exr", ".hdr", ".pfm"),
        *(".mp4", ".mov", ".avi"),
    )
)
"""Endings of pictures, and of what holds pictures, that are not read.

Pillow alone reads neither HEIC nor JPEG XL nor cameras' raw files. TGA and DIB have no signature, so that a damaged
file of any kind might be read as noise. PCX, QOI, SGI, DDS and PSD are rare, and their decoders little tested. ICO and
ICNS hold several pictures each, SVG and EPS are drawn by programs. The rest holds floats, volumes or films.
"""


def lost_folders(
    class_folders: Collection[str],
    image_folders: Collection[str],
    others: Collection[str],
    folders: Iterable[str],
    hidden: Collection[str],
) -> tuple[str, ...]:
    """One note on the folders beside and above the class folders of which no image is read; none if there are none.

    `image_folders`: those right above an image. `others`: files that are no images. `folders`: all that are there.
    `hidden`: those with images whose names hide them.
    """
    parents = {parent for folder in class_folders for parent in _above(folder)} or {""}
    with_images = {parent for folder in image_folders for parent in (*_above(folder), folder)}
    other_folders = {path.rpartition("/")[0] for path in others}
    seen = {parent for folder in other_folders for parent in (*_above(folder), folder)} | set(folders)
    lost = sorted(folder for folder in seen if folder and _parent(folder) in parents and folder not in with_images)
    reasons = [f"{_shown(folder)} {_reason(folder, others)}" for folder in lost[:LISTED]]
    reasons += [f"{_shown(folder)} is hidden by the dot in its name" for folder in sorted(hidden)[:LISTED]]
    if not reasons:
        return ()
    left = len(lost) + len(hidden) - len(reasons)
    return ("folders of which no image is read: " + "; ".join([*reasons, *([f"and {left} more"] if left else [])]),)


def unread_pictures(others: Iterable[str]) -> tuple[str, ...]:
    """What to do about pictures of types that are not read; nothing if there are none."""
    endings = sorted({ending(path) for path in others} & UNREAD_PICTURES)
    return (f"{', '.join(endings)} files are not read: convert them to .jpg or .png",) if endings else ()


def _above(folder: str) -> list[str]:
    """All folders above a folder, the container itself ("") first; nothing above that."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:depth]) for depth in range(len(parts))]


def _parent(folder: str) -> str:
    return folder.rpartition("/")[0]


def _shown(folder: str) -> str:
    return repr(one_line(folder))


def _reason(folder: str, others: Collection[str]) -> str:
    inside = [path for path in others if path.startswith(folder + "/")]
    if not inside:
        return "is empty"
    return f"has only files that are no images by their ending ({endings_of(inside)})"


def endings_of(paths: Collection[str]) -> str:
    """The five most frequent endings, with their counts."""
    counts = Counter(ending(path) or "no ending" for path in paths)
    return ", ".join(f"{one_line(name)}: {count}" for name, count in counts.most_common(5))
