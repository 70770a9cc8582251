"""Names in a zip whose encoding is not recorded: Windows and old packers use that of the country.

A zip marks names in UTF-8. Unmarked ones are code page 437 by the standard, and whatever the machine had in truth. The
most plausible encoding is taken. Where two are as good as each other, the zip is refused.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from automl.data.decoding.encoding_plausibility import NO_TEXT, decoded, rank_encodings
from automl.sanitize import one_line

UTF8_MARK = 0x800
"""Bit of a member's flags that marks its name as UTF-8."""
UNICODE_PATH = 0x7075
"""The extra field in which Info-ZIP and 7-Zip write the name in UTF-8."""
MARGIN, MARGIN_OF_ONE = 0.08, 0.5
"""Least difference of the best plausibility from the next, 0 to 1, and what one character needs beyond it. Of n
characters each counts for 1/n."""
PLAUSIBLE = 0.5
"""Least plausibility of the best encoding, 0 to 1."""
LEGACY = "cp437"
"""Encoding in which zipfile reads unmarked names; it refuses no byte."""
Member = tuple[str, zipfile.ZipInfo]


@dataclass(frozen=True)
class MemberNames:
    """Names of a zip's members, folders with their slash."""

    members: list[Member]
    notes: tuple[str, ...] = ()
    doubt: str | None = None
    """Reason why the names of the folders cannot be read."""


def read_names(members: Sequence[zipfile.ZipInfo]) -> MemberNames:
    """Read the names of all members, in one encoding for all that are not marked."""
    unmarked = {member.filename: raw for member in members if (raw := _raw(member)) is not None}
    if not unmarked:
        return MemberNames([(_name(member, {}, LEGACY), member) for member in members])
    encoding, notes, doubt = _encoding_of(sorted(set(unmarked.values())))
    return MemberNames([(_name(member, unmarked, encoding), member) for member in members], notes, doubt)


def _raw(member: zipfile.ZipInfo) -> bytes | None:
    """The bytes of a name whose encoding is unknown; None of one in ASCII, or marked as UTF-8."""
    if member.flag_bits & UTF8_MARK or member.filename.isascii() or _unicode_path(member) is not None:
        return None
    try:
        return member.filename.encode(LEGACY)
    except UnicodeEncodeError:  # a newer Python has read the extra field
        return None


def _name(member: zipfile.ZipInfo, unmarked: Mapping[str, bytes], encoding: str) -> str:
    if (raw := unmarked.get(member.filename)) is not None and not member.flag_bits & UTF8_MARK:
        return raw.decode(encoding)
    return _unicode_path(member) or member.filename


def _unicode_path(member: zipfile.ZipInfo) -> str | None:
    """The name in the extra field, if it belongs to the name beside it."""
    extra = member.extra
    while len(extra) >= 4:
        kind, length = int.from_bytes(extra[:2], "little"), int.from_bytes(extra[2:4], "little")
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == UNICODE_PATH and len(field) > 5 and _belongs(field, member):
            try:
                return field[5:].decode("utf-8")
            except UnicodeDecodeError:
                return None
    return None


def _belongs(field: bytes, member: zipfile.ZipInfo) -> bool:
    try:
        return int.from_bytes(field[1:5], "little") == zlib.crc32(member.orig_filename.encode(LEGACY))
    except UnicodeEncodeError:
        return False


def _encoding_of(names: Sequence[bytes]) -> tuple[str, tuple[str, ...], str | None]:
    """The encoding of these names, a note on it, and why it is in doubt."""
    if all(decoded(name, "utf-8") is not None for name in names):
        return "utf-8", (), None
    folders = sorted({part for name in names for part in name.split(b"/")[:-1] if not part.isascii()})
    ranked = rank_encodings(folders or names)
    example = (folders or [names[0].rpartition(b"/")[2]])[0]
    if not _decodes_all(names, ranked[0][1]):
        ranked = [(0.0, LEGACY), *ranked]
    (best, encoding), (second, other) = ranked[0], _first_other(folders or names, ranked)
    if is_clear(folders or names, best, second, encoding):
        return encoding, (_note(example, encoding),), None
    if not folders:  # files may be called anything
        return LEGACY, (), None
    return LEGACY, (), _doubt(example, [(best, encoding), (second, other)])


def is_clear(names: Sequence[bytes], best: float, second: float, encoding: str) -> bool:
    """Whether the best plausibility is good enough, and far enough from the next one for so many characters."""
    letters = sum(not letter.isascii() for name in names for letter in name.decode(encoding))
    return best >= PLAUSIBLE and best - second >= MARGIN + MARGIN_OF_ONE / letters


def _first_other(names: Sequence[bytes], ranked: Sequence[tuple[float, str]]) -> tuple[float, str]:
    """The next encoding that reads the names as another text; cp437 and cp850 mostly agree."""
    text = [decoded(name, ranked[0][1]) for name in names]
    others = (found for found in ranked[1:] if [decoded(name, found[1]) for name in names] != text)
    return next(others, (NO_TEXT, LEGACY))


def _note(example: bytes, encoding: str) -> str:
    return (
        f"the zip does not say how its names are encoded: they are read as {encoding} "
        f"({one_line(example.decode(encoding))!r}); if that is wrong, pack it again with names in UTF-8"
    )


def _doubt(example: bytes, ranked: Sequence[tuple[float, str]]) -> str:
    candidates = [
        f"{one_line(text)!r} in {encoding}"
        for score, encoding in ranked
        if score > 0 and (text := decoded(example, encoding)) is not None
    ]
    found = f" (a folder may be {' or '.join(candidates)})" if candidates else ""
    return (
        f"The zip does not say how its names are encoded, and they do not tell{found}. "
        "Pack it again with names in UTF-8, or unpack it and give the folder."
    )


def _decodes_all(names: Sequence[bytes], encoding: str) -> bool:
    return all(decoded(name, encoding) is not None for name in names)
