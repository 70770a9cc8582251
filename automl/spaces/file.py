"""Load a search space: a shipped name, a YAML file, a mapping from a notebook, or a function in Python."""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from automl.errors import SpaceError
from automl.recipe import Value
from automl.settings import expand_home
from automl.spaces.aliases import field_of
from automl.spaces.auto.auto_space import AUTO
from automl.spaces.conditions import ConditionReader
from automl.spaces.entries import ParameterReader
from automl.spaces.entry import Entry, short
from automl.spaces.function import is_function_reference, resolve_space_function
from automl.spaces.space import SearchSpace
from automl.spaces.wandb_sweep import SweepReader
from automl.spaces.yaml_with_lines import Document, KeyPath, read_yaml, read_yaml_file

FOLDER = "search_spaces"


def load_space(reference: str | Path | Mapping[str, object], *, ignore_unknown: bool = False) -> SearchSpace:
    """Read a space; with `ignore_unknown` parameters that mean nothing here are noted instead of refused.

    Raises: SpaceError with all mistakes, each with its file and line.
    """
    if isinstance(reference, Mapping):
        return _read(Document(reference), name="custom", ignore_unknown=ignore_unknown)
    name = str(reference)
    if name == AUTO:
        raise SpaceError(
            "The space auto is built for images on this machine. Look at it with: automl space auto --data D"
        )
    if name in shipped_spaces():
        file = f"{FOLDER}/{name}.yaml"
        document = read_yaml((_shipped_folder() / f"{name}.yaml").read_text("utf-8"), file=file)
    elif is_function_reference(name) and not Path(name).exists():
        resolve_space_function(name)
        return SearchSpace(name=name.partition(":")[2], function=name)
    else:
        document = _file(name)
    space = _read(document, name=Path(name).stem, ignore_unknown=ignore_unknown)
    return dataclasses.replace(space, notes=(*_shadow_note(name), *space.notes))


def _shadow_note(name: str) -> tuple[str, ...]:
    """The note where a shipped space was taken, and a file here has its name, too."""
    if name not in shipped_spaces():
        return ()
    shipped = (_shipped_folder() / f"{name}.yaml").read_bytes()
    for file in (name, f"{name}.yaml", f"{name}.yml"):
        with contextlib.suppress(OSError):  # no such file, or none that could be read if it was asked for
            if Path(file).read_bytes() != shipped:
                return (f"{name} is the space that comes with automl; the file {file} here is called ./{file}",)
    return ()


def shipped_spaces() -> tuple[str, ...]:
    """Names of the spaces that come with the package; those in folders as `folder/name`."""
    return tuple(sorted(_names(_shipped_folder(), "")))


def _shipped_folder() -> Traversable:
    """The folder inside the installed package, or the checkout's own."""
    inside = resources.files("automl") / FOLDER
    return inside if inside.is_dir() else Path(__file__).parents[2] / FOLDER


def _names(folder: Traversable, prefix: str) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _names(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".yaml"):
            yield prefix + entry.name.removesuffix(".yaml")


def _file(name: str) -> Document:
    """Raise: SpaceError if there is no file of this name, or none that can be read as text."""
    try:
        return read_yaml_file(expand_home(name) if name.startswith("~") else name)
    except FileNotFoundError as error:
        known = shipped_spaces()
        near = difflib.get_close_matches(name, (AUTO, *known), n=1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Shipped: {', '.join((AUTO, *known))}."
        raise SpaceError(f"There is no search space {name!r}: neither a shipped one nor a file. {hint}") from error
    except UnicodeDecodeError as error:
        raise SpaceError(
            f"{name} is not text: byte {error.start} cannot be read as UTF-8. Give a YAML file."
        ) from error
    except (OSError, ValueError) as error:
        raise SpaceError(
            f"{name} cannot be read: {error}. Give a YAML file or one of: {', '.join(shipped_spaces())}."
        ) from error


def _read(document: Document, *, name: str, ignore_unknown: bool) -> SearchSpace:
    spec = document.data
    if not isinstance(spec, Mapping) or "parameters" not in spec:
        document.add("there is no `parameters:` with the parameters by name")
        spec = spec if isinstance(spec, Mapping) else {}
    sweep = SweepReader(document, spec)
    reading = ParameterReader(document, ignore_unknown)
    if "parameters" in spec:
        reading.read(spec["parameters"])
    parameters = ConditionReader(document, reading.entries, reading.parameters).read()
    first = _read_first(document, spec.get("first", []), reading.entries)
    space = _with_settings(SearchSpace(parameters=parameters), sweep, name)
    _check_first(document, space, first)
    document.check()
    return dataclasses.replace(space, first=_searched(space, first), notes=(*sweep.notes, *reading.notes))


def _with_settings(space: SearchSpace, sweep: SweepReader, name: str) -> SearchSpace:
    sweep.read_keys()
    return dataclasses.replace(
        space,
        name=sweep.read_name(name),
        sampler=sweep.read_sampler(),
        metric=sweep.read_metric(),
        pruner=sweep.read_pruner(),
        budget=sweep.read_budget(),
    )


def _read_first(document: Document, spec: object, entries: Mapping[str, Entry]) -> tuple[dict[str, Value], ...]:
    """The recipes of `first:` by field of Recipe, in the fields' own types."""
    if not isinstance(spec, list | tuple):
        document.add(f"first: {short(spec)} is not a list of recipes", at=("first",))
        return ()
    return tuple(_recipe(document, recipe, entries, ("first", index)) for index, recipe in enumerate(spec))


def _recipe(document: Document, spec: object, entries: Mapping[str, Entry], key_path: KeyPath) -> dict[str, Value]:
    if not isinstance(spec, Mapping):
        document.add(f"first: {short(spec)} is not a recipe such as {{depth: 2, width: 16}}", at=key_path)
        return {}
    recipe: dict[str, Value] = {}
    for key, written in spec.items():
        target = field_of(str(key))
        if target is None or target.name not in entries:
            document.add(f"first: {key!r} is no parameter of this space", at=(*key_path, str(key)))
            continue
        entry = Entry(f"first: {key}", target, {}, key_path, document)
        if (value := entry.value(written, str(key))) is not None:
            recipe[target.name] = value
    return recipe


def _check_first(document: Document, space: SearchSpace, first: Sequence[dict[str, Value]]) -> None:
    read = {parameter.name for parameter in space.parameters}
    for index, recipe in enumerate(first):
        known = {name: value for name, value in recipe.items() if name in read}
        for problem in space.problems(known):
            document.add(f"first: {problem}", at=("first", index))


def _searched(space: SearchSpace, first: Sequence[dict[str, Value]]) -> tuple[dict[str, Value], ...]:
    """The recipes without what the space fixes anyway."""
    searched = {parameter.name for parameter in space.parameters if parameter.is_searched}
    return tuple({name: value for name, value in recipe.items() if name in searched} for recipe in first)
