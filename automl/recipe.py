"""Recipe: all that decides one training run, frozen and validated.

Every field has its range, its unit and one line of documentation. The search space, the command line and the README
read them from here.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

from automl.errors import RecipeError

Value: TypeAlias = bool | int | float | str
MAX_SEED = 2**31 - 1
LARGEST_WRITTEN_OUT = 10**15
"""Whole numbers below it are written digit by digit; a float tells them all apart."""


def number_text(value: float) -> str:
    """A number for people: whole ones whole, others with six digits."""
    return str(int(value)) if abs(value) < LARGEST_WRITTEN_OUT and float(value).is_integer() else f"{value:g}"


@dataclass(frozen=True)
class Range:
    """An interval, both ends included unless `open_low`."""

    low: float
    high: float
    open_low: bool = False

    def __contains__(self, value: float) -> bool:
        return (self.low < value if self.open_low else self.low <= value) and value <= self.high

    def __str__(self) -> str:
        return f"{'above ' if self.open_low else ''}{number_text(self.low)} to {number_text(self.high)}"


SHARE = Range(0, 1)


@dataclass(frozen=True, kw_only=True)
class NetworkFields:
    """Fields of the network."""

    resolution: Annotated[int, Range(0, 1024), "longer side of the network's input in pixels; 0: the images' own"] = 0
    block: Annotated[Literal["plain", "residual"], "one convolution, or two with a shortcut around them"] = "plain"
    depth: Annotated[int, Range(0, 5), "stages; 0 is a multilayer perceptron"] = 3
    blocks_per_stage: Annotated[int, Range(1, 8), "blocks in each stage"] = 1
    width: Annotated[int, Range(1, 1024), "channels of the first stage; each later stage has twice as many"] = 32
    stem: Annotated[
        Literal["conv3", "strided3", "pooled7"],
        "first layer: 3×3; 3×3 at stride 2; 7×7 at stride 2 and a max pooling",
    ] = "conv3"
    stem_width: Annotated[int, Range(0, 1024), "channels of the stem; 0: as `width`"] = 0
    downsample: Annotated[
        Literal["max_pool", "stride"], "a pooling after every stage, or stride 2 at the start of each but the first"
    ] = "max_pool"
    pooling: Annotated[Literal["flatten", "average"], "how the last feature map becomes a vector"] = "average"
    hidden_dim: Annotated[int, Range(0, 8192), "units of the hidden layer before the classes; 0: none"] = 0
    squeeze_excitation: Annotated[bool, "channel attention at the end of every block"] = False


@dataclass(frozen=True, kw_only=True)
class Regularization:
    """Fields of the regularization but for augmentation; a default is off."""

    dropout: Annotated[float, Range(0, 0.95), "probability before each layer of the head"] = 0.0
    block_dropout: Annotated[float, Range(0, 0.95), "probability of dropping a channel at the end of a block"] = 0.0
    weight_decay: Annotated[float, SHARE, "decay of weights; biases and normalization are spared"] = 0.0
    label_smoothing: Annotated[float, Range(0, 0.9), "share of the target spread over all classes"] = 0.0
    stochastic_depth: Annotated[
        float, Range(0, 0.9), "probability of skipping the last residual block; the earlier the block, the less"
    ] = 0.0
    mixup: Annotated[float, Range(0, 10), "Beta(a, a) of mixing pairs of images; 0: off"] = 0.0
    class_weights: Annotated[
        Literal["none", "balanced", "square_root"], "weight of a class in the loss, by its inverse frequency"
    ] = "none"


@dataclass(frozen=True, kw_only=True)
class AugmentationStrength:
    """The factor on all augmentations."""

    augmentation_strength: Annotated[
        float, Range(0, 3), "factor on every augmentation below except flips and turns"
    ] = 1.0


@dataclass(frozen=True, kw_only=True)
class Augmentations:
    """Fields of the augmentation; a default is off."""

    flip: Annotated[float, SHARE, "probability of a left-right flip"] = 0.0
    vertical_flip: Annotated[float, SHARE, "probability of an upside-down flip"] = 0.0
    quarter_turns: Annotated[
        float, SHARE, "probability of a turn by 90, 180 or 270 degrees; of oblong images by 180 degrees only"
    ] = 0.0
    rotation_degrees: Annotated[float, Range(0, 180), "largest angle, either way"] = 0.0
    shift: Annotated[float, Range(0, 0.9), "largest shift, as a share of the side"] = 0.0
    zoom: Annotated[float, Range(0, 0.9), "scale from 1 - zoom to 1 + zoom"] = 0.0
    pad_pixels: Annotated[int, Range(0, 64), "pad by so many pixels, then crop at random"] = 0
    brightness: Annotated[float, SHARE, "largest relative change"] = 0.0
    contrast: Annotated[float, SHARE, "largest relative change"] = 0.0
    saturation: Annotated[float, SHARE, "largest relative change; without effect on gray images"] = 0.0
    hue: Annotated[
        float, Range(0, 0.5), "largest turn of the colours, as a share of the circle; without effect on gray images"
    ] = 0.0
    erasing: Annotated[float, SHARE, "probability of erasing a rectangle of 2 to 33 % of the area"] = 0.0
    blur: Annotated[float, SHARE, "probability of a Gaussian blur"] = 0.0


@dataclass(frozen=True, kw_only=True)
class Optimization:
    """Fields of the optimization."""

    optimizer: Annotated[Literal["sgd", "adam", "adamw"], "sgd is with Nesterov momentum"] = "adamw"
    learning_rate: Annotated[float, Range(0, 10, open_low=True), "the schedule's peak"] = 1e-3
    momentum: Annotated[float, Range(0, 0.999), "of sgd"] = 0.9
    batch_size: Annotated[int, Range(2, 65536), "images in a step; a last, smaller batch is shared out"] = 128
    epochs: Annotated[int, Range(1, 10000), "passes over the training split"] = 20
    schedule: Annotated[
        Literal["constant", "cosine", "one_cycle", "plateau"],
        "plateau halves after 3 epochs without a better validation loss",
    ] = "one_cycle"
    ema: Annotated[float, Range(0, 0.99999), "decay by step of averaged weights; 0: off"] = 0.0
    seed: Annotated[int, Range(0, MAX_SEED), "of initialization, order and augmentation"] = 0


@dataclass(frozen=True, kw_only=True)
class Recipe(Optimization, Augmentations, AugmentationStrength, Regularization, NetworkFields):
    """One training run: the network, its regularization and its optimization. The last base's fields come first."""

    def __post_init__(self) -> None:
        problems = [problem for spec in FIELDS.values() if (problem := spec.problem(getattr(self, spec.name)))]
        if problems:
            raise RecipeError("\n".join(problems))

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> Recipe:
        """Recipe of these fields, defaults for the rest.

        Raises: RecipeError naming every unknown field and every value outside its range.
        """
        problems = [unknown_field(name) for name in values if name not in FIELDS]
        known = {name: value for name, value in values.items() if name in FIELDS}
        problems += [problem for name, value in known.items() if (problem := FIELDS[name].problem(value))]
        if problems:
            raise RecipeError("\n".join(problems))
        return cls(**{name: FIELDS[name].cast(value) for name, value in known.items()})  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, Value]:
        """Plain values by field name, in the order of the class."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Field:
    """One field of `Recipe`, with the values that it accepts."""

    name: str
    kind: Literal["int", "float", "bool", "choice"]
    doc: str
    default: Value
    range: Range | None = None
    choices: tuple[str, ...] = ()

    def problem(self, value: object) -> str | None:
        """One sentence on why `value` cannot be this field's, or None."""
        if self._accepts_type(value) and (
            value in self.choices if self.kind == "choice" else self.range is None or value in self.range  # type: ignore[operator]
        ):
            return None
        return f"{self.name} = {value!r} is not {self.accepted()}"

    def accepted(self) -> str:
        """Describe what the field takes: `a whole number from 0 to 5`."""
        if self.kind == "choice":
            return "one of " + ", ".join(self.choices)
        if self.kind == "bool":
            return "true or false"
        return f"a {'whole ' if self.kind == 'int' else ''}number from {self.range}".replace("from above", "above")

    def cast(self, value: object) -> Value:
        """`value`, already accepted, in the field's own type: 3.0 becomes 3 for an int."""
        if self.kind == "int":
            return int(value)  # type: ignore[call-overload,no-any-return]
        return float(value) if self.kind == "float" else value  # type: ignore[arg-type,return-value]

    def _accepts_type(self, value: object) -> bool:
        if self.kind == "bool":
            return isinstance(value, bool)
        if self.kind == "choice":
            return isinstance(value, str)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return False
        return self.kind == "float" or float(value).is_integer()


