"""How plausible names are in an encoding: by kana and frequent characters, or by words with capitals only in front."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

_WORD = re.compile(r"[^\W\d_]+")
NO_TEXT = 0.0


def rank_encodings(names: Sequence[bytes]) -> list[tuple[float, str]]:
    """Plausibility (0 to 1) of each known encoding for all these names together, the best first."""
    scores = []
    for encoding, plausibility in ENCODINGS.items():
        texts = [decoded(name, encoding) for name in names]
        whole = [text for text in texts if text is not None]
        score = _mean(whole, encoding, plausibility) if len(whole) == len(texts) else NO_TEXT
        scores.append((score, encoding))
    return sorted(scores, key=lambda found: -found[0])


def _mean(texts: Sequence[str], encoding: str, plausibility: Callable[[str, str], Iterator[float]]) -> float:
    values = [value for text in texts for value in plausibility(text, encoding)]
    return sum(values) / len(values) if values else NO_TEXT


def decoded(name: bytes, encoding: str) -> str | None:
    """The text of a name; None where these bytes are none, or one with characters that nobody types."""
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
    index = ord(letter) - 0xAC00
    initial, vowel, final = index // 588, index % 588 // 28, index % 28
    rare = (initial in (1, 4, 8, 10, 13, 15)) + (vowel in (3, 7, 10, 12, 14, 15, 17)) + (final not in PLAIN_FINALS)
    return (1.0, 0.5, 0.2, 0.1)[rare]


PLAIN_FINALS = frozenset((0, 1, 4, 8, 16, 17, 19, 21))
"""Numbers of the frequent final consonants: none, g, n, l, m, b, s and ng."""


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
"""Plausibility of a text by encoding: Japanese, Chinese, Korean, Russian and Western, of DOS and of Windows."""
