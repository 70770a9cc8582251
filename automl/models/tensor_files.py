"""A file of torch's as it will be loaded: looked at before, so that it takes no more memory than its size announces.

`torch.load(weights_only=True)` runs no code. But it makes sparse and meta tensors, tensors of a few bytes that count as
billions, and byte arrays of any length, and it reads a storage beyond the end of its record.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import struct
import zipfile
import zlib
from collections import OrderedDict
from typing import Any

MOST_DESCRIPTION_BYTES = 8 * 2**20
"""Largest description of a file's tensors: about 150 bytes each. Python needs up to 64 bytes for one of these."""
OPCODES = frozenset(
    [
        "PROTO",
        "EMPTY_DICT",
        "EMPTY_LIST",
        "EMPTY_TUPLE",
        "MARK",
        "BINPUT",
        "LONG_BINPUT",
        "BINGET",
        "LONG_BINGET",
        "BINUNICODE",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG1",
        "BINFLOAT",
        "NONE",
        "NEWTRUE",
        "NEWFALSE",
        "TUPLE",
        "TUPLE1",
        "TUPLE2",
        "TUPLE3",
        "APPEND",
        "APPENDS",
        "SETITEM",
        "SETITEMS",
        "GLOBAL",
        "REDUCE",
        "BUILD",
        "BINPERSID",
        "STOP",
    ]
)
"""What torch writes. With others, a few bytes could ask for gigabytes."""
STORAGE_BYTES = {
    **dict.fromkeys(("BoolStorage", "ByteStorage", "CharStorage"), 1),
    **dict.fromkeys(("ShortStorage", "HalfStorage", "BFloat16Storage"), 2),
    **dict.fromkeys(("IntStorage", "FloatStorage"), 4),
    **dict.fromkeys(("LongStorage", "DoubleStorage", "ComplexFloatStorage"), 8),
    "ComplexDoubleStorage": 16,
}
"""Bytes of an element, by torch's name of the storage."""
ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, struct.error, RuntimeError, ValueError, EOFError, OverflowError)
"""What zipfile raises on nonsense, beside OSError."""


def check_tensor_file(archive: zipfile.ZipFile, *, file_bytes: int) -> None:
    """See that a file, opened as the zip that it is, holds whole dense tensors and plain values, and no surprise.

    Raises: pickle.UnpicklingError if it holds something else; zipfile.BadZipFile if it is damaged.
    """
    members = archive.infolist()
    sizes = {member.filename: member.file_size for member in members}
    if len(sizes) != len(members) or any(member.file_size != member.compress_size for member in members):
        raise zipfile.BadZipFile("its list of parts contradicts itself")
    if sum(sizes.values()) > file_bytes:
        raise zipfile.BadZipFile("its parts are said to be larger than the file")
    root = members[0].filename.partition("/")[0] if members else ""
    description = f"{root}/data.pkl"
    if description not in sizes:
        raise pickle.UnpicklingError("there is no description of tensors in it")
    if sizes[description] > MOST_DESCRIPTION_BYTES:
        raise pickle.UnpicklingError(f"the description of its tensors has {sizes[description]:,} bytes")
    if (broken := archive.testzip()) is not None:
        raise zipfile.BadZipFile(f"the checksum of its part {broken} is wrong")
    _check_description(archive.read(description), f"{root}/data/", sizes)


def _check_description(pickled: bytes, folder: str, sizes: dict[str, int]) -> None:
    """Read the description without making a tensor."""
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(pickled)):
            if opcode.name not in OPCODES or (opcode.name == "LONG_BINPUT" and int(argument or 0) > count):
                raise pickle.UnpicklingError(f"{opcode.name} is none of torch's")
        _Outline(pickled, folder, sizes).load()
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise pickle.UnpicklingError(str(error)) from error


class _Outline(pickle.Unpickler):
    """Unpickler that checks each tensor's sizes and makes none; nothing but torch's own names is known to it."""

    def __init__(self, pickled: bytes, folder: str, sizes: dict[str, int]) -> None:
        super().__init__(io.BytesIO(pickled))
        self._folder, self._sizes = folder, sizes

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _check_tensor
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in STORAGE_BYTES:
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is neither a dense tensor nor a plain value")

    def persistent_load(self, pid: Any, /) -> int:
        """Count the elements of a storage."""
        _, kind, key, _, elements = pid
        if elements * STORAGE_BYTES[kind] != self._sizes[f"{self._folder}{key}"]:
            raise pickle.UnpicklingError(f"storage {key} has another size than is said")
        return int(elements)


def _check_tensor(elements: int, offset: int, size: Any, stride: Any, _grad: object, _hooks: object) -> None:
    """See that no element of a tensor is beyond its storage, and none is there twice."""
    if len(size) != len(stride) or min((offset, *size, *stride)) < 0:
        raise pickle.UnpicklingError(f"a tensor of size {size} with stride {stride}")
    count = math.prod(size)
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if count and (count > elements or last >= elements):
        raise pickle.UnpicklingError(f"a tensor of size {size} of {elements} values")
