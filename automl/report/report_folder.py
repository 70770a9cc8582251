"""Write the folder of a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from automl.artifacts.store import ArtifactStore
from automl.errors import SettingsError
from automl.figures.canvas import save_png
from automl.own_files import RECIPE_LINE, REPORT_LINE, refuse_foreign
from automl.report.composing import compose
from automl.report.document import Report
from automl.report.facts import Facts, read_facts, read_test_accesses
from automl.report.html_page import to_page
from automl.report.importance import read_importances
from automl.report.markdown import IMAGES, to_markdown
from automl.report.sections.winner_sections import RECIPE_FILE
from automl.report.winner import TestEvaluation, evaluate_on_test
from automl.results.trials import TrialRecord
from automl.storage.database import Database
from automl.study.record import StudyRecord

README, PAGE = "README.md", "index.html"
OPTION = "--output"
RecipeWriter = Callable[[StudyRecord, TrialRecord], str]
"""Function that returns what `automl show TRIAL --recipe` prints."""


@dataclass(frozen=True)
class WrittenReport:
    """Paths of a written report, and what is missing in it."""

    study: str
    folder: Path
    page: Path
    readme: Path
    images: tuple[Path, ...]
    missing: tuple[str, ...]
    """Sentences on what is missing."""

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        paths = {"folder": str(self.folder), "page": str(self.page), "readme": str(self.readme)}
        return asdict(self) | paths | {"images": [str(image) for image in self.images]}


def write_report(
    database: Database,
    record: StudyRecord,
    folder: Path,
    *,
    home: Path,
    artifacts: ArtifactStore,
    data: str | None = None,
    recipe_document: RecipeWriter,
) -> WrittenReport:
    """Write index.html, README.md with its images, and the winner's recipe into `folder`, which is made if needed.

    If the winner's weights and the data are at hand, this accesses the test split once, which the study records.
    `data`: path of the data on this machine, if not that of the study.

    Raises: StudyError if no trial is finished; SettingsError if the folder cannot be written, or a file is there that
        automl did not write.
    """
    for name in (README, PAGE, RECIPE_FILE):
        refuse_foreign(folder / name, option=OPTION)
    with database.engine.connect() as connection:
        facts = read_facts(connection, record)
    _make_folder(folder)
    evaluation = None
    choice = facts.choice
    if choice is not None:
        evaluation = evaluate_on_test(database, choice.record, choice.trial, home=home, artifacts=artifacts, data=data)
    document = _composed(database, facts, evaluation)
    try:
        _refuse_foreign(document, folder)
        if choice is not None:
            _write(folder / RECIPE_FILE, f"{RECIPE_LINE}\n{recipe_document(choice.record, choice.trial)}")
        return _written(document, facts, folder, missing=evaluation.missing if evaluation else ())
    except OSError as error:
        raise _unwritable(folder, error) from error


def _composed(database: Database, facts: Facts, evaluation: TestEvaluation | None) -> Report:
    with database.engine.connect() as connection:
        confirmations = (facts.confirmation.record,) if facts.confirmation else ()
        studies = {one.study_id: one for one in (facts.record, *confirmations)}
        accesses = read_test_accesses(connection, studies.values())
    importances = read_importances(database, facts.record)
    return compose(facts, evaluation=evaluation, accesses=accesses, importances=importances)


def _make_folder(folder: Path) -> None:
    """Create the folder, so that a mistake is found before the test split is accessed."""
    try:
        (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"The report cannot be written to {folder}: {error.strerror or error}. Choose another folder with --output."
    )


def _written(document: Report, facts: Facts, folder: Path, *, missing: tuple[str, ...]) -> WrittenReport:
    images = _images(document, folder)
    for path, picture in zip(images, document.pictures, strict=True):
        save_png(picture.drawn, path)
    page, readme = folder / PAGE, folder / README
    _write(readme, f"{REPORT_LINE}\n\n{to_markdown(document)}")
    _write(page, to_page(document))
    return WrittenReport(facts.record.name, folder, page, readme, images, missing)


def _images(document: Report, folder: Path) -> tuple[Path, ...]:
    return tuple(folder / IMAGES / f"{picture.name}.png" for picture in document.pictures)


def _refuse_foreign(document: Report, folder: Path) -> None:
    """Look at all that will be written, before anything is."""
    for path in (folder / README, folder / PAGE, folder / RECIPE_FILE, *_images(document, folder)):
        refuse_foreign(path, option=OPTION)


def _write(path: Path, content: str) -> None:
    """Write a temporary file, then rename it."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(content, "utf-8", "backslashreplace")  # a path may hold bytes that are no UTF-8
    unfinished.replace(path)
