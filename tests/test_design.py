"""docs/design/ names every internal of Optuna that we use, and there are no others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.documentation import first_cells, page

TABLES_PAGE = page("docs/design/storage.md").text
DESIGN = page("docs/design/optuna-internals.md").text
INTERNALS = ROOT / "automl" / "storage" / "optuna_internals.py"
OTHERS = sorted(path for path in (ROOT / "automl").rglob("*.py") if path != INTERNALS)
NOT_OPTUNA = {"_mapping", "_exit", "_foreach_lerp_"}
"""SQLAlchemy's documented accessor of a row, os._exit, and torch's update of many tensors at once."""


def test_everything_in_the_internals_is_listed_and_nothing_else() -> None:
    names = [node.name for node in _tree(INTERNALS).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    listed = [name.strip("`") for cell in first_cells(DESIGN, "name") for name in cell.split(", ")]
    assert sorted(listed) == sorted(names)


def test_every_internal_is_named_there() -> None:
    assert sorted(name for name in set(_private_names(_tree(INTERNALS))) if name not in DESIGN) == []


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_touches_internals_of_optuna(path: Path) -> None:
    assert set(_private_names(_tree(path))) <= NOT_OPTUNA


def test_every_table_of_ours_is_described() -> None:
    from automl.storage.schema import TABLES

    created = [line.split()[5] for line in TABLES.splitlines() if line.startswith("CREATE TABLE")]
    assert [cell.strip("`") for cell in first_cells(TABLES_PAGE, "table")] == created


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _private_names(tree: ast.Module) -> Iterator[str]:
    """Attributes of other objects than `self` and `cls`, and modules of other packages, that begin with one `_`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_private(node.attr) and not _is_own(node.value):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (name for name in names if _is_private(name))


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _is_own(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in ("self", "cls")
