"""Options for what is searched and how: shared by `search`, `create` and `check`."""

from __future__ import annotations

import argparse
import dataclasses

from automl.application.plan import FIRST_BAND_EPOCHS, STARTUP_TRIALS, WARMUP_EPOCHS
from automl.application.search_options import KEEP, SearchOptions
from automl.cli.arguments import add_sizing_options, count_from_zero, duration, positive_number, share, whole_number
from automl.metrics import METRICS
from automl.queue.phase import FINAL_SHARE
from automl.study.specification import PRUNERS, SAMPLERS


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of a search's specification and budget."""
    parser.add_argument("--data", metavar="D", help="name, folder or .zip of labelled images (AUTOML_DATA)")
    parser.add_argument(
        "--space", metavar="S", help="search space: a shipped name or a YAML file (AUTOML_SPACE, default)"
    )
    parser.add_argument("--metric", choices=tuple(METRICS), help="what decides (AUTOML_METRIC, accuracy)")
    parser.add_argument("--trials", type=whole_number, metavar="N", help="finished trials in all (AUTOML_TRIALS, 30)")
    parser.add_argument(
        "--timeout", type=duration, metavar="T", help="time of search in all: 600, 90s, 10m, 2h (AUTOML_TIMEOUT)"
    )
    parser.add_argument("--trial-timeout", type=duration, metavar="T", help="time of one trial, which is pruned then")
    parser.add_argument(
        "--final-share",
        type=share,
        default=FINAL_SHARE,
        metavar="X",
        help=f"of --timeout, its last part: the best recipes longer, with new seeds ({FINAL_SHARE:.2g}; 0: none)",
    )
    add_sizing_options(parser)
    more = parser.add_argument_group("how it searches")
    more.add_argument("--ignore-unknown", action="store_true", help="leave unknown parameters of the space out")
    more.add_argument("--epochs", type=whole_number, metavar="N", help="epochs of each trial, instead of the space's")
    more.add_argument("--sampler", choices=SAMPLERS, help="who proposes (tpe)")
    more.add_argument("--pruner", choices=PRUNERS, help="who ends trials that do badly (median)")
    more.add_argument(
        "--startup-trials",
        type=count_from_zero,
        metavar="N",
        help=f"finished trials before the pruner begins ({STARTUP_TRIALS})",
    )
    more.add_argument(
        "--warmup-epochs",
        type=count_from_zero,
        metavar="N",
        help=f"epochs of a trial before the pruner may end it ({WARMUP_EPOCHS}; of bands {FIRST_BAND_EPOCHS})",
    )
    more.add_argument(
        "--max-parameters", type=whole_number, metavar="N", help="of a network; larger ones end untrained"
    )
    more.add_argument(
        "--max-milliseconds",
        type=positive_number,
        metavar="X",
        help="of a network for one image on the worker; slower ones end untrained",
    )
    more.add_argument("--seed", type=count_from_zero, default=0, metavar="N", help="of splits, samplers and trials (0)")
    more.add_argument("--model", metavar="PACKAGE.MODULE:BUILD", help="a network of your own instead of the family")
    more.add_argument(
        "--keep", type=whole_number, default=KEEP, metavar="N", help=f"best trials whose weights stay ({KEEP})"
    )


def search_options(arguments: argparse.Namespace) -> SearchOptions:
    """What these options of a command line ask for."""
    return SearchOptions(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(SearchOptions)})
