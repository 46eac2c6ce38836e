"""One delivery as it arrived: raw bytes for signatures, headers in Go's spelling, the body parsed once on demand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import parse_qsl

from functions.dataclass import dataclass
from functions.errors import BadRequestError
from functions.patterns import pattern
from functions.strict_json import parse_json
from functions.values import Event, Headers, Json

FORM = "application/x-www-form-urlencoded"
MAX_FORM_FIELDS = 1_000
EVENT_HEADERS = ("X-Github-Event", "X-Gitlab-Event", "X-Event-Key")
"""The headers in which GitHub, GitLab and Bitbucket name the event."""
ID_HEADERS = ("X-Github-Delivery", "X-Gitlab-Event-Uuid", "X-Request-Uuid")
"""The headers in which they number the delivery."""

_LABEL = pattern(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_REPOSITORY = pattern(r"[\w.~-]{1,100}(/[\w.~-]{1,100}){1,8}", re.ASCII)
_TOKEN = pattern(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


@lru_cache(maxsize=256)
def canonical_name(name: str) -> str:
    """Return a header's name as Go's CanonicalMIMEHeaderKey spells it (`x-github-event`: `X-Github-Event`)."""
    if not _TOKEN.fullmatch(name):
        return name
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def canonical_headers(pairs: Iterable[tuple[str, str]]) -> Headers:
    """Return headers by canonical name, without `Host`, which Go's server takes out of the map."""
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        canonical = canonical_name(name)
        if canonical != "Host":
            headers[canonical] = (*headers.get(canonical, ()), value)
    return headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One POST, not yet trusted. `nonce` is drawn at the edge; it stands in where a sender names no id."""

    path: str
    """Path and query."""
    headers: Headers
    body: bytes
    received_at: float
    """Seconds since 1970, for the age of Slack's timestamps."""
    nonce: str

    def header(self, name: str) -> str:
        """Return the first value of a header (canonical `name`), or an empty string."""
        return next(iter(self.headers.get(name, ())), "")

    @property
    def event_name(self) -> str:
        """The event's type as the sender names it, or an empty string. It is not signed."""
        return next((value for name in EVENT_HEADERS if (value := self.header(name))), "")

    @property
    def sender_id(self) -> str:
        """The sender's id of this delivery, or an empty string. It is not signed."""
        return next((value for name in ID_HEADERS if (value := self.header(name))), "")

    @property
    def event_id(self) -> str:
        """The id in the reply and in the label `triggers-eventid`: the sender's where it can be a label."""
        sender_id = self.sender_id
        return sender_id if _LABEL.fullmatch(sender_id) else self.nonce

    @property
    def is_form(self) -> bool:
        """Whether this is a form of two or more fields, which Tekton turns into JSON (only for the exact type)."""
        return self.header("Content-Type") == FORM and len(self._fields()) > 1

    def event(self, *, forms: bool) -> Event:
        """Parse the body into the event that interceptors see.

        GitHub's form encoding (one field `payload`) is read as the JSON in it. With `forms`, a form of two or more
        fields becomes an object of lists, as in Tekton's ExecuteInterceptors. Raises BadRequestError unless the
        body is a JSON object; as in Tekton, `null` passes too.
        """
        body, text = self._parsed(forms=forms)
        return Event(
            body=body,
            headers=self.headers,
            extensions={},
            request_url=self.path,
            event_id=self.event_id,
            text=text,
        )

    def _parsed(self, *, forms: bool) -> tuple[Json, bytes | None]:
        if self.header("Content-Type").partition(";")[0].strip().lower() == FORM:
            fields = self._fields()
            if len(fields) == 1 and fields[0][0] == "payload":
                text = fields[0][1].encode()
                return _as_object(text), text
            if self.is_form:
                if not forms:
                    raise BadRequestError(
                        "the body is a form, which this listener does not take: send JSON, or, for Slack, annotate the "
                        'EventListener with tekton.dev/payload-validation: "false" as Tekton asks for it'
                    )
                body: dict[str, Json] = {}
                for name, value in fields:
                    values = body.setdefault(name, [])
                    if isinstance(values, list):
                        values.append(value)
                return body, None
        return _as_object(self.body), self.body

    def _fields(self) -> list[tuple[str, str]]:
        try:
            return parse_qsl(
                self.body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS, errors="strict"
            )
        except ValueError as error:
            raise BadRequestError(
                f"the body is no form of at most {MAX_FORM_FIELDS} fields in UTF-8, as its Content-Type says"
            ) from error


def _as_object(raw: bytes) -> Json:
    value = parse_json(raw)
    if value is None or isinstance(value, dict):
        return value
    raise BadRequestError("the body is JSON, but not an object: events are JSON objects")


def repository_name(body: Json) -> str:
    """Return the repository that a body names, as GitHub, Bitbucket and GitLab spell it, or an empty string."""
    if not isinstance(body, dict):
        return ""
    for outer, inner in (("repository", "full_name"), ("project", "path_with_namespace")):
        described = body.get(outer)
        name = described.get(inner) if isinstance(described, dict) else None
        if isinstance(name, str) and _REPOSITORY.fullmatch(name):
            return name
    return ""