def _fields() -> dict[str, Field]:
    hints = get_type_hints(Recipe, include_extras=True)
    return {field.name: _field(field.name, hints[field.name], field.default) for field in dataclasses.fields(Recipe)}


def _field(name: str, hint: object, default: Any) -> Field:
    kind, *extras = get_args(hint)
    doc = next(extra for extra in extras if isinstance(extra, str))
    bounds = next((extra for extra in extras if isinstance(extra, Range)), None)
    if get_origin(kind) is Literal:
        return Field(name, "choice", doc, default, choices=get_args(kind))
    return Field(name, kind.__name__, doc, default, range=bounds)


FIELDS: dict[str, Field] = _fields()


def names_of(section: type) -> tuple[str, ...]:
    """Names of the fields of one of the recipe's sections, such as `Regularization`, in their order."""
    return tuple(field.name for field in dataclasses.fields(section))


def unknown_field(name: str) -> str:
    """Return the sentence for a name that is no field of Recipe, with the nearest one that is."""
    near = difflib.get_close_matches(name, FIELDS, n=1)
    return f"unknown parameter {name!r}." + (f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(FIELDS)}.")


def in_words(recipe: Recipe, *, model: str | None = None) -> str:
    """Describe the recipe in one line: the network, its regularization and its optimization.

    `model`: the name of a network of the user's own, of which the recipe's architecture says nothing.
    """
    return "; ".join((model or network_in_words(recipe), _regularization(recipe), _optimization(recipe)))


