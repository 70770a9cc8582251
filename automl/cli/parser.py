"""The parser of command lines: one sentence for a mistake, the nearest name, and where the options are listed."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from automl.cli.output import print_stderr


class CommandParser(argparse.ArgumentParser):
    """Argparse's, without the usage before each error; sub-parsers are of this class, too."""

    def error(self, message: str) -> NoReturn:
        """Print the mistake alone, and exit with 2."""
        end = "" if message.endswith((".", "?")) else "."
        print_stderr(f"{self.prog}: {message}{end} {self.prog} --help lists the {self._listed}.")
        raise SystemExit(2)

    @property
    def _listed(self) -> str:
        return "options" if self._subparsers is None else "commands"

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does; a word that no option or argument takes is refused by the command that it was given to."""
        found, extra = super().parse_known_args(args, namespace)
        if extra:
            self.error(self._not_taken(extra))
        return found, extra

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value that is no choice, and name the nearest one."""
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        advice = _nearest(str(value), known) or f"Known: {', '.join(known)}"
        if action.nargs == argparse.PARSER:
            self.error(f"there is no command {value!r}. {advice}")
        raise argparse.ArgumentError(action, f"{value!r} is unknown. {advice}")

    def _not_taken(self, extra: Sequence[str]) -> str:
        options = [word.partition("=")[0] for word in extra if word.startswith("-")]
        if not options:
            return f"{extra[0]!r} is one argument too many"
        known = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
        advice = _nearest(options[0], known)
        return f"there is no option {options[0]}" + (f". {advice}" if advice else "")


def _nearest(word: str, known: Iterable[str]) -> str | None:
    names = difflib.get_close_matches(word, list(known), n=1)
    return f"Did you mean {names[0]}?" if names else None
