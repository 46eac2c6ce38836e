"""Refusals as v1 Status objects, in the words of k8s.io/apimachinery/pkg/api/errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.standins.kubernetes.kinds import Kind

REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
MESSAGES = {
    401: "Unauthorized",
    405: "the server does not allow this method on the requested resource",
    429: "Too many requests, please try again later.",
    500: "Internal error occurred: the stand-in was told to fail",
    503: "apiserver not ready",
    504: "Timeout: request did not complete within the allotted timeout",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One mistake of a field: `reason` is FieldValueInvalid, FieldValueRequired, …"""

    reason: str
    field: str
    message: str


class StatusError(Exception):
    """A refusal, to be answered with `code` and `document()`."""

    def __init__(
        self, code: int, message: str, *, reason: str | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = REASONS.get(code, "") if reason is None else reason
        self.details = details

    def document(self) -> dict[str, Any]:
        """The Status object."""
        found: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            found["reason"] = self.reason
        if self.details is not None:
            found["details"] = dict(self.details)
        found["code"] = self.code
        return found

    def body(self) -> bytes:
        """The Status object as it is sent, with the newline that real servers send."""
        return json.dumps(self.document(), separators=(",", ":")).encode() + b"\n"


def default_body(code: int) -> bytes:
    """A Status for faults that give none."""
    details = {"retryAfterSeconds": 1} if code == 429 else None
    return StatusError(code, MESSAGES.get(code, f"the stand-in answers {code}"), details=details).body()


def unauthorized() -> StatusError:
    """No credentials, or ones that are not known."""
    return StatusError(401, "Unauthorized")


def unknown_resource() -> StatusError:
    """The path names nothing that is served."""
    return StatusError(404, "the server could not find the requested resource", details={})


def not_found(kind: Kind, name: str) -> StatusError:
    """There is no such object."""
    return StatusError(404, f'{kind.resource} "{name}" not found', details=_details(kind, name, kind.plural))


def already_exists(kind: Kind, name: str, *, generated: bool = False, before_1_23: bool = False) -> StatusError:
    """An object of that name is there; `generated`: the new one has a generateName, whoever made its name of it."""
    text, details = f'{kind.resource} "{name}" already exists', _details(kind, name, kind.plural)
    if generated and before_1_23:
        details = {"group": kind.group, "kind": kind.kind}
        text = f"The POST operation against {kind.qualified} could not be completed at this time, please try again."
        return StatusError(500, text, reason="ServerTimeout", details=details)
    if generated:
        text += ", the server was not able to generate a unique name for the object"
        details["retryAfterSeconds"] = 1
    return StatusError(409, text, reason="AlreadyExists", details=details)


def conflict(kind: Kind, name: str, why: str) -> StatusError:
    """The object is not in the state that the request supposes."""
    return StatusError(
        409,
        f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}',
        details=_details(kind, name, kind.plural),
    )


def changed_meanwhile(kind: Kind, name: str) -> StatusError:
    """The resourceVersion of an update is not the present one."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return conflict(kind, name, why)


def invalid(kind: Kind, name: str, causes: Sequence[Cause]) -> StatusError:
    """Some fields cannot be accepted."""
    texts = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = _details(kind, name, kind.kind)
    details["causes"] = [{"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes]
    return StatusError(422, f'{kind.qualified} "{name}" is invalid: {listed}', details=details)


def expired(message: str) -> StatusError:
    """A resourceVersion or a page is no longer kept."""
    return StatusError(410, message)


def too_large(limit: int) -> StatusError:
    """The body is over what the server reads."""
    return StatusError(413, f"Request entity too large: limit is {limit}", details={})


def method_not_allowed() -> StatusError:
    """The path is served, the method is not."""
    return StatusError(405, MESSAGES[405], details={})


def _details(kind: Kind, name: str, what: str) -> dict[str, Any]:
    found = {"name": name} if name else {}
    if kind.group:
        found["group"] = kind.group
    return {**found, "kind": what}
