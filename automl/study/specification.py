"""What a study is: data, space, metric, sampler, pruner and seed, in one JSON document on the study itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automl.data.identity import DataIdentity
from automl.data.pixel_range import PixelRange
from automl.data.sizing import Sizing
from automl.errors import StudyError
from automl.models.rates import Rates
from automl.queue.phase import FINAL_SHARE
from automl.sanitize import shell_word
from automl.spaces.space import SearchSpace

SAMPLERS = ("tpe", "local", "random", "gp", "qmc", "grid")
BAND_PRUNERS = ("hyperband", "successive-halving")
PRUNERS = ("median", "percentile", *BAND_PRUNERS, "none")
NOT_COMPARED = ("data", "space", "rates", "split_sizes")
"""Fields that no option names: data and space are compared by what they hold, and the speed differs each time."""
VERSION = 1
"""Version of a specification's form; another one is refused instead of misread."""


@dataclass(frozen=True, kw_only=True)
class Confirms:
    """Origin of a study that trains the best recipes of another one again."""

    study: str
    """Name of the other study."""
    uid: str
    """Unique name of that study, which a later one of its name does not have."""
    epochs_factor: float
    """Epochs of a recipe, as a multiple of those in the search."""


@dataclass(frozen=True, kw_only=True)
class Specification:
    """All that a worker needs beside the storage URL; it never changes."""

    data: DataIdentity
    space: SearchSpace
    metric: str
    sampler: str
    pruner: str
    startup_trials: int
    """Finished trials that the pruner needs to compare with."""
    warmup_epochs: int
    """Epochs of a trial before the pruner judges it."""
    reduction_factor: int
    """Number of trials of which one goes on, with hyperband and successive-halving."""
    seed: int
    """Seed of splits that had to be cut, of the samplers, and (plus its number) of each trial."""
    model: str | None
    """`package.module:build` of a network of the user's own."""
    keep: int
    """Number of the best trials whose weights are kept."""
    max_parameters: int | None = None
    """Largest size of a network that may be trained; None: whatever the space proposes."""
    max_milliseconds: float | None = None
    """Longest time of a network for one image on the worker, in milliseconds; None: no limit."""
    rates: Rates | None = None
    """Speed of the machine that made the study, from which its space was built; None: not measured."""
    split_sizes: tuple[int, int] | None = None
    """Images of the training and the validation split, whose epochs the rates forecast; None without rates."""
    final_share: float = FINAL_SHARE
    """Share of a time budget, its last part, in which the best recipes are trained longer with new seeds; 0 to 1."""
    confirms: Confirms | None = None
    """Origin of a confirmation, whose queue brings whole recipes, so nothing is sampled or pruned; None: a search."""

    @property
    def is_exhaustive(self) -> bool:
        """Whether there is nothing to try beyond what the queue begins with, or a command puts there."""
        return self.sampler == "grid" or self.confirms is not None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, with the version of this form."""
        document = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        confirms = dataclasses.asdict(self.confirms) if self.confirms else None
        return document | {
            "version": VERSION,
            "data": dataclasses.asdict(self.data),
            "space": self.space.as_dict(),
            "rates": self.rates.as_dict() if self.rates else None,
            "confirms": confirms,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Specification:
        """Read back what `as_dict` wrote.

        Raises: StudyError if an automl wrote it that knows another form.
        """
        _check_version(document)
        data = dict(document["data"])
        data |= {"class_names": tuple(data["class_names"]), "image_shape": tuple(data["image_shape"])}
        data["sizing"] = Sizing(**data["sizing"])
        data["pixel_range"] = PixelRange(**data["pixel_range"]) if data["pixel_range"] else None
        space = SearchSpace.from_dict(document["space"])
        confirms = Confirms(**document["confirms"]) if document["confirms"] else None
        rates = Rates.from_dict(document["rates"]) if document["rates"] else None
        fields = {name: value for name, value in document.items() if name != "version"}
        sizes = document["split_sizes"]
        read = {
            "data": DataIdentity(**data),
            "space": space,
            "rates": rates,
            "split_sizes": tuple(sizes) if sizes else None,
            "confirms": confirms,
        }
        return cls(**(fields | read))

    def trial_seed(self, number: int) -> int:
        """Seed of the trial with this number: trials differ, so a recipe drawn twice says something new."""
        return (self.seed + number) % 2**31

    def check_same(self, other: Specification, *, study: str) -> None:
        """Compare with what a command asks for.

        Raises: StudyError that names every difference.
        """
        differences = list(_differences(self, other))
        if differences:
            raise StudyError(
                f"Study {study} exists and differs; what it searches cannot change:\n"
                + "\n".join(f"  {line}" for line in differences)
                + "\nRepeat its settings to continue it, choose another --study NAME, "
                f"or carry its trials over with: automl create NEW --from {shell_word(study)}"
            )


def _check_version(document: Mapping[str, Any]) -> None:
    """See that this automl can read the document: a worker that guessed would search something else."""
    known = {field.name for field in dataclasses.fields(Specification)} | {"version"}
    unknown, missing = sorted(set(document) - known), sorted(known - set(document))
    if (found := document.get("version")) != VERSION:
        why = f"of version {found}"
    else:
        why = f"with {', '.join(unknown)}, which are unknown here" if unknown else f"without {', '.join(missing)}"
    if found != VERSION or unknown or missing:
        raise StudyError(
            f"The study's specification is {why}, and this automl works with version {VERSION}: the study was made by "
            "another automl, and all its workers need that one. Install it here, or begin a new study."
        )


def _differences(mine: Specification, asked: Specification) -> list[str]:
    lines = []
    if mine.data.sizing != asked.data.sizing:
        lines.append(f"images: it has {_images(mine.data)}, this command asks for {_images(asked.data)}")
    elif mine.data.fingerprint != asked.data.fingerprint:
        lines.append(
            f"data: it has {mine.data.name} with fingerprint {mine.data.fingerprint[:12]}, "
            f"this is {asked.data.reference} with fingerprint {asked.data.fingerprint[:12]}"
        )
    if mine.space.as_dict() != asked.space.as_dict():
        lines.append("space: " + _space_difference(mine.space.as_dict(), asked.space.as_dict()))
    names = [field.name for field in dataclasses.fields(mine) if field.name not in NOT_COMPARED]
    lines += [
        f"{name}: it has {getattr(mine, name)}, this command asks for {getattr(asked, name)}"
        for name in names
        if getattr(mine, name) != getattr(asked, name)
    ]
    return lines


def _images(data: DataIdentity) -> str:
    channels, height, width = data.image_shape
    size = "auto" if data.sizing.image_size is None else data.sizing.image_size
    return f"--image-size {size} --fit {data.sizing.fit} ({channels} × {height} × {width})"


def _space_difference(mine: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    changed = [name for name in sorted({*mine, *asked}) if mine.get(name) != asked.get(name)]
    if changed != ["parameters"]:
        return f"{', '.join(changed)} differ"
    here, there = ({parameter["name"]: parameter for parameter in document["parameters"]} for document in (mine, asked))
    names = [name for name in sorted({*here, *there}) if here.get(name) != there.get(name)]
    return f"{', '.join(names)} {'differs' if len(names) == 1 else 'differ'}"
