"""YAML with the line of every entry, numbers by the rules of YAML 1.2, and no duplicate keys.

PyYAML reads `1e-4` as text, `1:30` as 90 and `2026-11-01` as a date; here they are a number, text and text.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from automl.errors import SpaceError

KeyPath = tuple[str | int, ...]
"""Keys and indices that lead to an entry."""

MOST_CHARACTERS = 1 << 18
"""Largest length of a file. The longest that people write have some thousand, and PyYAML takes seconds for more."""
MOST_MISTAKES = 100
"""Number of mistakes after which reading ends."""
PREFIX = "tag:yaml.org,2002:"
INT = re.compile(r"[-+]?[0-9][0-9_]*$")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")


class Loader(yaml.SafeLoader):
    """Resolves plain scalars as YAML 1.2 does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own name


Loader.add_implicit_resolver(PREFIX + "null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""])
Loader.add_implicit_resolver(PREFIX + "bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
Loader.add_implicit_resolver(PREFIX + "int", INT, list("-+0123456789"))
Loader.add_implicit_resolver(PREFIX + "float", FLOAT, list("-+.0123456789"))
Loader.add_implicit_resolver(PREFIX + "merge", re.compile(r"<<$"), ["<"])


def as_number(value: object) -> object:
    """The number that a text writes, as quotes or another reader of YAML leave it: '1e-4' is 0.0001."""
    if not isinstance(value, str) or not FLOAT.match(value):
        return value
    try:
        return int(value) if INT.match(value) else _float(value)
    except ValueError:  # thousands of digits
        return value


@dataclass
class Document:
    """Content of a file or a mapping, with lines and mistakes."""

    data: object
    file: str | None = None
    """Name of the file in messages; None for a mapping from Python."""
    lines: dict[KeyPath, int] = field(default_factory=dict)
    """Line of each entry, from 1."""
    mistakes: list[tuple[int, str]] = field(default_factory=list)
    """Mistakes found so far: line, sentence."""

    def add(self, sentence: str, *, at: KeyPath = ()) -> None:
        """Record a mistake at an entry, or at the nearest one around it that has a line."""
        around = (at[:length] for length in range(len(at), -1, -1))
        line = next((self.lines[key_path] for key_path in around if key_path in self.lines), 0)
        self.mistakes.append((line, sentence))
        if len(self.mistakes) == MOST_MISTAKES:
            self.mistakes.append((line, f"and perhaps more: {MOST_MISTAKES} mistakes are enough"))
            self.check()

    def check(self) -> None:
        """Raise: SpaceError with all mistakes in the order of their lines, if there are any."""
        if self.mistakes:
            found = sorted(self.mistakes, key=lambda mistake: mistake[0])
            raise SpaceError("\n".join(self._with_line(line, sentence) for line, sentence in found))

    def _with_line(self, line: int, sentence: str) -> str:
        return sentence if self.file is None else f"{self.file}:{max(line, 1)}: {sentence}"


def read_yaml_file(path: str | Path) -> Document:
    """Read a file of one YAML document.

    Raises: SpaceError with the line if it is not YAML; OSError, ValueError or UnicodeDecodeError if it is no file, or
    no text.
    """
    if not Path(path).is_dir() and Path(path).exists() and not Path(path).is_file():
        raise OSError(errno.EINVAL, "a pipe or a device", str(path))
    with Path(path).open(encoding="utf-8") as file:
        return read_yaml(file.read(MOST_CHARACTERS + 1), file=str(path))


def read_yaml(text: str, *, file: str) -> Document:
    """Read one YAML document; duplicate keys and foreign tags are recorded as its mistakes.

    Raises: SpaceError with the line if it is not YAML, or far too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise SpaceError(
            f"{file}:1: it has more than {MOST_CHARACTERS:,} characters. Such a file has some hundred lines."
        )
    document = Document(None, file)
    try:
        node = yaml.compose(text, Loader=Loader)
        document.data = None if node is None else _Builder(document).build(node, ())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SpaceError(f"{file}:{line}: not YAML: {error.problem or error.context}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpaceError(f"{file}:{line}: not YAML: the character {chr(error.character)!r} is not allowed") from error
    except RecursionError as error:
        raise SpaceError(f"{file}:1: nested too deeply. A space file has a handful of levels.") from error
    return document


class _Builder:
    """Turns nodes into plain values; each node once, so that aliases cost nothing."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._built: dict[int, object] = {}
        self._open: set[int] = set()

    def build(self, node: Node, key_path: KeyPath) -> object:
        self._document.lines.setdefault(key_path, node.start_mark.line + 1)
        if id(node) in self._open:
            self._wrong(node, "an alias cannot stand inside what it names")
            return None
        if id(node) not in self._built:
            self._open.add(id(node))
            self._built[id(node)] = self._value(node, key_path)
            self._open.remove(id(node))
        return self._built[id(node)]

    def _value(self, node: Node, key_path: KeyPath) -> object:
        if isinstance(node, MappingNode):
            return self._mapping(node, key_path)
        if isinstance(node, SequenceNode):
            return [self.build(child, (*key_path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: MappingNode, key_path: KeyPath) -> dict[str, object]:
        merged: dict[str, object] = {}
        own: dict[str, object] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._wrong(key_node, "a key is plain text")
            elif key_node.tag == PREFIX + "merge":
                merged |= self._merged(value_node, key_path)
            elif key_node.value in own:
                self._wrong(key_node, f"{key_node.value!r} stands here a second time. Keep one of them.")
            else:
                here = (*key_path, key_node.value)
                self._document.lines[here] = key_node.start_mark.line + 1
                own[key_node.value] = self.build(value_node, here)
        return merged | own

    def _merged(self, node: Node, key_path: KeyPath) -> dict[str, object]:
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, object] = {}
        for value in (self.build(child, key_path) for child in reversed(nodes)):
            merged |= value if isinstance(value, Mapping) else {}
        return merged

    def _scalar(self, node: Node) -> object:
        text = str(node.value)
        try:
            return _SCALARS[node.tag.removeprefix(PREFIX)](text)
        except (KeyError, ValueError):
            self._wrong(node, f"{text[:40]!r} cannot be read as {node.tag.removeprefix(PREFIX)!r}")
            return None

    def _wrong(self, node: Node, sentence: str) -> None:
        self._document.mistakes.append((node.start_mark.line + 1, sentence))


def _float(text: str) -> float:
    """Raise: ValueError for what is no number; `.inf` and `.nan` are, and refused where they stand."""
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_SCALARS: dict[str, Callable[[str], object]] = {
    "null": lambda _: None,
    "bool": lambda text: text.lower() == "true",
    "int": int,
    "float": _float,
    "str": str,
}
