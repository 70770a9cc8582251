"""Each room says what it is for and lists its modules; each name stands for one thing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "automl"
COMMANDS = PACKAGE / "cli" / "commands"
MOST_MODULES = 14
MOST_LATE_IMPORTS = 37
"""Imports inside functions; the number only falls."""
ROOMS = sorted(file.parent for file in PACKAGE.rglob("__init__.py") if file.parent not in (PACKAGE, COMMANDS))


def _contents(room: Path) -> list[str]:
    modules = {file.stem for file in room.glob("*.py")} - {"__init__"}
    return sorted(modules | {file.parent.name for file in room.glob("*/__init__.py")})


def _listed(room: Path) -> list[str]:
    """The first words of the lines behind the sentence that says what the room is for."""
    docstring = ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8"))) or ""
    lines = docstring.partition("\n\n")[2].splitlines()
    return [line.split()[0].strip("`/") for line in lines if line.strip() and not line.startswith(" ")]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(PACKAGE)))
def test_room_lists_its_modules(room: Path) -> None:
    assert sorted(_listed(room)) == _contents(room)
    assert len(list(room.glob("*.py"))) - 1 <= MOST_MODULES


def test_file_name_stands_for_one_module() -> None:
    by_name = defaultdict(list)
    for file in PACKAGE.rglob("*.py"):
        if file.parent != COMMANDS and not file.stem.startswith("__"):
            by_name[file.stem].append(str(file.relative_to(PACKAGE)))
    assert [files for files in by_name.values() if len(files) > 1] == []


def test_class_name_stands_for_one_class() -> None:
    by_name = defaultdict(list)
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                by_name[node.name].append(str(file.relative_to(PACKAGE)))
    assert {name: files for name, files in by_name.items() if len(files) > 1} == {}


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/design/architecture.md"])
def test_modules_that_a_page_names_are_there(page: str) -> None:
    named = set(re.findall(r"(?<![\w./])((?:[a-z_0-9]+/)+[a-z_0-9]+\.py)\b", (ROOT / page).read_text("utf-8")))
    assert len(named) > 5
    assert sorted(name for name in named if not ((PACKAGE / name).exists() or (ROOT / name).exists())) == []


def test_imports_inside_functions_are_few_and_have_a_reason() -> None:
    found = {
        f"{file.relative_to(PACKAGE)}:{function.name}": ast.get_source_segment(source, function) or ""
        for file in PACKAGE.rglob("*.py")
        for source in [file.read_text("utf-8")]
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef) and _late_imports(function)
    }
    assert sum(len(_late_imports(ast.parse(text))) for text in found.values()) <= MOST_LATE_IMPORTS
    assert [name for name, text in found.items() if "#" not in text] == []


def _late_imports(tree: ast.AST) -> list[ast.AST]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
