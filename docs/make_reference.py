"""The generated parts of docs/command-line.md and docs/recipe.md, from the code: python docs/make_reference.py."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from automl.cli.main import build_parser
from automl.recipe import FIELDS, Field

DOCS = Path(__file__).parent
START = "<!-- From here on the page is written by docs/make_reference.py. -->\n"


def main() -> None:
    """Write the pages."""
    for name in PARTS:
        page = DOCS / name
        page.write_text(current_page(name, page.read_text("utf-8")), "utf-8")


def current_page(name: str, page: str) -> str:
    """The page with its generated part as the code says it now."""
    written = page.partition(START)[0]
    return written + START + "\n" + "\n".join(PARTS[name]()) + "\n"


def _fields() -> Iterator[str]:
    """Each field of a recipe, as the space files know it."""
    yield "| field | accepts | default | what it is |"
    yield "| --- | --- | --- | --- |"
    for field in FIELDS.values():
        yield f"| `{field.name}` | {field.accepted()} | `{_yaml(field)}` | {_cell(field.doc)} |"


def _yaml(field: Field) -> str:
    return str(field.default).lower() if isinstance(field.default, bool) else str(field.default)


def subparsers(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Parser of each command by its name."""
    return dict(_commands_of(parser).choices)


def _commands_of(parser: argparse.ArgumentParser) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))  # noqa: SLF001
    return commands


def _commands() -> Iterator[str]:
    """Each command with its arguments."""
    parser = build_parser()
    helps = {choice.dest: choice.help or "" for choice in _commands_of(parser)._choices_actions}  # noqa: SLF001
    for number, (name, command) in enumerate(subparsers(parser).items()):
        yield f"{chr(10) if number else ''}### `automl {name}`\n"
        yield f"{_sentence(command.description or helps[name])}\n"
        yield "| argument | means |"
        yield "| --- | --- |"
        yield from (f"| {_cell(_names(action))} | {_cell(_means(action))} |" for action in _actions(command))


def _actions(command: argparse.ArgumentParser) -> list[argparse.Action]:
    """What a command takes, its own arguments first, without the hidden ones and --help."""
    shown = [action for action in command._actions if action.help != argparse.SUPPRESS]  # noqa: SLF001
    return [action for action in shown if not isinstance(action, argparse._HelpAction)]  # noqa: SLF001


def _names(action: argparse.Action) -> str:
    value = str(action.metavar or (action.dest.upper() if action.choices is None else "…"))
    if not action.option_strings:
        return f"`{value}`"
    shown = "" if action.nargs == 0 else f" {value}"
    return ", ".join(f"`{name}{shown}`" for name in action.option_strings)


def _means(action: argparse.Action) -> str:
    choices = ", ".join(f"`{choice}`" for choice in action.choices or ())
    text = (action.help or "").replace("%%", "%")
    return f"{text}: {choices}" if choices else text


def _sentence(text: str) -> str:
    text = text.replace("%%", "%")
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PARTS = {"command-line.md": _commands, "recipe.md": _fields}
"""What writes the generated part of a page."""


if __name__ == "__main__":
    main()
