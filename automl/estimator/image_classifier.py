"""A classifier of images by scikit-learn's conventions; underneath runs `automl.search`. N images, K classes."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from automl.api import print_line, search_here, take_data
from automl.application.command_context import CommandContext
from automl.application.search_options import SearchOptions
from automl.application.search_run import SearchResult
from automl.application.utf8 import check_names
from automl.data.in_memory.array_store import ArrayData, Labelled
from automl.data.sizing import Fit
from automl.errors import ArrayError
from automl.estimator.fitted_model import FittedModel
from automl.private_folders import make_private
from automl.recipe import Recipe
from automl.settings import expand_home
from automl.study.names import check_name
from automl.study.record import study_names


class ImageClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Searches for the network that classifies the images best, and predicts with it.

    After `fit` it has `classes_`, the labels in their own type, as numpy.unique sorts them; `image_shape_`, channels,
    height and width of what the model sees; `validation_score_`, the metric on the validation split;
    `best_recipe_`, `result_` (as `automl.search` returns it) and `study_`, the study's name. It carries the model, so a
    pickle of it needs neither the study nor a file.
    """

    def __init__(
        self,
        *,
        timeout: float | None = None,
        trials: int | None = None,
        metric: str | None = None,
        space: str | Path | Mapping[str, Any] | None = None,
        epochs: int | None = None,
        image_size: int | None = None,
        image_fit: Fit = "crop",
        workers: int | None = None,
        device: str = "auto",
        seed: int = 0,
        model: str | None = None,
        max_parameters: int | None = None,
        max_milliseconds: float | None = None,
        study: str | None = None,
        home: str | Path | None = None,
        storage: str | None = None,
        artifacts: str | Path | None = None,
        single: bool = False,
        search_options: Mapping[str, Any] | None = None,
        verbose: bool = True,
    ) -> None:
        """Nothing runs before `fit`. All of it means what it means to `automl.search`.

        `timeout`: seconds of search; without it, and without `trials`, the default number of trials. `image_fit`: the
        option `fit` of `automl.search`. `study`: name of the study; a name that is taken gets a number.
        `single`: one network, also where an ensemble is better by more than noise. `search_options`: the other fields
        of `automl.application.search_options.SearchOptions`. `verbose`: whether `fit` prints how the search goes.
        """
        self.timeout = timeout
        self.trials = trials
        self.metric = metric
        self.space = space
        self.epochs = epochs
        self.image_size = image_size
        self.image_fit = image_fit
        self.workers = workers
        self.device = device
        self.seed = seed
        self.model = model
        self.max_parameters = max_parameters
        self.max_milliseconds = max_milliseconds
        self.study = study
        self.home = home
        self.storage = storage
        self.artifacts = artifacts
        self.single = single
        self.search_options = search_options
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        validation: Labelled | None = None,
        test: Labelled | None = None,
        **unsupported: Any,
    ) -> Self:
        """Search anew, and keep the best model. Ctrl-C ends the search, and keeps the best model so far.

        `X`: N × H × W or N × H × W × C, numpy (a torch tensor N × C × H × W); a list of equal arrays, of PIL images or
        of paths; or the path of a folder or file that has the labels too, and then no `y`. `y`: N labels of any type.
        `validation`, `test`: images and labels of these splits; left out, a tenth of `X` is cut for each.

        Raises: ArrayError, which is a ValueError, for images and labels that cannot be learnt from; AutomlError for
            anything else that its message tells how to fix. KeyboardInterrupt if Ctrl-C came before the first model.
        """
        _refuse(unsupported)
        options = self._options()
        data = _together(X, y)
        names = (data, self.space, self.study, self.storage, self.home, self.artifacts, self.model, Path.cwd())
        check_names(*(name for name in names if isinstance(name, str | Path)))
        given, options = take_data(data, options, validation=validation, test=test)
        result = self._search(given, options)
        if result.exported is None:
            raise KeyboardInterrupt("The search was stopped before it had a model; fit again to begin anew.")
        self._keep(result, given)
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The most probable label of each image, in the labels' own type.

        `X`: as `fit` takes it, or one path or a list of them. Sizes other than the model's are converted.

        Raises: NotFittedError before `fit`; as `predict_proba`.
        """
        check_is_fitted(self)
        best_N: npt.NDArray[Any] = self.classes_[self.predict_proba(X).argmax(axis=1)]
        return best_N

    def predict_proba(self, X: Any) -> npt.NDArray[np.float32]:
        """Calibrated probabilities, N × K, in the order of `classes_`.

        Raises: NotFittedError before `fit`; ArrayError or DataError for what are no images.
        """
        check_is_fitted(self)
        return self.model_.probabilities(X, device=self.device)

    def export(self, path: str | Path) -> Path:
        """Write the model, with a card beside it: `.pt` for automl, `.pt2` or `.onnx` for other programs.

        Raises: NotFittedError before `fit`; ModelFileError or SettingsError if it cannot be written there.
        """
        check_is_fitted(self)
        target = expand_home(str(path))
        self.model_.write(target)
        return target

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.target_tags.required = False  # a folder has its labels
        tags.non_deterministic = True  # the workers' order, and a time budget
        return tags

    def _options(self) -> SearchOptions:
        """What the parameters ask for.

        Raises: ArrayError for a search option that there is not.
        """
        more = dict(self.search_options or {})
        own = self.get_params(deep=False)
        known = {field.name for field in dataclasses.fields(SearchOptions)} - set(own) - {"data", "fit"}
        if foreign := sorted(set(more) - known):
            raise ArrayError(
                f"search_options has {foreign[0]!r}. It takes: {', '.join(sorted(known))}; all else is a parameter of "
                "ImageClassifier itself."
            )
        shared = ("timeout", "trials", "metric", "space", "epochs", "image_size", "seed", "model")
        limits = ("max_parameters", "max_milliseconds", "study")
        return SearchOptions(fit=self.image_fit, **{name: own[name] for name in (*shared, *limits)}, **more)

    def _search(self, given: ArrayData | None, options: SearchOptions) -> SearchResult:
        name = ""

        def prepare(context: CommandContext, options: SearchOptions) -> SearchOptions:
            nonlocal name
            name = _new_name(context, options.study)
            return dataclasses.replace(options, study=name)

        def export(context: CommandContext) -> Path:
            make_private(context.home / "models")
            return context.home / "models" / f"{name}.pt"

        return search_here(
            given,
            options,
            storage=self.storage,
            home=self.home,
            artifacts=self.artifacts,
            device=self.device,
            workers=self.workers,
            log=print_line if self.verbose else _ignore,
            export=export,
            single=self.single,
            prepare=prepare,
        )

    def _keep(self, result: SearchResult, given: ArrayData | None) -> None:
        assert result.exported is not None
        assert result.best is not None
        self.model_ = FittedModel.read(result.exported.path, builder=self.model)
        loaded = self.model_.on(self.device)
        self.classes_ = np.array(loaded.classes) if given is None else given.labels.classes_K
        self.image_shape_ = loaded.card.image_shape
        self.validation_score_ = loaded.metrics[f"validation_{result.status.metric}"]
        self.best_recipe_ = Recipe.from_mapping(result.best.recipe)
        self.result_ = result
        self.study_ = result.study


def _together(X: Any, y: Any) -> Any:
    """Images and labels as `automl.search` takes them: a path alone, or a pair."""
    if isinstance(X, str | Path):
        if y is not None:
            raise ArrayError(f"{str(X)!r} has its own labels: leave y out. Or give images as X, and their labels as y.")
        return X
    return (X, y)


def _refuse(unsupported: Mapping[str, Any]) -> None:
    if unsupported.get("sample_weight") is not None:
        raise ArrayError(
            "sample_weight is not supported: images count alike. For rare classes choose metric='balanced_accuracy' or "
            "'macro_f1', and a space with class weights."
        )
    if foreign := sorted(set(unsupported) - {"sample_weight"}):
        raise TypeError(f"ImageClassifier.fit() got an unexpected keyword argument {foreign[0]!r}")


def _new_name(context: CommandContext, asked: str | None) -> str:
    """A name that no study has: the one that is asked for, with a number if need be, or one of the moment."""
    if asked is None:
        return f"fit-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    check_name(asked)
    with context.database.engine.connect() as connection:
        taken = set(study_names(connection))
    if asked not in taken:
        return asked
    return next(name for number in range(2, len(taken) + 3) if (name := f"{asked}-{number}") not in taken)


def _ignore(_line: str) -> None:
    """Print nothing."""
