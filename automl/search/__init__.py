"""The search: space, study, storage, budget, workers, results."""