def network_in_words(recipe: Recipe) -> str:
    """Describe the network of the recipe."""
    resolution = f", at {recipe.resolution} pixels" if recipe.resolution else ""
    return _layers(recipe) + resolution


def _layers(recipe: Recipe) -> str:
    hidden = f"a hidden layer of {recipe.hidden_dim}" if recipe.hidden_dim else "no hidden layer"
    if recipe.depth == 0:
        return f"perceptron with {hidden}"
    stages = f"{recipe.depth} stage{'s' if recipe.depth > 1 else ''} of {recipe.blocks_per_stage}"
    blocks = f"{recipe.block} block{'s' if recipe.blocks_per_stage > 1 else ''}"
    extra = " with squeeze-excitation" if recipe.squeeze_excitation else ""
    return f"{stages} {blocks} from {recipe.width} channels{extra}, {recipe.pooling} pooling, {hidden}"


def _regularization(recipe: Recipe) -> str:
    names = [name for name in names_of(Regularization) if FIELDS[name].kind == "float"]
    active = [f"{name.replace('_', ' ')} {getattr(recipe, name):.3g}" for name in names if getattr(recipe, name)]
    used = [_without_unit(name) for name in names_of(Augmentations) if getattr(recipe, name)]
    if used and recipe.augmentation_strength:
        active.append(f"{', '.join(used)} at strength {recipe.augmentation_strength:.3g}")
    return ", ".join(active) or "no regularization"


def _without_unit(name: str) -> str:
    return name.removesuffix("_degrees").removesuffix("_pixels").replace("_", " ")


def _optimization(recipe: Recipe) -> str:
    return (
        f"{recipe.optimizer} at {recipe.learning_rate:.3g}, {recipe.schedule.replace('_', ' ')}, "
        f"batches of {recipe.batch_size}, {recipe.epochs} epochs"
    )
