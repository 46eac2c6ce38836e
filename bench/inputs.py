"""Deliveries of every size, manifests with any number of triggers, and the secret that signs and verifies."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SECRET = b"bench-secret"
NAMESPACE = "pipehook-bench"
PROJECT = "bench"
ROOT = Path(__file__).resolve().parents[1]

_COMMIT = {
    "id": "6dcb09b5b57875f334f61aebed695e2e4193db5e",
    "tree_id": "31b122c26a97cf9af023e9ddab94a82c6e77b0ea",
    "distinct": True,
    "message": "Fix the off-by-one in the pager\n\nThe last page was asked for twice.",
    "timestamp": "2026-11-22T10:11:12+01:00",
    "url": "https://github.com/octo/app/commit/6dcb09b5b57875f334f61aebed695e2e4193db5e",
    "author": {"name": "Mona", "email": "mona@example.com", "username": "mona"},
    "committer": {"name": "Mona", "email": "mona@example.com", "username": "mona"},
    "added": ["docs/pager.md"],
    "removed": [],
    "modified": ["src/pager.py", "tests/test_pager.py"],
}
_PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": "0000000000000000000000000000000000000000",
    "after": _COMMIT["id"],
    "created": False,
    "deleted": False,
    "forced": False,
    "compare": "https://github.com/octo/app/compare/000000000000...6dcb09b5b578",
    "repository": {
        "id": 1296269,
        "name": "app",
        "full_name": "octo/app",
        "private": False,
        "owner": {"login": "octo", "id": 1, "type": "Organization"},
        "url": "https://github.com/octo/app",
        "clone_url": "https://github.com/octo/app.git",
        "default_branch": "main",
    },
    "pusher": {"name": "mona", "email": "mona@example.com"},
    "sender": {"login": "mona", "id": 2, "type": "User"},
}


def push(kilobytes: float, number: int = 0) -> bytes:
    """Return a push of about so many KB, filled with commits as a real one is; `number` makes it another delivery."""
    payload = _PUSH | {"number": number, "head_commit": _COMMIT, "commits": []}
    room = kilobytes * 1000 - len(json.dumps(payload))
    commits = max(0, round(room / (len(json.dumps(_COMMIT)) + 2)))
    return json.dumps(payload | {"commits": [_COMMIT] * commits}).encode()


def signature(body: bytes, key: bytes = SECRET) -> str:
    """Return the value of X-Hub-Signature-256."""
    return "sha256=" + hmac.digest(key, body, hashlib.sha256).hex()


def headers(body: bytes, number: int = 0, *, forged: bool = False, key: bytes = SECRET) -> dict[str, str]:
    """Return GitHub's headers for a push."""
    signed = "sha256=" + "0" * 64 if forged else signature(body, key)
    return {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": f"72d3162e-cc78-11e3-81ab-{number:012d}",
        "X-Hub-Signature-256": signed,
    }


def github(*event_types: str) -> dict[str, Any]:
    """Return a github interceptor with a secretRef."""
    params: dict[str, Any] = {"secretRef": {"secretName": "github-webhook", "secretKey": "secretkey"}}
    if event_types:
        params["eventTypes"] = list(event_types)
    return {"ref": {"name": "github"}, "params": [{"name": name, "value": value} for name, value in params.items()]}


def cel(expression: str, **overlays: str) -> dict[str, Any]:
    """Return a cel interceptor with a filter and overlays."""
    params: list[dict[str, Any]] = [{"name": "filter", "value": expression}]
    if overlays:
        added = [{"key": key, "expression": value} for key, value in overlays.items()]
        params.append({"name": "overlays", "value": added})
    return {"ref": {"name": "cel"}, "params": params}


CEL_TRIGGERS = (
    [github("push"), cel("body.ref == 'refs/heads/main'", branch="body.ref.split('/')[2]")],
    [github("push"), cel("header.match('X-GitHub-Event', 'push') && body.ref.startsWith('refs/heads/')")],
    [
        github("push"),
        cel("body.commits.exists(c, c.modified.exists(f, f.endsWith('.py')))", short="body.after.truncate(7)"),
    ],
)
"""Three triggers as listeners have them: a branch, an event, and the files of the commits."""


def listener(*chains: Sequence[Mapping[str, Any]], namespace: str = NAMESPACE) -> str:
    """Return manifests, one JSON document after the other, of a listener with one trigger for each chain."""
    triggers = [
        {
            "name": f"trigger-{number}",
            "interceptors": list(chain),
            "bindings": [{"ref": "binding"}],
            "template": {"ref": "template"},
        }
        for number, chain in enumerate(chains)
    ]
    params = {"revision": "$(body.head_commit.id)", "url": "$(body.repository.url)"}
    run = {
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "bench-"},
        "spec": {
            "status": "PipelineRunPending",  # a real cluster must not start them
            "pipelineRef": {"name": "bench"},
            "params": [{"name": name, "value": f"$(tt.params.{name})"} for name in params],
        },
    }
    specs = {
        "EventListener": ("listener", {"triggers": triggers}),
        "TriggerBinding": ("binding", {"params": [{"name": name, "value": value} for name, value in params.items()]}),
        "TriggerTemplate": ("template", {"params": [{"name": name} for name in params], "resourcetemplates": [run]}),
    }
    documents = [
        {
            "apiVersion": "triggers.tekton.dev/v1beta1",
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace},
            "spec": spec,
        }
        for kind, (name, spec) in specs.items()
    ]
    return "\n---\n".join(json.dumps(document) for document in documents)


def write_secret(directory: Path) -> str:
    """Write the secret as a mount has it and return SECRETS_SOURCE."""
    path = directory / "secrets" / "github-webhook" / "secretkey"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(SECRET)
    return f"file://{directory / 'secrets'}"
