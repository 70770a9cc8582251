"""benchmarks/soak.py calls growth what is growth, and noise what is noise."""

from __future__ import annotations

import dataclasses

import pytest

from benchmarks.soak_samples import Sample, growth

CALM = Sample(processes=6, connections=6, files=10, descriptors=12, sockets=2, memory_mib=900.0, server_mib=20.0)
LEAKS = {"processes": 1, "connections": 1, "files": 2, "descriptors": 1, "sockets": 1, "memory_mib": 8, "server_mib": 4}
"""What would come to each of 40 samples."""


@pytest.mark.parametrize(("name", "each"), LEAKS.items(), ids=LEAKS)
def test_a_slow_leak_is_growth(name: str, each: float) -> None:
    samples = [dataclasses.replace(CALM, **{name: getattr(CALM, name) + each * index}) for index in range(40)]
    assert [figure.name for figure in growth(samples) if not figure.is_right] == [name]


def test_a_warm_up_is_no_growth() -> None:
    cold = dataclasses.replace(CALM, memory_mib=100.0, descriptors=3, connections=0)
    assert all(figure.is_right for figure in growth([cold] * 10 + [CALM] * 30))
