"""A mistake on the command line: one sentence and where the options are listed, never the usage before it."""

from __future__ import annotations

import argparse

import pytest

from automl.cli.main import COMMANDS, build_parser, main

OPTIONS = "automl search --help lists the options."


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "search --trials 0",
            f"automl search: argument --trials: '0' is not a whole number of at least 1. {OPTIONS}",
        ),
        ("search --trails 3", f"automl search: there is no option --trails. Did you mean --trials? {OPTIONS}"),
        ("search --trails=3", f"automl search: there is no option --trails. Did you mean --trials? {OPTIONS}"),
        ("search --data digits more", f"automl search: 'more' is one argument too many. {OPTIONS}"),
        (
            "search --metric acuracy",
            f"automl search: argument --metric: 'acuracy' is unknown. Did you mean accuracy? {OPTIONS}",
        ),
        (
            "search --fit round",
            f"automl search: argument --fit: 'round' is unknown. Known: crop, pad, stretch. {OPTIONS}",
        ),
        ("search --export", f"automl search: argument --export: expected one argument. {OPTIONS}"),
        (
            "search --tri 3",
            f"automl search: ambiguous option: --tri could match --trials, --trial-timeout. {OPTIONS}",
        ),
        ("serch", "automl: there is no command 'serch'. Did you mean search? automl --help lists the commands."),
        ("", "automl: the following arguments are required: COMMAND. automl --help lists the commands."),
        (
            "predict --csv --json model.pt image.png",
            "automl predict: argument --json: not allowed with argument --csv. "
            "automl predict --help lists the options.",
        ),
        (
            "predict",
            "automl predict: the following arguments are required: MODEL, IMAGE. "
            "automl predict --help lists the options.",
        ),
    ],
)
def test_mistake_is_one_sentence_and_where_to_look(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(line.split())
    said = capsys.readouterr()
    assert (refused.value.code, said.out, said.err) == (2, "", f"{message}\n")


def test_every_command_answers_an_unknown_option_itself(capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = (a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction))
    commands: dict[str, argparse.ArgumentParser] = dict(found.choices)
    assert list(commands) == list(COMMANDS)
    for name in commands:
        needed = ["x"] * sum(not a.option_strings and a.nargs is None for a in commands[name]._actions)
        needed += ["x"] * sum(a.nargs == "+" for a in commands[name]._actions)
        needed += [
            word
            for a in commands[name]._actions
            if a.required and a.option_strings
            for word in (a.option_strings[0], "x")
        ]
        with pytest.raises(SystemExit):
            main([name, *needed, "--no-such-thing"])
        said = capsys.readouterr().err
        assert said.startswith(f"automl {name}: there is no option --no-such-thing.")
        assert said.endswith(f"automl {name} --help lists the options.\n")
        assert said.count("\n") == 1


def test_help_is_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["search", "--help"])
    assert done.value.code == 0
    assert capsys.readouterr().out.startswith("usage: automl search [-h]")
