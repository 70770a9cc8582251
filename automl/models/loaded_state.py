"""What a torch file gave, looked at before it is used: plain values that are few, weights that a network can take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

MOST_VALUES, DEEPEST = 1_000_000, 32
"""Bounds of the plain values of a file. References to one list could make it endless."""


def check_plain(document: object) -> None:
    """See that there are only plain values in a document, and a limited number of them.

    Raises: TypeError or ValueError, which says what else there is.
    """
    level = [document]
    seen = 0
    for _ in range(DEEPEST):
        seen += len(level)
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
        if seen + len(level) > MOST_VALUES:
            raise ValueError(f"more than {MOST_VALUES:,} values")
    raise ValueError(f"values more than {DEEPEST} deep")


def _inside(value: object) -> Sequence[object]:
    if value is None or isinstance(value, bool | int | float | str):
        return ()
    if isinstance(value, list | tuple):
        return value
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} where a plain value belongs")
    if not all(isinstance(key, str) for key in value):
        raise TypeError("a key that is no text")
    return list(value.values())


def read_states(weights: object, *, members: int, file_bytes: int) -> list[dict[str, Tensor]]:
    """Weights of so many networks, which take no more memory together than the file that they are from.

    Raises: ValueError or TypeError if they are something else.
    """
    if not isinstance(weights, list) or len(weights) != members:
        raise ValueError(f"weights of {members} networks belong in it")
    total = 0
    for state in weights:
        if not isinstance(state, dict):
            raise TypeError(f"{type(state).__name__} where the weights of a network belong")
        for name, weight in state.items():
            if not (isinstance(name, str) and isinstance(weight, Tensor) and weight.layout is torch.strided):
                raise TypeError(f"{type(weight).__name__} where a dense tensor belongs")
            total += weight.numel() * weight.element_size()
        if total > file_bytes:
            raise ValueError(f"weights of more than the {file_bytes:,} bytes of the file")
    return weights


def check_state(state: Mapping[str, Tensor], network: nn.Module) -> None:
    """See that weights are numbers of the types that the network has; floating-point ones are float32 in a file.

    Raises: ValueError that names the first weight that is not. Names and shapes are load_state_dict's to compare.
    """
    own: dict[str, Any] = network.state_dict()
    for name, weight in state.items():
        expected = own[name].dtype if isinstance(own.get(name), Tensor) else weight.dtype
        expected = torch.float32 if expected.is_floating_point else expected
        if weight.dtype != expected:
            raise ValueError(f"{name} is {_short(weight.dtype)} and the network has {_short(expected)}")
        if weight.isnan().any():
            raise ValueError(f"{name} holds NaN")


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
