from __future__ import annotations

import torch

from automl.training.randomness import global_seed, host_generator, stream_seed


def test_streams_seeds_and_epochs_share_nothing() -> None:
    seeds = {
        stream_seed(stream, seed=seed, epoch=epoch)
        for stream in ("initialization", "batches", "network")
        for seed in range(10)
        for epoch in range(10)
    }
    assert len(seeds) == 300
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_generator_starts_the_same_stream_again() -> None:
    first = torch.rand(4, generator=host_generator("batches", seed=1, epoch=2))
    assert torch.equal(first, torch.rand(4, generator=host_generator("batches", seed=1, epoch=2)))
    assert not torch.equal(first, torch.rand(4, generator=host_generator("batches", seed=1, epoch=3)))


def test_global_generator_is_given_back_as_it_was() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    with global_seed(1, torch.device("cpu")):
        inside = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with global_seed(1, torch.device("cpu")):
        assert torch.equal(torch.rand(3), inside)
