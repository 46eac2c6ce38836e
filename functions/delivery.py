"""One delivery as it arrived: raw bytes for signatures, headers in Go's spelling, the body parsed once on demand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache

from msgspec import Struct
from msgspec.structs import replace

from functions.common.errors import BadRequestError, LimitError
from functions.common.lenient import text_at
from functions.common.limits import UNLIMITED, Limits
from functions.common.values import Event, Headers, Json
from functions.go.decode import parse_json
from functions.go.form import form_json, parse_query
from functions.go.text import go_decode

FORM = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS = 1_000
EVENT_HEADERS = ("X-Github-Event", "X-Gitlab-Event", "X-Event-Key")
"""The headers in which GitHub, GitLab and Bitbucket name the event."""
ID_HEADERS = ("X-Github-Delivery", "X-Gitlab-Event-Uuid", "X-Request-Uuid")
"""The headers in which they number the delivery."""

_FORMS_REFUSED = (
    "the body is a form, which this listener does not take: send JSON, or, for Slack, annotate the EventListener with "
    'tekton.dev/payload-validation: "false" as Tekton asks for it'
)
_FORM_FACTOR = 3
"""Bytes for each of a form: its pairs, what they are without their escapes, and one of them meanwhile."""
_FIELDS_FACTOR = 10
"""Bytes for each of a form of several fields: as text and as JSON, either of which may be wide."""
_TAKEN_OUT = frozenset({"Host", "Trailer", "Transfer-Encoding"})
_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_REPOSITORY = re.compile(r"[\w.~-]{1,100}(/[\w.~-]{1,100}){1,8}", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


@lru_cache(maxsize=256)
def canonical_name(name: str) -> str:
    """Return a header's name as Go's CanonicalMIMEHeaderKey spells it (`x-github-event`: `X-Github-Event`)."""
    if not _TOKEN.fullmatch(name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def canonical_headers(pairs: Iterable[tuple[str, str]]) -> Headers:
    """Return headers by canonical name, without those that Go takes out of the map."""
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        canonical = canonical_name(name)
        if canonical not in _TAKEN_OUT:
            headers[canonical] = (*headers.get(canonical, ()), value)
    return headers


class Delivery(Struct, frozen=True, kw_only=True, dict=True):
    """One POST, not yet trusted. `nonce` is drawn at the edge; it stands in where a sender names no id."""

    path: str
    """Path and query."""
    headers: Headers
    body: bytes
    received_at: float
    """Seconds since 1970, for the age of Slack's timestamps."""
    nonce: str

    @cached_property
    def event_name(self) -> str:
        """The event's type as the sender names it, or an empty string. It is not signed."""
        return self._first(EVENT_HEADERS)

    @cached_property
    def sender_id(self) -> str:
        """The sender's id of this delivery, or an empty string. It is not signed."""
        return self._first(ID_HEADERS)

    @cached_property
    def event_id(self) -> str:
        """The id in the reply and in the label `triggers-eventid`: the sender's where it can be a label."""
        return self.sender_id if _LABEL.fullmatch(self.sender_id) else self.nonce

    def header(self, name: str) -> str:
        """Return the first value of a header (canonical `name`), or an empty string."""
        values = self.headers.get(name)
        return values[0] if values else ""

    def _first(self, names: Iterable[str]) -> str:
        """Return the first value that is not empty of these headers."""
        return next(filter(None, map(self.header, names)), "")

    def event(self, *, forms: bool, limits: Limits = UNLIMITED) -> Event:
        """Parse the body into the event that a listener starts with; `opened` says what its interceptors see.

        GitHub's form encoding (one field `payload`) is read as the JSON in it. As Tekton's IsValidPayload, raises
        BadRequestError unless the body is a JSON object or null; with `forms` (payload-validation is off) anything
        passes, and what is no JSON stays `unread`. Raises BadRequestError with 413 when what it becomes is more than a
        delivery may take, and ExhaustedError when there is no room or time for it now.
        """
        limits.in_time("read the body")
        try:
            return self._event(forms=forms, limits=limits)
        except LimitError as error:
            raise BadRequestError(f"the body would become {error.reason}", status=413) from error

    def _event(self, *, forms: bool, limits: Limits) -> Event:
        is_form = self.header("Content-Type").partition(";")[0].strip().lower() == FORM
        form = self._form(limits) if is_form else {}
        payload = form.get(b"payload", ())
        body: Json = None
        unread = ""
        try:
            if len(form) == len(payload) == 1:
                body = _as_object(parse_json(payload[0], limits.making))
            elif self.body or not forms:
                body = parse_json(self.body, limits.making)
                body = body if forms else _as_object(body)
        except BadRequestError as error:
            if not forms:
                if len(form) > 1:
                    raise BadRequestError(_FORMS_REFUSED) from error
                raise
            unread = error.reason
        return Event(
            body=body,
            headers=self.headers,
            extensions={},
            request_url=self.path,
            event_id=self.event_id,
            text=self.body,
            form=_converted(form) if len(form) > 1 and self.header("Content-Type") == FORM else None,
            unread=unread,
        )

    def _form(self, limits: Limits) -> dict[bytes, list[bytes]]:
        if self.body.count(b"&") >= MAX_FORM_FIELDS:
            raise BadRequestError(
                f"the body is no form of at most {MAX_FORM_FIELDS} fields in UTF-8, as its Content-Type says"
            )
        limits.take(_FORM_FACTOR * len(self.body))
        found = parse_query(self.body)
        if len(found) > 1:
            limits.take(_FIELDS_FACTOR * len(self.body))
        return found


def opened(event: Event) -> Event:
    """Return the event as a chain of interceptors gets it: a form of several keys as JSON, an object of lists.

    As Tekton's ExecuteInterceptors, for the exact type only: one key, or a type with a charset, is never converted.
    """
    if not event.form or next(iter(event.headers.get("Content-Type", ())), "") != FORM:
        return event
    body, text = event.form
    return replace(event, body=body, text=text, unread="")


def _converted(form: Mapping[bytes, list[bytes]]) -> tuple[Json, bytes]:
    body = {go_decode(name): [go_decode(value) for value in values] for name, values in form.items()}
    return {name: list[Json](values) for name, values in body.items()}, form_json(body)


def _as_object(value: Json) -> Json:
    if value is None or isinstance(value, dict):
        return value
    raise BadRequestError("the body is JSON, but not an object: events are JSON objects")


def repository_name(body: Json) -> str:
    """Return the repository that a body names, as GitHub, Bitbucket and GitLab spell it, or an empty string."""
    names = (text_at(body, *path) for path in (("repository", "full_name"), ("project", "path_with_namespace")))
    return next((name for name in names if _REPOSITORY.fullmatch(name)), "")
