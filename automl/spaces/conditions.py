"""The `when:` of a space file: a parameter that is active only for some values of another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from automl.recipe import Value
from automl.spaces.aliases import field_of
from automl.spaces.entry import Entry, short
from automl.spaces.parameters import Condition, Parameter
from automl.spaces.yaml_with_lines import Document


@dataclass(frozen=True)
class ConditionReader:
    """Reads the conditions of a document's parameters; mistakes go to the document."""

    document: Document
    entries: Mapping[str, Entry]
    """Entries as written, by field of Recipe."""
    parameters: Mapping[str, Parameter]
    """Parameters without a mistake, by field."""

    def read(self) -> tuple[Parameter, ...]:
        """The parameters with their conditions, in the file's order but each after those it depends on."""
        conditioned = {
            name: dataclasses.replace(parameter, when=self._conditions(self.entries[name]))
            for name, parameter in self.parameters.items()
        }
        return tuple(conditioned[name] for name in self._order(conditioned))

    def _conditions(self, entry: Entry) -> tuple[Condition, ...]:
        spec = entry.spec.get("when", {})
        if not isinstance(spec, Mapping):
            entry.wrong(f"when = {short(spec)} is not a mapping such as {{block: residual}}", "when")
            return ()
        return tuple(found for key, values in spec.items() if (found := self._condition(entry, str(key), values)))

    def _condition(self, entry: Entry, key: str, written: object) -> Condition | None:
        target = field_of(key)
        if target is None or target.name not in self.entries:
            entry.wrong(f"when: this space neither searches nor fixes {key!r}", "when", key)
            return None
        other = self.parameters.get(target.name)
        if other is None:
            return None  # its own mistake is recorded
        if other.distribution.values() is None:
            entry.wrong(
                f"when: {key} takes {other.distribution}. Only a parameter of few values can decide.", "when", key
            )
            return None
        values = self._possible(entry, other, written if isinstance(written, list | tuple) else [written])
        return Condition(other.name, values)

    def _possible(self, entry: Entry, other: Parameter, written: Sequence[object]) -> tuple[Value, ...]:
        """The values, each of which the other parameter can have; a mistake for each that it cannot."""
        if not written:
            entry.wrong(f"when: no value of {other.source} is given", "when")
        elsewhere = dataclasses.replace(
            entry, field=self.entries[other.name].field, source=f"{entry.source}: when: {other.source}"
        )
        values = [value for one in written if (value := elsewhere.value(one, "when")) is not None]
        for value in values:
            if not other.distribution.contains(value):
                entry.wrong(f"when: {other.source} is never {value!r}; it takes {other.distribution}", "when")
        return tuple(values)

    def _order(self, parameters: Mapping[str, Parameter]) -> list[str]:
        parents = {name: [one.parameter for one in parameter.when] for name, parameter in parameters.items()}
        try:
            TopologicalSorter(parents).prepare()
        except CycleError as error:
            names = list(reversed(error.args[1]))
            sources = " on ".join(self.entries[name].source for name in names)
            self.document.add(
                f"when: a circle: {sources}. Take one of these conditions out.", at=self.entries[names[0]].key_path
            )
            return list(parameters)
        order: list[str] = []
        for name in parameters:
            _append_after_parents(name, parents, order)
        return order


def _append_after_parents(name: str, parents: Mapping[str, Sequence[str]], order: list[str]) -> None:
    """Append a parameter after those it depends on, unless it is there."""
    for parent in parents[name]:
        _append_after_parents(parent, parents, order)
    if name not in order:
        order.append(name)
