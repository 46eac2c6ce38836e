"""Custom interceptors: `ref`s to ClusterInterceptors and Interceptors, asked over HTTP as Tekton asks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from functions.common.errors import BadRequestError, LastingError
from functions.common.limits import Limits
from functions.common.ports import Reply
from functions.common.shown import shown
from functions.common.values import Event, Json, Refusal
from functions.go.decode import parse_json
from functions.go.encode import folded
from functions.interceptors.base import Assurance, Call, Passed, Place, explained, extended, filtered, rejected
from functions.interceptors.outgoing import (
    Asked,
    ask,
    assembled,
    check_url,
    json_pieces,
    raise_fault,
    service_url,
    text_pieces,
)
from functions.interceptors.params import Params
from functions.model.resources import ClientConfig, InterceptorSpec

_SHOWN = 200
"""Characters of an interceptor's own words that a reason shows; they may quote the event."""
_HEADERS = {"Content-Type": ("application/json",)}
_PERMISSION_DENIED, _UNAUTHENTICATED = 7, 16
_CODES = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
"""google.rpc.Code by number: grpc-go reads numbers and these names."""


class CustomInterceptor(Asked, frozen=True):
    """Compiled from a `ref` and the clientConfig that it leads to; Tekton's pkg/interceptors Execute."""

    name: str
    url: str
    ca_pem: str
    params: Mapping[str, Json]

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Send Tekton's InterceptorRequest and do as the InterceptorResponse says.

        Raises PassingError when it does not answer now, and LastingError when it answers anything else.
        """
        with explained(f"interceptor {self.name}"):
            with assembled(_request(event, call, self.params), call.limits) as body:
                reply = ask(call, self.url, body=body, headers=_HEADERS, ca_pem=self.ca_pem)
            answer = _read(reply, call.limits)
        if answer.go_on:
            return Passed(extended(event, answer.extensions), Assurance.AUTHENTICATED)
        public = f"interceptor {self.name} stopped the trigger"
        reason = shown(answer.message, _SHOWN) or f"{public} without saying why"
        public += f" ({_CODES[answer.code]})" if answer.code else ""
        refuse = rejected if answer.code in (_PERMISSION_DENIED, _UNAUTHENTICATED) else filtered
        return refuse(reason, public)


class _Answer(Struct, frozen=True):
    go_on: bool
    extensions: Mapping[str, Json]
    code: int
    message: str


def build(spec: InterceptorSpec, place: Place) -> CustomInterceptor:
    """Find what the `ref` names. Raises LastingError when it does not exist or can never be called from here."""
    found = _client_config(spec, place)
    what = f"interceptor {spec.ref_name}"
    if found.url:
        url = found.url
    elif found.service:
        url = service_url(found.service, namespace=place.listener_namespace, over_tls=bool(found.ca_bundle))
    else:
        raise LastingError(f"{what}: its spec.clientConfig has neither url nor service: give a url")
    check_url(url, place, what)
    if found.ca_bundle and "-----BEGIN CERTIFICATE-----" not in found.ca_bundle:
        raise LastingError(f"{what}: its caBundle holds no certificate: give PEM text in base64")
    return CustomInterceptor(spec.ref_name, url, found.ca_bundle, Params.of(spec).values)


def _client_config(spec: InterceptorSpec, place: Place) -> ClientConfig:
    name = spec.ref_name
    if spec.ref_kind == "NamespacedInterceptor":
        kind, namespace = "Interceptor", place.listener_namespace
        found = place.registry.interceptors.get((namespace, name))
        where = f"{kind} {namespace}/{name}"
    else:
        kind, namespace = "ClusterInterceptor", ""
        found = place.registry.cluster_interceptors.get(name)
        where = f"{kind} {name}"
    wrong = place.registry.invalid.get((kind, namespace, name))
    if wrong is not None:
        raise LastingError(f"{where}, which an interceptor's ref names, is not valid: {wrong}")
    if found is None:
        raise LastingError(
            f"{where}, which an interceptor's ref names, does not exist: add it to the triggers' source, or name a "
            "core interceptor (bitbucket, cel, github, gitlab, slack)"
        )
    return found.client_config


def _request(event: Event, call: Call, params: Mapping[str, Json]) -> Iterator[bytes]:
    """Yield Tekton's InterceptorRequest, without what Go's omitempty leaves out."""
    yield b"{"
    if event.text is None or event.text:
        yield b'"body":'
        yield from text_pieces(event)
        yield b","
    fields: dict[str, Json] = {
        "header": {name: list(values) for name, values in event.headers.items()},
        "extensions": dict(event.extensions),
        "interceptor_params": dict(params),
    }
    for name, value in fields.items():
        if value:
            yield f'"{name}":'.encode()
            yield from json_pieces(value)
            yield b","
    yield b'"context":'
    yield from json_pieces({"event_url": event.request_url, "event_id": event.event_id, "trigger_id": call.trigger_id})
    yield b"}"


def _read(reply: Reply, limits: Limits) -> _Answer:
    if reply.status != 200:  # noqa: PLR2004 -- OK, and nothing else
        text = f"interceptor response was not 200 (status {reply.status})"
        raise_fault(reply, text)
        raise LastingError(text)
    try:
        value = parse_json(reply.body, limits.making)
    except BadRequestError as error:
        raise LastingError(f"its answer cannot be read: {error.reason}") from error
    fields = _object(value, "its answer")
    status = _object(fields.get("status"), "status in its answer")
    go_on, message = fields.get("continue"), status.get("message")
    if not isinstance(go_on, bool | None):
        raise LastingError("continue in its answer must be true or false")
    if not isinstance(message, str | None):
        raise LastingError("status.message in its answer must be a string")
    extensions = fields.get("extensions")
    if not isinstance(extensions, dict | None):
        raise LastingError("extensions in its answer must be an object")
    return _Answer(bool(go_on), extensions or {}, _code(status.get("code")), message or "")


def _object(value: Json, what: str) -> dict[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise LastingError(f"{what} must be an object")
    return {folded(name): item for name, item in value.items()}  # Go takes field names in any case


def _code(value: Json) -> int:
    if value is None:
        return 0
    if isinstance(value, str) and value in _CODES:
        return _CODES.index(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(_CODES):
        return value
    raise LastingError("status.code in its answer must be a code of gRPC, from 0 to 16")
