"""URLs and messages as they may be shown: without passwords and keys, however the text is spelled."""

from __future__ import annotations

import re

HIDDEN = "***"
SHOWN_OPTIONS = frozenset(
    ("host", "port", "dbname", "user", "sslmode", "connect_timeout", "application_name", "target_session_attrs")
)
"""Options of a database URL whose values are shown. Any other one may hold a password."""
_HOST = r"(?:\[[0-9A-Fa-f:.]+\]|[^:/\[\]@]*)(?::\d*)?"
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][\w+.-]*)://"
    r"(?:(?P<user>[^:/?#]*)(?P<password>:[^@]*)?@)?"
    rf"(?P<location>{_HOST}(?:,{_HOST})*(?:/[^?@]*)?)"
    r"(?:\?(?P<options>.*))?",
    re.DOTALL,
)
_SCHEME = re.compile(r"(?:jdbc:)?[A-Za-z][\w+.-]*:(?=/)")
_QUOTES = "\"'`"

_IN_TEXT = re.compile(r"(?P<start>://[^\s:/?#@'\"]*):(?!PASSWORD@)[^\s'\"]*@")
_KEYED = re.compile(
    r"(?P<name>\b(?:password|passwd|pwd|sslpassword)\s*=\s*)(?!\*\*\*)(?:'[^']*'|[^\s&'\",;]+)", re.IGNORECASE
)


def unquoted(text: str) -> str:
    """`text` without the blanks and the pairs of quotes around it, which `docker --env-file` and some shells leave."""
    text = text.strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1].strip()
    return text


def mask(text: str) -> str:
    """A URL without its password and without the values of options that may hold one; else its scheme and no more."""
    text = unquoted(text)
    found = _read(text)
    if found is None:
        scheme = _SCHEME.match(text)
        return f"{scheme[0]}{'//' if '://' in text else ''}{HIDDEN}" if scheme else HIDDEN
    user = "" if found["user"] is None else f"{found['user']}{f':{HIDDEN}' if found['password'] else ''}@"
    options = "" if found["options"] is None else f"?{_masked_options(found['options'])}"
    return f"{found['scheme']}://{user}{found['location']}{options}"


def is_clear(text: str) -> bool:
    """Whether it is beyond doubt which part of a URL is the password."""
    return _read(text) is not None


def mask_keys(address: str) -> str:
    """An address of a store without all that stands before its host, and without its options; a folder as it is."""
    if not re.match(r"[A-Za-z][\w+.-]+:/", address):
        return address
    scheme, _, rest = address.partition(":/")
    keys, at, location = rest.lstrip("/").rpartition("@")
    shown = location.partition("?")[0]
    return f"{scheme}://{f'{HIDDEN}@' if at else ''}{shown}{f'?{HIDDEN}' if '?' in (keys + location) else ''}"


def scrub(text: str) -> str:
    """A message with the passwords of all URLs and all `password=…` in it replaced by ***."""
    return _KEYED.sub(rf"\g<name>{HIDDEN}", _IN_TEXT.sub(rf"\g<start>:{HIDDEN}@", text))


def _read(text: str) -> re.Match[str] | None:
    """The parts of a URL; None where an @ more may belong to its password."""
    found = _URL.fullmatch(text)
    doubtful = found is not None and found["user"] is not None and "@" in (found["options"] or "")
    return None if doubtful else found


def _masked_options(options: str) -> str:
    return "&".join(_masked_option(option) for option in options.split("&"))


def _masked_option(option: str) -> str:
    name, equals, _ = option.partition("=")
    return option if name in SHOWN_OPTIONS or not equals else f"{name}={HIDDEN}"
