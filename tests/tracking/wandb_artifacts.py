"""The part of wandb's server that gives a model back, as `wandb.Api().artifact().download()` asks for it."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

FOLDER = "/model-files"


def answer(query: str, variables: dict[str, Any], models: dict[str, bytes], url: str) -> dict[str, Any] | None:
    """To a query about artifacts; None: it is about something else. `models`: content by `NAME:VERSION`."""
    if "query Viewer" in query or "GetDefaultEntity" in query:
        return {"viewer": {"id": "u", "username": "nobody", "entity": "nobody", "flags": "{}", "teams": {"edges": []}}}
    if "ServerFeaturesQuery" in query:
        return {"serverInfo": {"features": []}}
    if "ArtifactMembershipByName" in query:
        name = variables["name"]
        found = _membership(name, models[name]) if name in models else None
        return {"project": {"artifactCollectionMembership": found}}
    if "query ArtifactByID" in query:
        return {"artifact": _membership("digits-3:latest", b"")["artifact"] | {"aliases": []}}
    if "query ArtifactType" in query:
        return {"project": {"artifact": None}}
    if "mutation CreateArtifact " in query:
        committed = {"id": "a", "state": "COMMITTED", "artifactSequence": {"id": "s", "latestArtifact": None}}
        return {"createArtifact": {"artifact": committed}}
    if "anifest" in query:
        return _manifest(url)
    if "ileUrls" in query:
        return _file_urls(url)
    return None


def manifest(content: bytes) -> bytes:
    """What wandb keeps beside the files."""
    digest = base64.b64encode(hashlib.md5(content).digest()).decode()
    entry = {"digest": digest, "size": len(content), "birthArtifactID": "a"}
    policy = {"storagePolicy": "wandb-storage-policy-v1", "storagePolicyConfig": {"storageLayout": "V2"}}
    return json.dumps({"version": 1, **policy, "contents": {"model.pt": entry}}).encode()


def _membership(name: str, content: bytes) -> dict[str, Any]:
    collection, _, alias = name.partition(":")
    project = {"id": "p", "internalId": "1", "name": "automl", "entity": {"name": "nobody"}}
    of = {"name": collection, "project": project}
    artifact = {
        "__typename": "Artifact",
        "id": "a",
        "artifactSequence": {"__typename": "ArtifactSequence", **of},
        "versionIndex": 0,
        "artifactType": {"name": "model"},
        "description": None,
        "metadata": "{}",
        "ttlDurationSeconds": -1,
        "ttlIsInherited": False,
        "tags": [],
        "historyStep": None,
        "state": "COMMITTED",
        "size": len(content),
        "digest": "d",
        "commitHash": "c",
        "fileCount": 1,
        "createdAt": "2026-11-24T00:00:00Z",
        "updatedAt": None,
    }
    return {
        "__typename": "ArtifactCollectionMembership",
        "id": "m",
        "versionIndex": 0,
        "createdAt": "2026-11-24T00:00:00Z",
        "aliases": [{"__typename": "ArtifactAlias", "id": "l", "alias": alias}],
        "artifactCollection": {"__typename": "ArtifactSequence", **of},
        "artifact": artifact,
    }


def _manifest(url: str) -> dict[str, Any]:
    return {"artifact": {"currentManifest": {"file": {"directUrl": f"{url}{FOLDER}/manifest.json"}}}}


def _file_urls(url: str) -> dict[str, Any]:
    node = {"name": "model.pt", "directUrl": f"{url}{FOLDER}/model.pt"}
    files = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "edges": [{"node": node}]}
    collection = {"__typename": "ArtifactSequence", "artifactMembership": {"files": files}}
    return {"project": {"artifactCollection": collection}}
