"""`automl.ImageClassifier` by scikit-learn's conventions.

scikit-learn's `check_estimator` is for tables: it yields one check for an estimator whose tags refuse two dimensions,
which runs below, with those of its checks that need no fit. The others do not apply: all of them fit N × features. Of
what they promise, the tests below show on images: labels of several types (check_classifiers_classes), predictions in
the labels' type, probabilities that add up to 1 (check_classifiers_train), NotFittedError, pickles
(check_estimators_pickle), parameters and fitted state that do not change (check_dict_unchanged,
check_estimators_overwrite_params), NaN and infinity (check_estimators_nan_inf), one class
(check_classifiers_one_label), None as y (check_requires_y_none), unequal lengths and empty data
(check_estimators_empty_data_messages). Sparse data, sample weights, class weights, feature names, `n_features_in_`,
`partial_fit` and `decision_function` are not supported. Two fits are not equal bit by bit where several workers or a
time budget decide (check_fit_idempotent).
"""

from __future__ import annotations

import pickle
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.model_selection import GridSearchCV, ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks

from automl import ImageClassifier, load_model, search
from automl.errors import ArrayError, AutomlError, ModelFileError
from automl.storage.database import open_database
from tests.conftest import clean_environment

DIGITS = load_digits()
IMAGES = np.rint(DIGITS.images[:400] * (255 / 16)).astype(np.uint8)
NUMBERS = DIGITS.target[:400]
WORDS = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
LABELS = WORDS[NUMBERS]
SPACE = {
    "parameters": {
        "depth": {"value": 0},
        "hidden_dim": {"value": 64},
        "learning_rate": {"value": 0.01},
        "batch_size": {"value": 16},
        "pooling": {"value": "flatten"},
        "epochs": {"value": 3},
    }
}
CHECKS = (
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_mixin_order",
    "check_estimators_unfitted",
)


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home of all tests here, whose database stays open."""
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as folder:
        Path(folder).chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        with open_database(None, home=Path(folder, "home")):
            yield Path(folder, "home")


def classifier(home: Path, **parameters: Any) -> ImageClassifier:
    return ImageClassifier(**({"space": SPACE, "trials": 1, "workers": 1, "home": home, "study": "c"} | parameters))


@pytest.fixture(scope="module")
def fitted(home: Path) -> ImageClassifier:
    """Trained on the words of 400 digits, the last 40 of which are for the test."""
    given = classifier(home)
    found = given.fit(list(IMAGES[:360]), LABELS[:360], test=(list(IMAGES[360:]), LABELS[360:]))
    assert found is given
    return given


def test_fitted_attributes_say_what_was_found(fitted: ImageClassifier, home: Path) -> None:
    assert np.array_equal(fitted.classes_, np.unique(LABELS))
    assert fitted.classes_.dtype == LABELS.dtype
    assert fitted.image_shape_ == (1, 8, 8)
    assert fitted.study_ == fitted.result_.study == "c"
    assert fitted.best_recipe_.hidden_dim == 64
    assert fitted.validation_score_ == pytest.approx(fitted.result_.best.value)
    assert fitted.result_.exported.test.images == 40
    assert fitted.result_.exported.path == home / "models" / "c.pt"
    assert clone(fitted).get_params() == fitted.get_params() == classifier(home).get_params()
    assert is_classifier(fitted)


def test_predictions_are_labels_and_probabilities_in_the_order_of_the_classes(fitted: ImageClassifier) -> None:
    before = dict(vars(fitted))
    predicted, probabilities_NK = fitted.predict(IMAGES), fitted.predict_proba(IMAGES)
    assert predicted.dtype == LABELS.dtype
    assert np.array_equal(predicted, fitted.classes_[probabilities_NK.argmax(axis=1)])
    assert np.allclose(probabilities_NK.sum(axis=1), 1)
    assert fitted.score(IMAGES, LABELS) == np.mean(predicted == LABELS) > 0.5
    assert vars(fitted) == before


def test_every_form_of_an_image_has_the_same_answer(fitted: ImageClassifier, tmp_path: Path) -> None:
    few = IMAGES[:6]
    expected = fitted.predict_proba(few)
    pictures = [Image.fromarray(image) for image in few]
    paths = [tmp_path / f"{number}.png" for number in range(len(few))]
    for picture, path in zip(pictures, paths, strict=True):
        picture.save(path)
    forms = (few[..., None], few / 255, list(few), few.tolist(), pictures, paths, np.array(list(map(str, paths))))
    for form in (*forms[:3], *forms[4:], torch.from_numpy(few), torch.from_numpy(few)[:, None]):
        assert np.array_equal(fitted.predict_proba(form), expected)
    assert np.allclose(fitted.predict_proba(paths[0]), expected[:1], atol=1e-5)  # sums of one image have another order


def test_pickle_and_joblib_carry_the_model(fitted: ImageClassifier, tmp_path: Path) -> None:
    expected = fitted.predict_proba(IMAGES[:20])
    joblib.dump(fitted, tmp_path / "classifier.joblib")
    for again in (pickle.loads(pickle.dumps(fitted)), joblib.load(tmp_path / "classifier.joblib")):
        assert np.array_equal(again.predict_proba(IMAGES[:20]), expected)
        assert again.result_ == fitted.result_


def test_export_writes_the_model_with_its_card(fitted: ImageClassifier, tmp_path: Path) -> None:
    path = fitted.export(tmp_path / "digits.pt")
    assert path.read_bytes() == fitted.result_.exported.path.read_bytes()
    assert "\n# digits.pt\n" in (tmp_path / "digits.md").read_text("utf-8")
    model = load_model(path)
    assert [one.label for one in model.predict(IMAGES[:9])] == fitted.predict(IMAGES[:9]).tolist()
    fitted.export(str(tmp_path / "digits.pt2"))
    with pytest.raises(ModelFileError, match=r"ends in \.h5"):
        fitted.export(tmp_path / "digits.h5")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES.reshape(-1, 64), "X is 400 × 64, and images are N × H × W (gray) or N × H × W × C with C = 1 or 3. If"),
        (IMAGES[:0], "X is 0 × 8 × 8: there is no image in it."),
        (np.where(IMAGES > 250, np.nan, IMAGES / 255), "X has NaN or infinity in it (first: X["),
        (["no.png"], "There is no image no.png."),
        (".", ". is a folder. Give a list of its images: sorted(Path('.').iterdir())."),
        (IMAGES.astype(np.int64), "Pixels of type int64 have no known range. Give uint8 (0 to 255) or float (0 to 1)."),
    ],
    ids=["rows", "none", "NaN", "missing", "folder", "int64"],
)
def test_what_is_no_image_is_refused(fitted: ImageClassifier, images: Any, message: str) -> None:
    with pytest.raises(AutomlError, match=re.escape(message)):
        fitted.predict(images)


def test_search_on_the_same_arrays_continues_the_study(fitted: ImageClassifier, home: Path) -> None:
    stored = {path: path.stat() for path in (home / "arrays").iterdir()}
    given = {"space": SPACE, "trials": 1, "workers": 1, "home": home, "study": "c"}
    result = search((IMAGES[:360], LABELS[:360]), test=(IMAGES[360:], LABELS[360:]), **given)
    assert result.best == fitted.result_.best
    assert {path: path.stat() for path in (home / "arrays").iterdir()} == stored


def test_grid_search_over_a_pipeline_clones_and_fits_anew(fitted: ImageClassifier, home: Path) -> None:
    """Flattened floats of whole numbers, labels that are numbers, and a name of the study that is taken."""
    pipeline = make_pipeline(FunctionTransformer(lambda rows: rows.reshape(-1, 8, 8)), classifier(home, verbose=False))
    one_split = ShuffleSplit(1, test_size=0.2, random_state=0)
    grid = GridSearchCV(pipeline, {"imageclassifier__seed": [3]}, cv=one_split, refit=False, error_score="raise")
    grid.fit(DIGITS.data[:400], NUMBERS.astype(np.float64))
    assert grid.cv_results_["mean_test_score"][0] > 0.5
    assert (home / "models" / "c-2.pt").exists()


@pytest.mark.parametrize("check", CHECKS)
def test_checks_of_scikit_learn_that_need_no_fit(check: str) -> None:
    getattr(estimator_checks, check)("ImageClassifier", ImageClassifier())


def test_checks_that_scikit_learn_has_for_images() -> None:
    with pytest.warns(SkipTestWarning, match="Can't test estimator ImageClassifier which requires input"):
        found = list(estimator_checks.estimator_checks_generator(ImageClassifier()))
    for estimator, check in found:
        check(estimator)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "export"])
def test_before_fit_there_is_nothing_to_predict_or_export(method: str, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        getattr(ImageClassifier(), method)(tmp_path / "model.pt")
    with pytest.raises(NotFittedError):
        ImageClassifier().score(IMAGES, LABELS)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((IMAGES, LABELS), {"sample_weight": np.ones(400)}, ArrayError, "sample_weight is not supported: images count"),
        ((IMAGES, LABELS), {"epochs": 3}, TypeError, "fit() got an unexpected keyword argument 'epochs'"),
        ((IMAGES,), {}, ValueError, "ImageClassifier requires y to be passed, but the target y is None."),
        ((IMAGES, LABELS[:5]), {}, ValueError, "y has 5 labels for 400 images. Give one label an image."),
        (("photos", LABELS), {}, ArrayError, "'photos' has its own labels: leave y out."),
        (("photos",), {"test": (IMAGES, LABELS)}, ArrayError, "validation and test go with arrays, data=(X, y)."),
        ((IMAGES, LABELS), {"test": IMAGES}, ArrayError, "test is ndarray: give a pair of images and labels"),
    ],
    ids=["weights", "keyword", "no labels", "lengths", "labels twice", "split of a folder", "split alone"],
)
def test_mistakes_are_refused_before_anything_runs(
    arguments: Any, options: Any, error: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        classifier(tmp_path / "home").fit(*arguments, **options)
    with pytest.raises(ArrayError, match=re.escape("search_options has 'epochs'. It takes: ")):
        classifier(tmp_path / "home", search_options={"epochs": 3}).fit(IMAGES, LABELS)
    assert not (tmp_path / "home").exists()


SCRIPT = """
import automl
classifier = automl.ImageClassifier(space="quick", epochs=1, trials=1000, workers=1)
classifier.fit("photos")
print("fitted:", classifier.classes_, classifier.predict("photos/one/0.png").shape, classifier.result_.interrupted)
"""


def test_unguarded_script_learns_from_a_folder_until_ctrl_c(home: Path, tmp_path: Path) -> None:
    """From standard input, as a notebook has no file: nothing runs twice, and the best model so far is kept."""
    for label in range(3):
        (tmp_path / "photos" / WORDS[label]).mkdir(parents=True)
        for number, image in enumerate(IMAGES[label == NUMBERS]):
            Image.fromarray(image).save(tmp_path / "photos" / WORDS[label] / f"{number}.png")
    command = [sys.executable, "-"]
    lines = []
    with (
        (tmp_path / "errors.txt").open("w+") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=tmp_path,
            env=clean_environment(home),
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(SCRIPT)
        process.stdin.close()
        for line in process.stdout:
            lines.append(line)
            if line.startswith("[1/1000] trial"):
                process.send_signal(signal.SIGINT)
    assert process.returncode == 0, (tmp_path / "errors.txt").read_text()
    assert lines[-1] == "fitted: ['one' 'two' 'zero'] (1,) True\n"
    assert sum(line.startswith("study ") for line in lines) == 1
    assert "\x1b" not in "".join(lines)
