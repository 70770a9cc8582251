"""Names in a zip whose encoding nobody wrote down: Windows and old packers use that of the country.

A zip marks names in UTF-8. Unmarked ones are code page 437 by the standard, and whatever the machine had in truth. The
encoding is told by how plausible the characters are that come out: kana and frequent characters, words that mix no
capitals into their middle. Where two encodings are as good as each other, the zip is refused, not guessed at.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from automl.sanitize import one_line

UTF8_MARK = 0x800
"""The bit of a member's flags."""
UNICODE_PATH = 0x7075
"""The extra field in which Info-ZIP and 7-Zip write the name in UTF-8."""
MARGIN, MARGIN_OF_ONE = 0.08, 0.5
"""By how much the best encoding's plausibility, from 0 to 1, has to exceed the next one's: in a long text, and what one
character needs beyond it. Of n characters each counts for 1/n."""
PLAUSIBLE = 0.5
"""Least plausibility of the best."""
LEGACY = "cp437"
"""What zipfile reads unmarked names as; no byte is refused."""
_WORD = re.compile(r"[^\W\d_]+")
_NO_TEXT = 0.0

Member = tuple[str, zipfile.ZipInfo]


@dataclass(frozen=True)
class Names:
    """Names of a zip's members, folders with their slash."""

    members: list[Member]
    notes: tuple[str, ...] = ()
    doubt: str | None = None
    """Why the names of the folders cannot be read."""


def read_names(members: Sequence[zipfile.ZipInfo]) -> Names:
    """Read the names of all members, in one encoding for all that are not marked."""
    unmarked = {member.filename: raw for member in members if (raw := _raw(member)) is not None}
    if not unmarked:
        return Names([(_name(member, {}, LEGACY), member) for member in members])
    encoding, notes, doubt = _encoding_of(sorted(set(unmarked.values())))
    return Names([(_name(member, unmarked, encoding), member) for member in members], notes, doubt)


def _raw(member: zipfile.ZipInfo) -> bytes | None:
    """The bytes of a name of which nobody says what they are; None of one in ASCII, or marked as UTF-8."""
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
    if all(_decoded(name, "utf-8") is not None for name in names):
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
    text = [_decoded(name, ranked[0][1]) for name in names]
    others = (found for found in ranked[1:] if [_decoded(name, found[1]) for name in names] != text)
    return next(others, (_NO_TEXT, LEGACY))


def _note(example: bytes, encoding: str) -> str:
    return (
        f"the zip does not say how its names are encoded: they are read as {encoding} "
        f"({one_line(example.decode(encoding))!r}); if that is wrong, pack it again with names in UTF-8"
    )


def _doubt(example: bytes, ranked: Sequence[tuple[float, str]]) -> str:
    readings = [
        f"{one_line(text)!r} in {encoding}"
        for score, encoding in ranked
        if score > 0 and (text := _decoded(example, encoding)) is not None
    ]
    found = f" (a folder may be {' or '.join(readings)})" if readings else ""
    return (
        f"The zip does not say how its names are encoded, and they do not tell{found}. "
        "Pack it again with names in UTF-8, or unpack it and give the folder."
    )


def rank_encodings(names: Sequence[bytes]) -> list[tuple[float, str]]:
    """Plausibility (0 to 1) of each known encoding for all these names together, the best first."""
    scores = []
    for encoding, plausibility in ENCODINGS.items():
        texts = [_decoded(name, encoding) for name in names]
        whole = [text for text in texts if text is not None]
        score = _mean(whole, encoding, plausibility) if len(whole) == len(texts) else _NO_TEXT
        scores.append((score, encoding))
    return sorted(scores, key=lambda found: -found[0])


def _decodes_all(names: Sequence[bytes], encoding: str) -> bool:
    return all(_decoded(name, encoding) is not None for name in names)


def _mean(texts: Sequence[str], encoding: str, plausibility: Callable[[str, str], Iterator[float]]) -> float:
    values = [value for text in texts for value in plausibility(text, encoding)]
    return sum(values) / len(values) if values else _NO_TEXT


def _decoded(name: bytes, encoding: str) -> str | None:
    try:
        text = name.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if any(unicodedata.category(letter) in ("Cc", "Co", "Cn") for letter in text) else text


