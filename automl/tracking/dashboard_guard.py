"""What stands before optuna-dashboard, which trusts every request: by which name, what may be changed, artifacts.

A page of anybody's may let its own name point to 127.0.0.1 (DNS rebinding), and then reads and writes as a user of the
dashboard. Its name is still in the Host header.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Collection, Iterable
from io import BytesIO
from typing import Any

from automl.errors import StudyError

Rename = Callable[[int, str], None]
"""Gives the study of this number another name. Raises: StudyError if it cannot have it."""
READING = ("GET", "HEAD", "OPTIONS")
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(?::\d*)?", re.ASCII)
RENAMING = re.compile(r"/api/studies/(\d+)/rename/?")
LONGEST_BODY_BYTES = 2**16
"""Longest body of a request that is read to be refused or to rename, in bytes."""

EVERYWHERE = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "same-origin"),
)
OF_ARTIFACTS = (
    ("Content-Disposition", "attachment"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
)
"""A file of a trial may be HTML: it is saved, and never shown as a page of the dashboard's. Pictures stay."""
REPLACED = {"access-control-allow-origin", *(name.lower() for name, _ in EVERYWHERE)}
"""Names of headers that are taken from all answers: artifacts would be readable from every page."""

UNKNOWN_NAME = (
    "This dashboard answers to localhost and to addresses, not to the name it was called by here. "
    "Let it answer to more names: automl dashboard --allowed-hosts NAME,NAME (AUTOML_DASHBOARD_HOSTS)."
)
FOREIGN_PAGE = "This request comes from a page of another site."
READ_ONLY = "This dashboard is read-only. Start it with: automl dashboard --writable"


class DashboardGuard:
    """A WSGI application that lets through to another one what may reach it."""

    def __init__(self, app: Any, *, allowed_hosts: Collection[str] = (), rename: Rename | None = None) -> None:
        """`allowed_hosts`: names beside localhost and addresses. `rename`: does it; None: nothing may be changed."""
        self._app = app
        self._allowed = {"localhost", *(name.lower() for name in allowed_hosts)}
        self._rename = rename

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer, or let the application answer."""
        refusal = self._refusal(environ)
        if refusal is not None:
            _body(environ)  # unread, it would cost the caller the answer
            return _answer(start_response, "403 Forbidden", {"reason": refusal})
        renaming = RENAMING.fullmatch(environ["PATH_INFO"])
        if renaming is not None and environ["REQUEST_METHOD"] == "POST":
            return self._renamed(environ, start_response, int(renaming[1]))
        return self._answer_of_app(environ, start_response)

    def _answer_of_app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_artifact = environ["PATH_INFO"].lstrip("/").lower().startswith("artifacts")

        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start_response(status, _safe(headers, is_artifact=is_artifact), *more)

        found: Iterable[bytes] = self._app(environ, start)
        return found

    def _refusal(self, environ: dict[str, Any]) -> str | None:
        host = str(environ.get("HTTP_HOST", "")).lower()
        if not self._is_allowed(host):
            return UNKNOWN_NAME
        if environ["REQUEST_METHOD"] in READING:
            return None
        if self._rename is None:
            return READ_ONLY
        origin = environ.get("HTTP_ORIGIN")  # which browsers send with all that changes something
        return None if origin is None or str(origin).lower().partition("://")[2] == host else FOREIGN_PAGE

    def _is_allowed(self, host: str) -> bool:
        match = HOST.fullmatch(host)
        return match is not None and (match[1] in self._allowed or is_address(match[1].strip("[]")))

    def _renamed(self, environ: dict[str, Any], start_response: Callable[..., Any], study_id: int) -> Iterable[bytes]:
        """Rename in place. optuna-dashboard copies the trials into a new study, and deletes the old one."""
        assert self._rename is not None
        try:
            self._rename(study_id, _asked_name(_body(environ)))
        except StudyError as error:
            return _answer(start_response, "400 Bad Request", {"reason": str(error)})
        return _answer(start_response, "201 Created", self._summary(environ, study_id))

    def _summary(self, environ: dict[str, Any], study_id: int) -> dict[str, Any]:
        """The study as the application lists it."""
        empty = {"REQUEST_METHOD": "GET", "PATH_INFO": "/api/studies", "CONTENT_LENGTH": "0", "wsgi.input": BytesIO()}
        listed = json.loads(b"".join(self._app({**environ, **empty}, lambda *_: None)))["study_summaries"]
        return next(dict(study) for study in listed if study["study_id"] == study_id)


def is_address(name: str) -> bool:
    """Whether it is an IP address. No page of another site has an origin of that name."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _safe(headers: list[tuple[str, str]], *, is_artifact: bool) -> list[tuple[str, str]]:
    replaced = REPLACED | {name.lower() for name, _ in OF_ARTIFACTS} if is_artifact else REPLACED
    kept = [(name, value) for name, value in headers if name.lower() not in replaced]
    return [*kept, *EVERYWHERE, *(OF_ARTIFACTS if is_artifact else ())]


def _body(environ: dict[str, Any]) -> bytes:
    """The first part of a request's body."""
    length = str(environ.get("CONTENT_LENGTH") or 0)
    content: bytes = environ["wsgi.input"].read(min(int(length), LONGEST_BODY_BYTES)) if length.isdecimal() else b""
    return content


def _asked_name(body: bytes) -> str:
    try:
        name = json.loads(body)["study_name"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise StudyError("A study's new name is asked for as JSON: study_name.") from error
    if not isinstance(name, str):
        raise StudyError("A study's new name is a text.")
    return name


def _answer(start_response: Callable[..., Any], status: str, content: dict[str, Any]) -> Iterable[bytes]:
    body = json.dumps(content).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *EVERYWHERE])
    return [body]
