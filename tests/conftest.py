"""What tests of several folders share: a real PostgreSQL, the real FER2013, the command line as a process."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy
from playwright.sync_api import Browser, Page
from sqlalchemy.engine import make_url

from automl.storage.embedded import EmbeddedPostgres
from tests.browser import CHROMIUM, chromium
from tests.s3_server import s3_server

pytest_plugins = ["tests.homes", "tests.studies", "tests.finished", "tests.forking.fixtures"]
LONGEST_FIRST = (
    "test_documentation.py",
    "test_worker_processes.py",
    "test_deadline.py",
    "test_chaos.py",
    "test_search.py",
)
"""Files that take a minute or more: begun late, one of them would keep a single process busy at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, so that the processes end together."""
    rank = {name: position for position, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


ROOT = Path(__file__).resolve().parent.parent
os.environ["WANDB_MODE"] = "offline"  # no test ever uploads
# Threads of OpenMP that wait for a core that another test has take it no time: a search then takes a fourth or less.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# What a shell starts in the background ignores Ctrl-C, and so would every process that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
Automl = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """URL of one embedded PostgreSQL for the whole run."""
    with tempfile.TemporaryDirectory(prefix="automl-tests-") as home:
        Path(home).chmod(0o711)  # root's PostgreSQL runs as another user, who may then enter
        server = EmbeddedPostgres(Path(home))
        yield server.start()
        server.close()


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of an empty database of its own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = sqlalchemy.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text(f"CREATE DATABASE {name}"))
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(sqlalchemy.text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@dataclass(frozen=True)
class Bucket:
    """A bucket of S3's, and the environment in which it is found."""

    address: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def s3_environment() -> Iterator[dict[str, str]]:
    """One S3 server for the whole run."""
    with s3_server() as environment:
        yield environment


@pytest.fixture
def bucket(s3_environment: dict[str, str]) -> Bucket:
    """An empty bucket of its own, and a prefix in it."""
    import boto3

    name = f"automl-{uuid.uuid4().hex[:12]}"
    boto3.client("s3", **client_options(s3_environment)).create_bucket(Bucket=name)
    return Bucket(f"s3://{name}/searches", s3_environment)


def client_options(environment: Mapping[str, str]) -> dict[str, str]:
    """What boto3 takes of such an environment."""
    return {
        "endpoint_url": environment["AWS_ENDPOINT_URL"],
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
        "region_name": environment["AWS_DEFAULT_REGION"],
    }


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    with chromium(CHROMIUM) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page that shares nothing with another test's."""
    with browser.new_context(viewport={"width": 1400, "height": 1600}) as context:
        yield context.new_page()


@pytest.fixture(scope="session")
def fer2013() -> Path:
    """The real FER2013, from AUTOML_FER2013 or beside the checkout."""
    path = Path(os.environ.get("AUTOML_FER2013", ROOT.parent / "shared" / "data" / "fer2013" / "archive.zip"))
    if not path.exists():
        pytest.skip("FER2013 is not here: set AUTOML_FER2013 to its archive.zip")
    return path


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is a user id without an entry in the password file, and without HOME, as in a bare container.

    A mock, since a real change of the user could not be taken back: `pwd` finds nobody.
    """
    monkeypatch.delenv("HOME", raising=False)

    def nobody(user: int | str) -> None:
        raise KeyError(f"{user} not found")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(pwd, "getpwnam", nobody)


@pytest.fixture
def automl(tmp_path: Path, home: Path) -> Automl:
    """The command line as a process of its own, in an empty folder, with no setting but AUTOML_HOME."""

    def run(
        *arguments: str | Path, environment: Mapping[str, str] | None = None, timeout: float = 240, answer: str = ""
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "automl", *map(str, arguments)],
            cwd=tmp_path,
            env=clean_environment(home) | dict(environment or {}),
            input=answer,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    return run


def clean_environment(home: Path) -> dict[str, str]:
    """This process's environment without any setting of ours but AUTOML_HOME, and without a key of wandb."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AUTOML_", "WANDB_"))}
    return kept | {"AUTOML_HOME": str(home), "WANDB_MODE": "offline"}