def _by_character(text: str, encoding: str) -> Iterator[float]:
    """The plausibility of each character that is not ASCII, once for each of its bytes."""
    for letter in text:
        if not letter.isascii():
            code = letter.encode(encoding)
            yield from [_character(letter, code, encoding)] * len(code)


@lru_cache(maxsize=4096)
def _character(letter: str, code: bytes, encoding: str) -> float:
    if len(code) == 1:
        return 0.1  # half-width kana
    if 0x3041 <= ord(letter) <= 0x30FE:
        return 1.0 if encoding == "cp932" else 0.2
    if 0xAC00 <= ord(letter) <= 0xD7A3:
        return _hangul(letter) if code[1] >= 0xA1 else 0.1
    if 0xFF01 <= ord(letter) <= 0xFF5E:
        return 0.5
    if not 0x4E00 <= ord(letter) <= 0x9FFF:
        return 0.1
    first, last, lowest = FREQUENT.get(encoding, (0, 0, 0))
    return 0.8 if first <= code[0] <= last and code[1] >= lowest else 0.2


FREQUENT: Mapping[str, tuple[int, int, int]] = {
    "cp932": (0x88, 0x97, 0x40),
    "gbk": (0xB0, 0xD7, 0xA1),
    "big5": (0xA4, 0xC6, 0x40),
}
"""First bytes of each standard's frequent characters, from and to, and the least second byte."""


def _hangul(letter: str) -> float:
    """Plainer syllables are more frequent: those without doubled consonants and rare vowels."""
    place = ord(letter) - 0xAC00
    initial, vowel, final = place // 588, place % 588 // 28, place % 28
    rare = (initial in (1, 4, 8, 10, 13, 15)) + (vowel in (3, 7, 10, 12, 14, 15, 17)) + (final not in PLAIN_FINALS)
    return (1.0, 0.5, 0.2, 0.1)[rare]


PLAIN_FINALS = frozenset((0, 1, 4, 8, 16, 17, 19, 21))
"""None, g, n, l, m, b, s and ng."""


def _by_word(text: str, encoding: str) -> Iterator[float]:
    """The plausibility of each letter that is not ASCII: its script's, in a word that looks like one."""
    for word in _WORD.findall(text):
        letters = [letter for letter in word if not letter.isascii()]
        yield from [_letter(letter, word, encoding) for letter in letters]
    yield from [0.1 for letter in text if not letter.isascii() and not _WORD.fullmatch(letter)]


def _letter(letter: str, word: str, encoding: str) -> float:
    is_word = len(word) > 1 and (word.islower() or word.isupper() or word.istitle())
    if encoding in CYRILLIC:
        return 0.9 if is_word and RUSSIAN.fullmatch(word.lower()) else 0.2
    beside_ascii = any(other.isascii() for other in word)
    return 0.9 if is_word and beside_ascii and letter.lower() in ACCENTED else 0.2


CYRILLIC = frozenset(("cp1251", "cp866"))
RUSSIAN = re.compile("(?=.*[аеёиоуыэюя])(?![ъыь])(?:[а-яё](?<!ъ)|ъ(?=[еёюя]))+")
"""A word with a vowel that begins with no sign, its hard signs before soft vowels."""
ACCENTED = frozenset(
    "\u00e0\u00e1\u00e2\u00e3\u00e4\u00e5\u00e6\u00e7\u00e8\u00e9\u00ea\u00eb\u00ec\u00ed\u00ee\u00ef\u00f1\u00f2\u00f3\u00f4\u00f5\u00f6\u00f8\u00f9\u00fa\u00fb\u00fc\u00df"
)
"""Letters of Western languages."""
ENCODINGS: Mapping[str, Callable[[str, str], Iterator[float]]] = {
    "cp932": _by_character,
    "gbk": _by_character,
    "big5": _by_character,
    "cp949": _by_character,
    "cp866": _by_word,
    "cp1251": _by_word,
    "cp437": _by_word,
    "cp850": _by_word,
    "cp1252": _by_word,
}
"""How plausible a text in each encoding is: Japanese, Chinese, Korean, Russian and Western, of DOS and of Windows."""
