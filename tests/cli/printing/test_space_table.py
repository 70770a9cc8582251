"""The table of a space."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from automl.cli.printing.space_table import space_table
from automl.spaces.file import load_space
from automl.spaces.space import SearchSpace


def printed(space: SearchSpace) -> list[list[str]]:
    """The cells of every row."""
    console = Console(file=StringIO(), width=200)
    console.print(space_table(space))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [
        [cell.strip() for cell in line.strip("│┃").split("│")] for line in text.splitlines() if line.startswith("│")
    ]


def test_every_parameter_has_a_row() -> None:
    space = load_space(
        {
            "parameters": {
                "lr": {"distribution": "log_uniform_values", "min": 1e-4, "max": 1e-2},
                "depth": {"min": 1, "max": 3},
                "batch": {"values": [32, 64], "probabilities": [0.9, 0.1]},
                "width": {"values": [8, 16], "when": {"depth": [2, 3]}},
                "dropout": {"distribution": "q_uniform", "min": 0.1, "max": 0.5, "q": 0.1},
                "epochs": {"value": 9},
            }
        }
    )
    assert printed(space) == [
        ["lr", "learning_rate: 0.0001 to 0.01, log", "", "exact", "read as learning_rate"],
        ["depth", "depth: 1 to 3", "", "exact", ""],
        [
            "batch",
            "batch_size: 32, 64",
            "",
            "approximate",
            "read as batch_size; the probabilities are lost: all values are alike",
        ],
        ["width", "width: 8, 16", "depth = 2 or 3", "exact", ""],
        [
            "dropout",
            "dropout: 0.1 to 0.5, rounded to 0.1",
            "",
            "exact",
            "the sampler sees the number before it is rounded",
        ],
        ["epochs", "epochs = 9", "", "exact", ""],
    ]


def test_space_in_python_is_one_row() -> None:
    rows = printed(SearchSpace(name="mine", function="package.spaces:mine"))
    assert rows == [
        ["package.spaces:mine", "any field of the recipe", "", "exact", "a function, called with the trial"]
    ]
