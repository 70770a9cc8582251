from __future__ import annotations

from contextlib import suppress

import optuna

from automl.storage.optuna_internals import FastStorage, reported_steps


def test_what_optuna_writes_in_a_transaction_that_fails_is_undone(storage: FastStorage) -> None:
    trial = optuna.create_study(storage=storage).ask()

    def stored() -> dict[int, float]:
        return storage.get_trial(trial._trial_id).intermediate_values

    with suppress(ZeroDivisionError), storage.begin():
        storage.set_trial_intermediate_value(trial._trial_id, 0, 0.5)
        assert stored() == {0: 0.5}  # in the transaction
        raise ZeroDivisionError
    assert (stored(), reported_steps(trial)) == ({}, set())
    with storage.begin():
        storage.set_trial_intermediate_value(trial._trial_id, 0, 0.5)
    assert stored() == {0: 0.5}
