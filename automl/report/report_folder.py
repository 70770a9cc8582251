"""From a study to the folder of its report."""

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
from automl.report.document import Document
from automl.report.facts import Facts, read_facts, read_openings
from automl.report.html_page import to_page
from automl.report.importance import read_importances
from automl.report.markdown import IMAGES, to_markdown
from automl.report.sections.winner_sections import RECIPE_FILE
from automl.report.winner import Examination, examine
from automl.results.results import TrialRecord
from automl.storage.database import Database
from automl.study.study import StudyRecord

README, PAGE = "README.md", "index.html"
OPTION = "--output"
RecipeWriter = Callable[[StudyRecord, TrialRecord], str]
"""What `automl show TRIAL --recipe` prints."""


@dataclass(frozen=True)
class WrittenReport:
    """Where a report lies, and what could not be in it."""

    study: str
    folder: Path
    page: Path
    readme: Path
    images: tuple[Path, ...]
    missing: tuple[str, ...]
    """Sentences."""

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

    If the winner's weights and the data are at hand, this opens the test split once, which the study remembers.
    `data`: where they lie on this machine, if not where the study found them.

    Raises: StudyError if no trial is finished; SettingsError if the folder cannot be written, or a file is there that
        automl did not write.
    """
    for name in (README, PAGE, RECIPE_FILE):
        refuse_foreign(folder / name, option=OPTION)
    with database.engine.connect() as connection:
        facts = read_facts(connection, record)
    _make_folder(folder)
    examination = None
    choice = facts.choice
    if choice is not None:
        examination = examine(database, choice.record, choice.trial, home=home, artifacts=artifacts, data=data)
    document = _composed(database, facts, examination)
    try:
        _refuse_foreign(document, folder)
        if choice is not None:
            _write(folder / RECIPE_FILE, f"{RECIPE_LINE}\n{recipe_document(choice.record, choice.trial)}")
        return _written(document, facts, folder, missing=examination.missing if examination else ())
    except OSError as error:
        raise _unwritable(folder, error) from error


def _composed(database: Database, facts: Facts, examination: Examination | None) -> Document:
    with database.engine.connect() as connection:
        confirmations = (facts.confirmation.record,) if facts.confirmation else ()
        openings = read_openings(connection, {one.study_id: one for one in (facts.record, *confirmations)}.values())
    importances = read_importances(database, facts.record)
    return compose(facts, examination=examination, openings=openings, importances=importances)


def _make_folder(folder: Path) -> None:
    """Find a mistake before the test split is opened."""
    try:
        (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> SettingsError:
    return SettingsError(
        f"The report cannot be written to {folder}: {error.strerror or error}. Choose another folder with --output."
    )


def _written(document: Document, facts: Facts, folder: Path, *, missing: tuple[str, ...]) -> WrittenReport:
    images = _images(document, folder)
    for path, picture in zip(images, document.pictures, strict=True):
        save_png(picture.drawn, path)
    page, readme = folder / PAGE, folder / README
    _write(readme, f"{REPORT_LINE}\n\n{to_markdown(document)}")
    _write(page, to_page(document))
    return WrittenReport(facts.record.name, folder, page, readme, images, missing)


def _images(document: Document, folder: Path) -> tuple[Path, ...]:
    return tuple(folder / IMAGES / f"{picture.name}.png" for picture in document.pictures)


def _refuse_foreign(document: Document, folder: Path) -> None:
    """Look at all that will be written, before anything is."""
    for path in (folder / README, folder / PAGE, folder / RECIPE_FILE, *_images(document, folder)):
        refuse_foreign(path, option=OPTION)


def _write(path: Path, content: str) -> None:
    """Write beside, then rename."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_text(content, "utf-8", "backslashreplace")  # a path may hold bytes that are no UTF-8
    unfinished.replace(path)
