"""The option --device of commands that compute."""

from __future__ import annotations

import argparse

from automl.queue.gpus import check_device


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device; one that is not there is refused before anything is made."""
    parser.add_argument("--device", type=_device, default="auto", metavar="D", help="auto, cpu, cuda or cuda:1 (auto)")


def _device(text: str) -> str:
    """Argparse type: a device of this machine.

    Raises: TrainingError, which argparse lets through.
    """
    check_device(text)
    return text
