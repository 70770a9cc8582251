"""Space files and mappings: what is read, and how mistakes are reported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from automl.errors import SpaceError
from automl.spaces.distributions.ranges import Choice, Distribution, Fixed, FloatRange, IntRange
from automl.spaces.file import load_space, shipped_spaces
from automl.spaces.parameters import Parameter
from automl.spaces.space import SearchSpace

ROOT = Path(__file__).resolve().parents[2]


def only(space: SearchSpace) -> Distribution:
    (parameter,) = space.parameters
    return parameter.distribution


def mistakes(text: str, tmp_path: Path) -> list[str]:
    """What is wrong with a file, a line each, without the file's name."""
    file = tmp_path / "space.yaml"
    file.write_text(text)
    with pytest.raises(SpaceError) as caught:
        load_space(file)
    return [line.removeprefix(f"{file}:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("spec", "distribution"),
    [
        ("depth: {min: 1, max: 3}", IntRange(1, 3)),
        ("dropout: {min: 0.1, max: 0.5}", FloatRange(0.1, 0.5)),
        ("dropout: {min: 0, max: 0.5}", FloatRange(0.0, 0.5)),
        ("depth: {values: [1, 3]}", Choice((1, 3))),
        ("depth: {values: [2]}", Fixed(2)),
        ("learning_rate: {value: 1e-4}", Fixed(1e-4)),
        ("learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 1E-2}", FloatRange(1e-4, 1e-2, log=True)),
        ("width: {distribution: log_uniform_values, min: 16, max: 64}", IntRange(16, 64, log=True)),
        ("squeeze_excitation: {values: [true, false]}", Choice((True, False))),
        ("optimizer: {values: [Adam, SGD, AdamW]}", Choice(("adam", "sgd", "adamw"))),
        ("schedule: {value: CosineAnnealingLR}", Fixed("cosine")),
    ],
)
def test_syntax_of_parameters(spec: str, distribution: Distribution, tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(f"parameters:\n  {spec}\n")
    assert only(load_space(file)) == distribution


@pytest.mark.parametrize(
    ("alias", "field", "value"),
    [
        ("lr", "learning_rate", 0.01),
        ("LearningRate", "learning_rate", 0.01),
        ("dropout_rate", "dropout", 0.3),
        ("batchsize", "batch_size", 64),
        ("wd", "weight_decay", 1e-4),
        ("hidden_size", "hidden_dim", 128),
        ("num_epochs", "epochs", 20),
        ("rotation", "rotation_degrees", 10),
        ("pad_and_crop", "pad_pixels", 4),
        ("aug", "augmentation_strength", 1),
    ],
)
def test_common_names_are_read_as_ours_and_say_so(alias: str, field: str, value: float) -> None:
    (parameter,) = load_space({"parameters": {alias: {"value": value}}}).parameters
    assert parameter == Parameter(field, Fixed(value), source=alias, note=f"read as {field}")


def test_reading_a_space_needs_neither_torch_nor_optuna() -> None:
    program = (
        "import sys; from automl.spaces.file import load_space; load_space('default').fitted_to((1, 28, 28));"
        "print([name for name in ('torch', 'optuna', 'scipy', 'numpy', 'wandb') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_all_mistakes_come_at_once_each_with_its_line(tmp_path: Path) -> None:
    text = """\
parameters:
  weigth_decay: {min: 0.1, max: 0.2}
  drop_rate: {min: 0.9, max: 0.1}
  learning_rate: {min: 0, max: 1e-3, q: 4}
  depth:
    values: [1, 9, deep]
  block: {values: [plain, residual], when: {widht: 3}}
  squeeze_excitation:
    values: [true, false]
    when: {block: dense, depth: 3}
  width: {min: 3}
  epochs: 20
  zoom: {distribution: normall}
  shift: {min: 0.1, max: 2.0}
  blur: {min: 0.1, max: 0.1}
  lr: {value: 0.1}
metod: bayes
"""
    assert mistakes(text, tmp_path) == [
        "2: unknown parameter 'weigth_decay'. Did you mean 'weight_decay'?",
        "3: drop_rate: min 0.9 is above max 0.1. Exchange them.",
        "4: learning_rate: uniform has no 'q'. Known: min, max, distribution, when.",
        "6: depth: 9 is not a whole number from 0 to 5",
        "6: depth: 'deep' is not a whole number from 0 to 5",
        "7: block: when: this space neither searches nor fixes 'widht'",
        "10: squeeze_excitation: when: block: 'dense' is not one of plain, residual",
        "11: width: it has min. Give `min` and `max`, `values`, `value`, or a `distribution` with what it needs.",
        "12: epochs: 20 says too little. Write {value: …} to fix it.",
        "13: zoom: unknown distribution 'normall'. Did you mean 'normal'?",
        "14: shift: max = 2.0 is not a number from 0 to 0.9",
        "15: blur: min 0.1 equals max 0.1. Write `value: 0.1` to fix it.",
        "16: lr: it sets learning_rate, as learning_rate does. Keep one of them.",
        "17: unknown key 'metod'. Did you mean 'method'?",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: there is no `parameters:` with the parameters by name"),
        ("- 1", "1: there is no `parameters:` with the parameters by name"),
        ("parameters: {}", "1: parameters: {} is not a mapping of parameters by name"),
        (
            "parameters:\n  depth: {value: 1}\n  depth: {value: 2}",
            "3: 'depth' stands here a second time. Keep one of them.",
        ),
        ("parameters:\n  depth: {value: 1", "2: not YAML: expected ',' or '}', but got '<stream end>'"),
        ("parameters:\n\tdepth: 1", "2: not YAML: found character '\\t' that cannot start any token"),
        ("parameters:\n  depth: {value: \x07}", "2: not YAML: the character '\\x07' is not allowed"),
        (
            "parameters:\n  depth: {value: !!python/name:os.system x}",
            "2: 'x' cannot be read as 'python/name:os.system'",
        ),
        ("parameters: &p\n  depth: *p", "1: an alias cannot stand inside what it names"),
        ("parameters:\n  ? [a, b]\n  : {value: 1}", "2: a key is plain text"),
        ("parameters:\n  dropout: {min: .nan, max: 1.0}", "2: dropout: min = nan is not a finite number"),
        ("parameters:\n  dropout: {min: 0.0, max: .inf}", "2: dropout: max = inf is not a finite number"),
        ("parameters:\n  depth: {value: true}", "2: depth: True is not a whole number from 0 to 5"),
        ("parameters:\n  depth: {values: []}", "2: depth: values = [] has to be a list with at least one entry"),
        ("parameters:\n  block: {min: 1, max: 2}", "2: block: min = 1 is not one of plain, residual"),
        ("parameters:\n  depth: {value: 2, when: 3}", "2: depth: when = 3 is not a mapping such as {block: residual}"),
        ("parameters:\n  depth: {value: 2}\nfirst: 3", "3: first: 3 is not a list of recipes"),
        ("parameters:\n  depth: {value: 2}\nfirst:\n- 3", "4: first: 3 is not a recipe such as {depth: 2, width: 16}"),
        (
            "parameters:\n  depth: {min: 1, max: 2}\nfirst:\n- {depht: 2}",
            "4: first: 'depht' is no parameter of this space",
        ),
        (
            "parameters:\n  depth: {min: 1, max: 2}\nfirst:\n- {depth: 4}",
            "4: first: depth = 4 is outside: the space takes 1 to 2",
        ),
        (
            "parameters:\n  depth: {min: 1, max: 2}\n  width: {values: [8, 16], when: {depth: 2}}\n"
            "first:\n- {depth: 1, width: 8}",
            "5: first: width is not active here: it needs depth = 2",
        ),
        (
            "parameters:\n  depth: {min: 1, max: 2}\n  width: {values: [8, 16], when: {depth: [2, 3]}}",
            "3: width: when: depth is never 3; it takes 1 to 2",
        ),
        (
            "parameters:\n  dropout: {min: 0.1, max: 0.2}\n  width: {values: [8, 16], when: {dropout: 0.1}}",
            "3: width: when: dropout takes 0.1 to 0.2. Only a parameter of few values can decide.",
        ),
        (
            "parameters:\n  depth: {values: [1, 2], when: {width: 8}}\n  width: {values: [8, 16], when: {depth: 1}}",
            "2: when: a circle: depth on width on depth. Take one of these conditions out.",
        ),
    ],
)
def test_one_mistake_is_one_sentence(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in mistakes(text, tmp_path)


def test_large_whole_numbers_are_written_whole() -> None:
    seeds = only(
        load_space({"parameters": {"seed": {"distribution": "q_uniform", "min": 0, "max": 2147483647, "q": 1}}})
    )
    assert str(seeds) == "0 to 2147483647, rounded to 1"
    message = "seed: min 2147483647 is above max 5. Exchange them."
    with pytest.raises(SpaceError, match=f"^{re.escape(message)}$"):
        load_space({"parameters": {"seed": {"min": 2147483647, "max": 5}}})
    message = "seed: -1 is not a whole number from 0 to 2147483647"
    with pytest.raises(SpaceError, match=f"^{re.escape(message)}$"):
        load_space({"parameters": {"seed": {"value": -1}}})


def test_mistakes_of_a_mapping_name_the_parameter() -> None:
    with pytest.raises(SpaceError, match="^" + re.escape("depth: min 3 is above max 1. Exchange them.") + "$"):
        load_space({"parameters": {"depth": {"min": 3, "max": 1}}})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("defualt", "There is no search space 'defualt': neither a shipped one nor a file. Did you mean 'default'?"),
        (
            "nowhere/x.yaml",
            "There is no search space 'nowhere/x.yaml': neither a shipped one nor a file. Shipped: auto, default,",
        ),
        (".", ". cannot be read: [Errno 21] Is a directory: '.'. Give a YAML file or one of: default,"),
        (sys.executable, f"{sys.executable} is not text: byte"),
    ],
)
def test_file_that_cannot_be_read(name: str, message: str) -> None:
    with pytest.raises(SpaceError, match="^" + re.escape(message)):
        load_space(name)


def test_parameters_keep_the_order_of_the_file_but_follow_what_they_depend_on() -> None:
    names = {"width": {"depth": 1}, "zoom": {}, "block": {"depth": 2}, "depth": {}}
    choices: dict[str, list[Any]] = {
        "width": [8, 16],
        "zoom": [0.1, 0.2],
        "block": ["plain", "residual"],
        "depth": [1, 2],
    }
    space = load_space({"parameters": {name: {"values": choices[name], "when": when} for name, when in names.items()}})
    assert [parameter.name for parameter in space.parameters] == ["depth", "width", "zoom", "block"]


def test_merge_keys_and_anchors_are_read(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text("parameters:\n  dropout: &d {min: 0.1, max: 0.2}\n  block_dropout: {<<: *d, max: 0.3}\n")
    assert [parameter.distribution for parameter in load_space(file).parameters] == [
        FloatRange(0.1, 0.2),
        FloatRange(0.1, 0.3),
    ]


@pytest.mark.parametrize("name", shipped_spaces())
def test_shipped_files_begin_with_two_lines_on_what_they_are_for(name: str) -> None:
    lines = (ROOT / "search_spaces" / f"{name}.yaml").read_text().splitlines()
    assert [line.startswith("# ") for line in lines[:3]] == [True, True, False]


@pytest.mark.parametrize("file", ["quick", "quick.yaml", "quick.yml"])
def test_shipped_space_with_a_namesake_here_says_which_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = load_space("quick")
    (tmp_path / file).write_text("parameters: {depth: {value: 1}}\n")
    assert load_space("quick").parameters == shipped.parameters
    assert load_space("quick").notes == (
        f"quick is the space that comes with automl; the file {file} here is called ./{file}",
        *shipped.notes,
    )
    assert load_space(f"./{file}").notes == ()


def test_copy_of_a_shipped_space_is_no_namesake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "search_spaces")
    assert load_space("quick").notes == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(text=st.text(st.sampled_from("abpz &*[]{}:,-#'\"!%@`|>?\n\t~.<1e"), max_size=60))
def test_any_text_is_read_or_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    for prefix in ("", "parameters:\n  depth: ", "parameters: {depth: {value: 2}}\nfirst: "):
        file.write_text(prefix + text)
        try:
            loaded = isinstance(load_space(file), SearchSpace)
        except SpaceError as error:
            loaded = str(error).startswith(f"{file}:")
        assert loaded


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert mistakes("parameters: " + "[" * 2000, tmp_path) == [
        "1: nested too deeply. A space file has a handful of levels."
    ]


@pytest.mark.parametrize("quoted", ["'1e-4'", '"0.0001"', "'1E-4'", "'+1.0e-04'"])
def test_number_in_quotes_is_a_number(quoted: str, tmp_path: Path) -> None:
    """As YAML 1.1 reads `1e-4`, too: a notebook's dict may hold it as text."""
    file = tmp_path / "space.yaml"
    file.write_text(f"parameters:\n  lr: {{distribution: log_uniform_values, min: {quoted}, max: 0.01}}\n")
    assert only(load_space(file)) == FloatRange(1e-4, 1e-2, log=True)
    mapping = yaml.safe_load("{parameters: {lr: {distribution: log_uniform_values, min: 1e-4, max: 1e-2}}}")
    assert mapping["parameters"]["lr"]["min"] == "1e-4"
    assert only(load_space(mapping)) == FloatRange(1e-4, 1e-2, log=True)


@pytest.mark.parametrize(
    ("spec", "distribution"),
    [
        ("batch_size: {values: ['32', '64']}", Choice((32, 64))),
        ("depth: {min: '1', max: '3'}", IntRange(1, 3)),
        ("dropout: {value: '0.5'}", Fixed(0.5)),
    ],
)
def test_quoted_numbers_keep_their_kind(spec: str, distribution: Distribution, tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(f"parameters:\n  {spec}\n")
    assert only(load_space(file)) == distribution


def test_text_that_is_no_number_stays_wrong(tmp_path: Path) -> None:
    text = f"parameters:\n  depth: {{values: ['two', '1e', '{'1' * 5000}']}}\n"
    assert len(mistakes(text, tmp_path)) == 3


def test_aliases_in_aliases_take_no_time(tmp_path: Path) -> None:
    """Nine to the twelfth values, if they were written out; the messages show none of the deeper ones."""
    lists = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 13))
    merges = "".join(f"m{n}: &m{n}\n  <<: [{', '.join([f'*m{n - 1}'] * 9)}]\n" for n in range(1, 13))
    started = time.process_time()
    found = mistakes(
        f"l0: &l0 [1, 2]\n{lists}m0: &m0 {{a: 1}}\n{merges}parameters:\n  lr: {{values: *l12}}\n  wd: *m12\n", tmp_path
    )
    assert time.process_time() - started < 5
    assert max(map(len, found)) < 1000


def test_reading_ends_after_a_hundred_mistakes(tmp_path: Path) -> None:
    text = "parameters:\n" + "".join(f"  nothing{number}: {{value: 1}}\n" for number in range(5000))
    started = time.process_time()
    found = mistakes(text, tmp_path)
    assert time.process_time() - started < 10
    assert (len(found), found[-1]) == (101, "101: and perhaps more: 100 mistakes are enough")


def test_file_that_is_far_too_long_is_refused_unread(tmp_path: Path) -> None:
    text = "parameters:\n  lr: {values: [" + "0.1, " * 100_000 + "]}"
    assert mistakes(text, tmp_path) == ["1: it has more than 262,144 characters. Such a file has some hundred lines."]


def test_pipe_and_device_are_refused_unread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for path in (tmp_path / "pipe.yaml", Path("/dev/zero")):
        with pytest.raises(SpaceError, match=re.escape(f"{path} cannot be read: [Errno 22] a pipe or a device")):
            load_space(path)
