"""Reading the bodies of requests, with the limits and the refusals of a real server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from tests.standins.kubernetes import protobuf
from tests.standins.kubernetes.statuses import StatusError, too_large
from tests.standins.kubernetes.validation import check_types

if TYPE_CHECKING:
    from tests.standins.exchange import Request
    from tests.standins.kubernetes.kinds import Json, Kind
    from tests.standins.kubernetes.paths import Target

MAX_BODY_BYTES = 3 * 1024 * 1024
MAX_ETCD_BYTES = 3 * 1024 * 1024 // 2
JSON_TYPES = ("", "application/json")
YAML_TYPES = ("application/yaml", "application/apply-patch+yaml")
ACCEPTED = "application/json, application/yaml"
SERVER_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "generation", "selfLink", "deletionTimestamp")


def media_type(request: Request) -> str:
    """The Content-Type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def read(request: Request, *, accepted: tuple[str, ...] = (*JSON_TYPES, *YAML_TYPES)) -> Any:
    """Read a body as JSON or YAML: 413, 415 or 400 for what cannot be read."""
    if len(request.body) > MAX_BODY_BYTES:
        raise too_large(MAX_BODY_BYTES)
    found = media_type(request)
    if found == protobuf.MEDIA_TYPE:
        return protobuf.read(request.body)
    if found not in accepted:
        text = f"the body of the request was in an unknown format - accepted media types include: {ACCEPTED}"
        raise StatusError(415, text)
    try:
        return yaml.safe_load(request.body) if found in YAML_TYPES else json.loads(request.body)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        text = "the object provided is unrecognized (must be of type object): couldn't get version/kind"
        raise StatusError(400, f"{text}; json parse error") from error


def read_object(request: Request, target: Target, kind: Kind) -> Json:
    """Read an object of the path's kind; its metadata is there and names the path's namespace."""
    body = read(request)
    if not isinstance(body, dict):
        raise StatusError(400, "the object provided is unrecognized (must be of type object)")
    check_object(body, target, kind)
    metadata = dict(body.get("metadata") or {})
    if kind.namespaced:
        if metadata.get("namespace") not in (None, "", target.namespace):
            raise StatusError(
                400, "the namespace of the provided object does not match the namespace sent on the request"
            )
        metadata["namespace"] = target.namespace
    else:
        metadata.pop("namespace", None)
    rest = {key: value for key, value in body.items() if key not in ("apiVersion", "kind", "metadata")}
    return {"metadata": metadata, **rest}


def check_object(body: Json, target: Target, kind: Kind) -> None:
    """Refuse an object of another kind or version than the path's, or one whose fields have other types."""
    for field in ("apiVersion", "kind"):
        if not body.get(field) and kind.custom:
            raise StatusError(400, f"Object '{field.capitalize()}' is missing in the request's body")
    expected = kind.api_version(target.version)
    found = body.get("apiVersion") or expected
    if found != expected:
        raise StatusError(
            400,
            f"the API version in the data ({found}) does not match the expected API version ({expected})",
        )
    named = body.get("kind") or kind.kind
    if named != kind.kind:
        version = target.version
        raise StatusError(
            400,
            f'{named} in version "{version}" cannot be handled as a {kind.kind}: converting '
            f"({version}.{named}) to ({version}.{kind.kind}): unknown conversion",
        )
    check_types(kind, target.version, body)


def without_server_fields(metadata: Json) -> Json:
    """Metadata of a new object: what only the server sets is dropped; resourceVersion must not be set."""
    if metadata.get("resourceVersion"):
        raise StatusError(500, "resourceVersion should not be set on objects to be created", reason="", details=None)
    return {key: value for key, value in metadata.items() if key not in SERVER_FIELDS}


def check_stored_size(size: int) -> None:
    """Refuse what etcd does not store: over 1.5 MiB, of the body as it was sent."""
    if size > MAX_ETCD_BYTES:
        raise StatusError(500, "etcdserver: request is too large", reason="")
