"""The `parameters:` of a space file: the field that each sets, and its distribution."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from automl.recipe import FIELDS
from automl.spaces.aliases import WITHOUT_EFFECT, field_of, known_names, normal
from automl.spaces.distributions.sweep import KEYS, read_distribution
from automl.spaces.entry import Entry, short
from automl.spaces.parameters import Parameter
from automl.spaces.yaml_with_lines import Document, KeyPath

DEEPEST = 5
"""Levels of `parameters:` inside `parameters:`, each of them active at once."""
MOST_NAMED = 5
"""Parameters of a block that a sentence lists."""
OWN_MAPPINGS = ("when", "parameters")
"""Keys of a parameter whose values are mappings."""


@dataclass
class ParameterReader:
    """The parameters of a document; their mistakes go to the document, the rest is collected here."""

    document: Document
    ignore_unknown: bool
    entries: dict[str, Entry] = field(default_factory=dict)
    """Entries as written, by field of Recipe."""
    parameters: dict[str, Parameter] = field(default_factory=dict)
    """Parameters without a mistake, by field, still without conditions."""
    notes: list[str] = field(default_factory=list)

    def read(self, spec: object) -> None:
        """Read everything under `parameters:`."""
        for source, entry, key_path in self._flat(spec, ("parameters",)):
            self._read_one(source, entry, key_path)
        if not self.entries and not self.document.mistakes:
            self.document.add("parameters: none of them means anything here", at=("parameters",))

    def _flat(self, spec: object, key_path: KeyPath) -> Iterator[tuple[str, Mapping[str, object], KeyPath]]:
        """Every parameter with its mapping, those nested under `parameters:` too."""
        if not isinstance(spec, Mapping) or not spec:
            self.document.add(f"{key_path[-1]}: {short(spec)} is not a mapping of parameters by name", at=key_path)
            return
        for key, entry in spec.items():
            source, here = str(key), (*key_path, str(key))
            if not isinstance(entry, Mapping):
                self.document.add(f"{source}: {short(entry)} says too little. Write {{value: …}} to fix it.", at=here)
            elif set(entry) == {"parameters"} and len(here) < 2 * DEEPEST:
                self.notes.append(f"{source}: what is nested under it is searched like the rest, all at once")
                yield from self._flat(entry["parameters"], (*here, "parameters"))
            elif blocks := _unnested(entry):
                self.document.add(_without_parameters(source, blocks), at=here)
            else:
                yield source, {str(name): value for name, value in entry.items()}, here

    def _read_one(self, source: str, spec: Mapping[str, object], key_path: KeyPath) -> None:
        target = field_of(source)
        if target is None:
            self._unknown(source, key_path)
        elif target.name in self.entries:
            first = self.entries[target.name].source
            self.document.add(f"{source}: it sets {target.name}, as {first} does. Keep one of them.", at=key_path)
        else:
            entry = self.entries[target.name] = Entry(source, target, spec, key_path, self.document)
            if parameter := _read_parameter(entry):
                self.parameters[target.name] = parameter

    def _unknown(self, source: str, key_path: KeyPath) -> None:
        if reason := WITHOUT_EFFECT.get(normal(source)):
            self.notes.append(f"{source}: without effect here: {reason}")
        elif self.ignore_unknown:
            self.notes.append(f"{source}: means nothing here and was left out")
        else:
            self.document.add(_unknown_parameter(source), at=key_path)


def _read_parameter(entry: Entry) -> Parameter | None:
    reading = read_distribution(entry)
    if reading is None:
        return None
    name = entry.field.name
    alias = () if name == entry.source else (f"read as {name}",)
    note = "; ".join((*alias, *reading.notes, *reading.remarks))
    return Parameter(name, reading.distribution, source=entry.source, exact=not reading.notes, note=note)


def _unnested(entry: Mapping[object, object]) -> tuple[str, ...]:
    """Names of the parameters in a block that has no `parameters:` around them; none in what reads as a parameter."""
    if any(str(name) in KEYS for name in entry):
        return ()
    return tuple(str(name) for name, value in entry.items() if isinstance(value, Mapping) and name not in OWN_MAPPINGS)


def _without_parameters(source: str, blocks: Sequence[str]) -> str:
    listed = ", ".join(blocks[:MOST_NAMED])
    stand, them = ("stands", "it") if len(blocks) == 1 else ("stand", "them")
    return f"{source}: {listed} {stand} in it without `parameters:`. Put {them} under {source}: {{parameters: …}}."


def _unknown_parameter(source: str) -> str:
    """The sentence for a name that is no field of Recipe, with the field that it, or an alias like it, may mean."""
    near = difflib.get_close_matches(normal(source), known_names(), n=1)
    meant = field_of(near[0]) if near else None
    hint = f"Did you mean {meant.name!r}?" if meant else f"Known: {', '.join(FIELDS)}."
    return f"unknown parameter {source!r}. {hint}"
