"""The paths that are no resources: discovery, health, version, and what is not served."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.standins.exchange import Request, Response
from tests.standins.kubernetes import statuses

if TYPE_CHECKING:
    from tests.standins.kubernetes.kinds import Registry
    from tests.standins.kubernetes.paths import Target

VERSION = {"major": "1", "minor": "36", "gitVersion": "v1.36.0-standin", "platform": "linux/amd64"}
HEALTH = ("/healthz", "/livez", "/readyz")


def discover(request: Request, registry: Registry) -> Response:
    """Answer discovery and health checks."""
    path = request.path.rstrip("/")
    parts = path.split("/")[1:]
    if request.method != "GET":
        raise statuses.method_not_allowed()
    if path in HEALTH:
        return Response(200, b"ok", "text/plain; charset=utf-8")
    if path == "/version":
        return _json(VERSION)
    if path == "/api":
        return _json({"kind": "APIVersions", "versions": ["v1"]})
    if path == "/apis":
        return _json(registry.group_list())
    if path == "/api/v1":
        return _json(registry.resource_list("", "v1"))
    if len(parts) == 3 and parts[0] == "apis" and registry.serves(parts[1], parts[2]):
        return _json(registry.resource_list(parts[1], parts[2]))
    if len(parts) == 2 and parts[0] == "apis" and registry.has_group(parts[1]):
        return _json(registry.group(parts[1]))
    return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")


def unknown(target: Target, registry: Registry) -> Response:
    """A path that is not served: a Status from built-in groups, plain text from all others, as really."""
    custom = "." in target.group and not target.group.endswith(".k8s.io")
    if custom or not registry.serves(target.group, target.version):
        return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")
    raise statuses.unknown_resource()


def _json(document: object) -> Response:
    return Response(200, json.dumps(document, separators=(",", ":")).encode() + b"\n")
