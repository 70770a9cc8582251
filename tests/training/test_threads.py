"""Threads and pace are measured from real steps, which leave no trace in the training."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from automl.data.dataset import DataSet
from automl.metrics import METRICS
from automl.recipe import Recipe
from automl.training.loop import Training
from automl.training.threads import CLEAR_GAIN, all_cores, fastest, measure_steps, thread_candidates

CPU = torch.device("cpu")
RECIPE = Recipe(depth=1, width=8, dropout=0.3, ema=0.9, flip=0.5, mixup=0.2, batch_size=32, epochs=60)


def _training(data: DataSet, recipe: Recipe = RECIPE) -> Training:
    return Training(recipe, data, metric=METRICS["accuracy"], device=CPU)


def test_measured_training_goes_on_as_if_nothing_had_been(few_digits: DataSet) -> None:
    measured, untouched = _training(few_digits), _training(few_digits)
    before = torch.get_rng_state()
    pace = measure_steps(measured, (1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert pace.seconds_an_epoch > 0
    torch.set_num_threads(1)
    first, second = next(measured.epochs()), next(untouched.epochs())
    assert (first.train_loss, first.validation_loss) == (second.train_loss, second.validation_loss)
    assert all(torch.equal(mine, untouched.best_weights[name]) for name, mine in measured.best_weights.items())


def test_chosen_number_of_threads_is_set(few_digits: DataSet) -> None:
    pace = measure_steps(_training(few_digits), (1, 2))
    assert pace.threads in (1, 2)
    assert torch.get_num_threads() == pace.threads


def test_short_training_keeps_its_threads_because_measuring_would_cost_more_than_it_gains(few_digits: DataSet) -> None:
    torch.set_num_threads(2)
    training = _training(few_digits, Recipe(depth=0, batch_size=128, epochs=2))
    assert measure_steps(training, (1,)).threads == 2


def test_candidates_are_one_the_share_and_all_cores_where_no_other_worker_needs_them() -> None:
    assert thread_candidates(CPU, share=3, alone=False) == (1, 3)
    assert thread_candidates(CPU, share=1, alone=True) == tuple(sorted({1, all_cores()}))
    assert thread_candidates(torch.device("cuda"), share=3, alone=True) == ()


@given(st.dictionaries(st.integers(1, 64), st.floats(1e-6, 10), min_size=1))
def test_another_count_is_taken_only_if_it_is_clearly_faster(times: dict[int, float]) -> None:
    present = next(iter(times))
    chosen = fastest(times, present=present)
    assert times[chosen] == min(times.values()) or chosen == present
    assert (chosen != present) == (min(times.values()) <= CLEAR_GAIN * times[present] and len(times) > 1)
