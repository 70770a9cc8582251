"""The tables of the documentation are complete, what it names exists, and its links lead somewhere."""

from __future__ import annotations

import re

import pytest

from automl.cli.main import build_parser
from automl.export.formats import FORMATS
from automl.settings import SETTINGS
from automl.spaces.file import shipped_spaces
from docs.make_reference import PARTS, current_page, subparsers
from tests.documentation import Page, all_pages, first_cells, page

PAGES = all_pages()
COMMANDS = subparsers(build_parser())
FIRST_SCREEN = ("make demo", "make test", "docker compose up --scale worker=4", "automl best --export model.pt")
ELSEWHERE = {"--detach", "--env-file", "--constraint", "--profile", "--rm", "--scale", "--confirmed"}
"""Options of pip and Docker, and of docs/make_pictures.py."""
OF_BENCHMARKS = {"--list", "--output", "--epochs", "--seed", "--images"}
README_LINES = 150


@pytest.mark.parametrize("line", FIRST_SCREEN)
def test_readme_shows(line: str) -> None:
    assert line in [command for block in page("README.md").blocks for command in block.commands]


def test_readme_is_short() -> None:
    assert len(page("README.md").text.splitlines()) <= README_LINES


def test_every_command_is_in_the_table_and_no_other() -> None:
    cells = first_cells(page("docs/command-line.md").text, "command")
    assert sorted(_command(cell) for cell in cells) == sorted(COMMANDS)


def _command(cell: str) -> str:
    found = re.match(r"`automl (\w+)", cell)
    assert found, cell
    return found[1]


@pytest.mark.parametrize("name", PARTS)
def test_generated_part_of_a_page_is_current(name: str) -> None:
    text = page(f"docs/{name}").text
    assert text == current_page(name, text), "Write it again with: python docs/make_reference.py"


def test_every_format_is_in_the_table_and_no_other() -> None:
    assert [cell.strip("`") for cell in first_cells(page("docs/results.md").text, "format")] == list(FORMATS)


def test_every_setting_is_in_the_table_and_no_other() -> None:
    assert [cell.strip("`") for cell in first_cells(page("docs/settings.md").text, "setting")] == list(SETTINGS)


def test_every_default_of_a_setting_is_as_shown() -> None:
    text = page("docs/settings.md").text
    for setting in SETTINGS.values():
        if setting.default is not None:
            assert re.search(rf"^\| `{setting.name}` \|.*\| `{re.escape(setting.default)}` \|$", text, re.M)


def test_every_exit_code_is_in_the_table() -> None:
    assert first_cells(page("docs/command-line.md").text, "exit code") == ["0", "2", "1", "130"]


@pytest.mark.parametrize("found", PAGES, ids=lambda found: found.name)
def test_every_option_that_a_page_names_exists(found: Page) -> None:
    options = {option for parser in COMMANDS.values() for option in parser._option_string_actions}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", found.text))
    assert named - options - OF_BENCHMARKS <= ELSEWHERE


@pytest.mark.parametrize("found", PAGES, ids=lambda found: found.name)
def test_every_command_line_within_a_sentence_is_one(found: Page) -> None:
    for line in re.findall(r"`automl (\w[^`]*)`", " ".join(found.written.split())):
        name, *words = line.split()
        assert name in COMMANDS, line
        options = {word for word in words if word.startswith("--")}
        assert options <= set(COMMANDS[name]._option_string_actions), line


def test_every_shipped_space_is_named() -> None:
    text = page("docs/spaces.md").text
    assert [name for name in shipped_spaces() if f"`{name}`" not in text] == []


@pytest.mark.parametrize("found", PAGES, ids=lambda found: found.name)
def test_links_lead_somewhere(found: Page) -> None:
    assert [target for target in found.links if not (found.path.parent / target).exists()] == []
