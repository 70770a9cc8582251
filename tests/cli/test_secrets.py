"""The database's password stays where it was given: in the environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import sqlalchemy
from sqlalchemy import text
from sqlalchemy.engine import make_url

from automl.cli.main import main
from tests.conftest import clean_environment

SPACE = "parameters:\n  depth: {value: 0}\n  epochs: {value: 1}\n  batch_size: {value: 256}\n"


@pytest.mark.usefixtures("new_processes")
def test_the_password_is_in_no_command_line_log_file_of_wandb_s_or_table(
    postgres_url: str, home: Path, tmp_path: Path
) -> None:
    password = str(make_url(postgres_url).password)
    assert len(password) > 20
    (tmp_path / "space.yaml").write_text(SPACE)
    command = [sys.executable, "-m", "automl", "search", "--data", "digits", "--space", "space.yaml", "--trials", "1"]
    seen: set[str] = set()
    with subprocess.Popen(
        [*command, "--workers", "1"],
        cwd=tmp_path,
        env=clean_environment(home) | {"AUTOML_STORAGE": postgres_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:  # at least one line a worker and a trial
            said += line
            seen |= _command_lines(psutil.Process(process.pid))
    assert process.returncode == 0, said
    assert any(" worker " in line for line in seen)
    assert password not in said + "".join(seen)
    files = [file for file in home.rglob("*") if file.is_file()]
    assert any(file.suffix == ".wandb" for file in files)
    assert any(file.suffix == ".log" for file in files)
    assert [file for file in files if password.encode() in file.read_bytes()] == []
    assert password not in _everything_stored(postgres_url)


def _command_lines(process: psutil.Process) -> set[str]:
    found = set()
    for one in [process, *process.children(recursive=True)]:
        try:
            found.add(" ".join(one.cmdline()))
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def _everything_stored(url: str) -> str:
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        assert "automl_workers" in tables
        rows = [connection.scalars(text(f'SELECT CAST(t.* AS text) FROM "{table}" AS t')).all() for table in tables]
    engine.dispose()
    return str(rows)


SPELLINGS = [
    "'postgresql://automl:hunter2@127.0.0.1:9/automl'",
    "jdbc:postgresql://127.0.0.1:9/automl?user=automl&password=hunter2",
    "host=127.0.0.1 port=9 user=automl password=hunter2",
    "postgresql:/automl:hunter2@127.0.0.1:9/automl",
    "postgresql://127.0.0.1:9/automl?password=hunter2",
    "postgresql://127.0.0.1:9/automl?schema=public&password=hunter2",
    "postgresql://automl:hunter2",
    *(f"postgresql://automl:a{letter}hunter2@127.0.0.1:9/automl" for letter in "@:/#?&%"),
    *(f"postgresql://automl:hunter2{letter}a@127.0.0.1:9/automl" for letter in "@:/#?&%"),
]


@pytest.mark.parametrize("url", SPELLINGS)
def test_no_spelling_of_a_url_brings_its_password_into_a_message(
    url: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTOML_STORAGE", url)
    assert main(["studies", "--home", str(home)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("automl: ")
    assert "hunter2" not in said.err


def test_password_in_a_wrong_place_of_the_command_line_is_not_repeated(
    postgres_url: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = "postgresql://automl:hunter2@h/automl"
    with pytest.raises(SystemExit):
        main(["status", f"--storge={url}"])
    assert main(["status", url, "--storage", postgres_url]) == 2
    assert main(["copy", "faces", "--to", f"jdbc:{url}", "--storage", postgres_url, "--home", str(home)]) == 2
    said = capsys.readouterr().err
    assert "there is no option --storge." in said
    assert "automl: 'jdbc:postgresql://***' is not a database URL." in said
    assert "hunter2" not in said


def test_keys_in_an_address_of_artifacts_are_not_repeated(
    postgres_url: str, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTOML_ARTIFACTS", "s3://AKIA:hunter2@bucket/x")
    assert main(["studies", "--storage", postgres_url, "--home", str(home)]) == 2
    assert capsys.readouterr().err == (
        "automl: s3://***@bucket/x has keys in it, and --artifacts (AUTOML_ARTIFACTS) takes none: it reads "
        "s3://BUCKET/PREFIX. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, instead.\n"
    )
