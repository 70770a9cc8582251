"""`automl inspect`: a look at the data before anything is trained on them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from automl.application.actions.inspection_pictures import refuse_foreign_pictures, write_pictures
from automl.application.console import TextTable
from automl.application.live import decoding_progress
from automl.cli.arguments import add_json, add_sizing_options, count_from_zero
from automl.cli.output import print_json, print_rows, print_stderr, write_line
from automl.cli.printing.tables import print_table
from automl.data.dataset import DataSet
from automl.data.inspection.duplicates import Duplicates
from automl.data.inspection.overview import Inspection, inspect_data
from automl.data.sizing import Sizing
from automl.data.split_names import SPLITS
from automl.errors import SettingsError
from automl.sanitize import one_line
from automl.settings import Settings, expand_home

LISTED = 20
"""Unreadable files that are named; --json names all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("data", nargs="?", metavar="DATA", help="name, folder or file of labelled images (AUTOML_DATA)")
    parser.add_argument("--output", type=expand_home, metavar="DIR", help="write samples.png and classes.png there")
    parser.add_argument("--seed", type=count_from_zero, default=0, metavar="N", help="of splits that are cut (0)")
    add_sizing_options(parser)
    add_json(parser)
    parser.add_argument("--home", metavar="DIR", help="folder of database, artifacts and caches (AUTOML_HOME, .automl)")


def run(arguments: argparse.Namespace) -> None:
    """Look at all splits, the test split too: nothing is trained, and no study hears of it."""
    settings = Settings.read()
    reference = settings.get("AUTOML_DATA", arguments.data)
    if reference is None:
        raise SettingsError("Which data? Name a folder or a .zip of labelled images (or set AUTOML_DATA), or: digits")
    if arguments.output is not None:
        refuse_foreign_pictures(arguments.output)
    with decoding_progress() as on_progress:
        found = inspect_data(
            reference,
            home=settings.home(arguments.home),
            split_seed=arguments.seed,
            sizing=Sizing(arguments.image_size, arguments.fit),
            on_progress=on_progress,
            log=print_stderr,
        )
    pictures = {} if arguments.output is None else write_pictures(found.data, arguments.output)
    if arguments.json:
        print_json(found.as_dict() | {"pictures": {name: str(path) for name, path in pictures.items()}})
        return
    print_rows(dict(_rows(found)))
    write_line()
    print_table(_class_table(found.data))
    for sentence in found.advice():
        write_line(sentence)
    for path in pictures.values():
        write_line(f"picture  {path}")


def _rows(found: Inspection) -> Iterator[tuple[str, str]]:
    data, originals, baselines = found.data, found.originals, found.baselines
    channels, height, width = data.image_shape
    yield "data", f"{data.name} ({data.reference}), fingerprint {data.fingerprint[:12]}"
    yield "images", f"{channels} × {height} × {width} for the network; as they came: {_sizes(found)}"
    yield "modes", ", ".join(f"{mode} {count:,}" for mode, count in originals.modes.items())
    if data.notes:
        yield "notes", "\n".join(data.notes)
    yield "unreadable", _unreadable(found)
    yield "equal", _duplicates(found.exact)
    yield "similar", _duplicates(found.near)
    yield (
        "to beat",
        f"validation accuracy {baselines.majority:.4f} by always saying {baselines.majority_class!r}, "
        f"{baselines.nearest_centroid:.4f} by the nearest mean image",
    )


def _sizes(found: Inspection) -> str:
    smallest, median, largest = (
        f"{height} × {width}"
        for height, width in (found.originals.smallest, found.originals.median, found.originals.largest)
    )
    return smallest if smallest == largest else f"{smallest} to {largest}, median {median} (height × width)"


def _unreadable(found: Inspection) -> str:
    lines = [f"{one_line(name)}: {one_line(reason)}" for name, reason in found.unreadable]
    more = [f"and {len(lines) - LISTED:,} more (all: --json)"] if len(lines) > LISTED else []
    return "\n".join([f"files: {len(lines):,}", *lines[:LISTED], *more]) if lines else "no file"


def _duplicates(found: Duplicates) -> str:
    if not found.groups:
        return "no images"
    leaked = " and ".join(f"{images:,} of {split}" for split, images in found.also_in_train.items())
    lines = [
        f"{found.images:,} images; of their groups ({found.groups:,}), within a split: {found.within_a_split:,}, "
        f"across splits: {found.across_splits:,}, under several labels: {found.contradictory:,}",
        f"with another in train: {leaked}",
        *("such as " + ", ".join(map(one_line, names)) for names in found.examples),
    ]
    return "\n".join(lines)


def _class_table(data: DataSet) -> TextTable:
    table = TextTable("class", box=None, pad_edge=False)
    counts = {split: data.class_counts(split) for split in SPLITS}
    for split in SPLITS:
        table.add_column(split, justify="right")
        table.add_column("%", justify="right")
    for label, name in enumerate(data.class_names):
        cells = (
            (f"{counts_K[label]:,}", f"{100 * counts_K[label] / counts_K.sum():.1f}") for counts_K in counts.values()
        )
        table.add_row(name, *(text for cell in cells for text in cell))
    table.add_row("all", *(text for counts_K in counts.values() for text in (f"{counts_K.sum():,}", "")))
    return table
