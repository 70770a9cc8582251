"""Stands in for wandb's server on the loopback, because tests have no account and never upload.

It answers the four requests of a run's life as wandb expects them, and keeps what it was sent.
"""

import gzip
import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.tracking import wandb_artifacts


class WandbServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs: dict[str, dict[str, Any]] = {}
        """What each run was registered with, by its id."""
        self.history: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.exit_codes: dict[str, int] = {}
        self.models: dict[str, bytes] = {}
        """Files that it gives back, by the artifact's `NAME:VERSION`."""
        self.created: list[dict[str, Any]] = []
        """Artifacts that runs announced; it says that it has their files already."""
        self.answering = threading.Event()
        """Cleared: it takes requests and answers none of them."""
        self.answering.set()
        self.nonsense = False
        """It answers everything with an empty document."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        if self.nonsense:
            return {}
        if path == "/graphql":
            return {"data": self._answer_query(body["query"], body.get("variables") or {})}
        self._take_stream(path.split("/")[-2], body)
        return {"exitcode": None, "limits": {}}

    def _answer_query(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "UpsertBucket" in query:
            known = self.runs.setdefault(variables["name"], {})
            known |= {name: value for name, value in variables.items() if value is not None}
            project = {"id": "p", "name": variables["project"], "entity": {"id": "e", "name": "nobody"}}
            bucket = {"id": "b", "name": variables["name"], "config": "{}", "historyLineCount": 0, "project": project}
            return {"upsertBucket": {"inserted": True, "bucket": bucket}}
        if "CreateRunFiles" in query:
            return {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": []}}
        if "mutation CreateArtifact " in query:
            self.created.append(variables["input"])
        about_artifacts = wandb_artifacts.answer(query, variables, self.models, self.url)
        if about_artifacts is not None:
            return about_artifacts
        assert "RunResumeStatus" in query, query
        return {"model": None}

    def _take_stream(self, run_id: str, body: dict[str, Any]) -> None:
        lines = body.get("files", {}).get("wandb-history.jsonl", {}).get("content", [])
        self.history[run_id] += [json.loads(line) for line in lines]
        if body.get("complete"):
            self.exit_codes[run_id] = body["exitcode"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WandbServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        self.server.answering.wait()
        answer = json.dumps(self.server.answer(self.path, json.loads(body))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_GET(self) -> None:
        [content] = self.server.models.values()
        answer = wandb_artifacts.manifest(content) if self.path.endswith("manifest.json") else content
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # wandb was killed, as some tests mean it to be

    def log_message(self, *args: object) -> None:
        """Tests print nothing."""
