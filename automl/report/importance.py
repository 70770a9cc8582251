"""Hyperparameter importance, by Optuna's analysis of the complete trials."""

from __future__ import annotations

import warnings

import optuna
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import TrialState

from automl.figures.search.importances import Importance
from automl.storage.database import Database
from automl.storage.optuna_internals import SearchStorage, engine_of
from automl.storage.optuna_storage import open_storage
from automl.study.record import StudyRecord

FEWEST_TRIALS = 10
"""Fewest complete trials: with fewer, the comparison is meaningless."""
BEST_TRIALS = 5
"""Fewest best trials that are compared with all, as PED-ANOVA's authors advise."""
BEST_SHARE = 0.1
CURVE_SUFFIX = ".quantile"
"""Suffix of the name of a parameter with a quantile distribution, under which its quantile is stored."""


def read_importances(database: Database, record: StudyRecord) -> tuple[Importance, ...] | str:
    """Share of each searched parameter, conditional ones included, the largest first; or why there is none.

    PED-ANOVA compares the best tenth of the complete trials (five at least) with all of them; nothing in it is random.

    Source: Watanabe et al. 2023, arXiv 2304.10255; for conditional parameters arXiv 2601.20800.
    """
    storage = open_storage(database)
    try:
        study = optuna.load_study(study_name=record.name, storage=SearchStorage(storage))
        complete = len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
        if complete < FEWEST_TRIALS:
            return f"This needs {FEWEST_TRIALS} complete trials, and the study has {complete}."
        found = _raw_importances(study, best_share=max(BEST_SHARE, BEST_TRIALS / complete))
    finally:
        engine_of(storage).dispose()
    total = sum(found.values())
    if total == 0:
        return "No parameter sets the best trials apart from the others."
    shares = [Importance(name.removesuffix(CURVE_SUFFIX), value / total) for name, value in found.items()]
    return tuple(sorted(shares, key=lambda one: (-one.share, one.name)))


def _raw_importances(study: optuna.Study, *, best_share: float) -> dict[str, float]:
    evaluator = PedAnovaImportanceEvaluator(target_quantile=best_share)
    with warnings.catch_warnings():
        # A branch of the space that one trial alone tried is left out there, with a warning for each parameter.
        warnings.simplefilter("ignore", UserWarning)
        return evaluator.evaluate(study)
