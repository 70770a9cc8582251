"""Damage to inputs, repeatable by its seed, and a cap on the memory that reading them may take."""

from __future__ import annotations

import io
import os
import random
import resource
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

MUTATIONS = int(os.environ.get("AUTOML_FUZZ", "12"))
"""Number of mutations of each kind of file. 500 make the 2,000 of a long run."""
CAP_BYTES = 3 * 2**29
"""Memory that a test may take beyond what it has: 1.5 GB."""
TOKENS = (
    *(b"", b"\0", b"\xff\xfe", b"\n", b",", b'"', b"{", b"&a ", b"*a ", b"../"),
    *(b"nan", b"-1", b"1e999", b"9" * 400, b"[" * 200),
)
"""What parsers stumble over."""


@contextmanager
def memory_cap(extra_bytes: int = CAP_BYTES) -> Iterator[None]:
    """Let the process have no more than that beyond what it has: more raises MemoryError."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + extra_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def mutated(content: bytes, draw: random.Random) -> bytes:
    """`content` with one to four changes of a few bytes, or with a part gone or twice."""
    changed = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        at, length = draw.randrange(len(changed) + 1), draw.choice((1, 2, 4, 8, 64, 1024))
        change = draw.randrange(5)
        if change == 0:
            changed[at : at + length] = draw.randbytes(length)
        elif change == 1:
            changed[at : at + draw.choice((0, length))] = draw.choice(TOKENS)
        elif change == 2:
            del changed[at : at + length]
        elif change == 3:
            changed[at:at] = changed[max(0, at - length) : at]
        elif at:
            del changed[at if draw.random() < 0.3 else len(changed) - 1 :]
    return bytes(changed)


def with_changed_part(content: bytes, draw: random.Random, *, change: Callable[[bytes], bytes]) -> bytes:
    """A zip in which one part has another content, and the right checksum."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w") as new:
        chosen = draw.choice(old.namelist())
        for name in old.namelist():
            part = old.read(name)
            new.writestr(old.getinfo(name), change(part) if name == chosen else part)
    return written.getvalue()
