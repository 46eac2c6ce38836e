"""What custom interceptors and webhooks share: where they are, how long they may take, what their refusals mean."""

from __future__ import annotations

import json
from functools import partial

from functions.common.destinations import read_destination
from functions.common.errors import LastingError, PassingError
from functions.common.numbers import wait
from functions.common.ports import Reply
from functions.common.values import Event, Headers
from functions.go.form import go_decode
from functions.interceptors.base import Call, Place, Verifier, explained
from functions.model.resources import ObjectRef

CALL_SECONDS = 5.0
"""For one interceptor, as Tekton has it for webhooks."""
CREATION_SECONDS = 2.0
"""Kept back for the creation of what the other triggers rendered: one that hangs must not cost them their time."""

_PASSING = frozenset({408, 425, 429})
_REDIRECTS = range(300, 400)

compact_json = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class Asked:
    """An interceptor outside: the user's own code, which sees the event as those before it left it."""

    __slots__ = ()

    @property
    def verifier(self) -> Verifier | None:
        """None: it sees the parsed event."""
        return None

    @property
    def vouches(self) -> bool:
        """True: its code can know the sender."""
        return True


def service_url(service: ObjectRef, *, namespace: str, over_tls: bool = False) -> str:
    """Return the URL of a Service inside the cluster, as Tekton's ResolveAddress makes it."""
    scheme, port = ("https", 8443) if over_tls else ("http", 80)
    path = service.path.removeprefix("/")
    return f"{scheme}://{service.name}.{service.namespace or namespace}.svc:{service.port or port}/{path}"


def check_url(url: str, place: Place, what: str) -> None:
    """Check at load what can be told without the network. Raises LastingError when `url` can never be called."""
    with explained(what):
        read_destination(url, place.outbound_hosts)


def ask(call: Call, url: str, *, body: bytes, headers: Headers, ca_pem: str = "") -> Reply:
    """POST to an interceptor and return its answer. Raises what `Outbound` raises, and PassingError without time."""
    seconds = min(CALL_SECONDS, call.deadline.remaining() - CREATION_SECONDS)
    if seconds <= 0:
        raise PassingError("no time was left to ask it")
    return call.services.outbound.post(url, body=body, headers=headers, seconds=seconds, ca_pem=ca_pem)


def raise_fault(reply: Reply, text: str) -> None:
    """Raise PassingError, with `text`, for a status that says that another time may be better."""
    if reply.status >= 500 or reply.status in _PASSING:  # noqa: PLR2004 -- the class of server errors
        raise PassingError(text, retry_after=wait(next(iter(reply.headers.get("Retry-After", ())), "")))
    if reply.status in _REDIRECTS:
        raise LastingError(f"{text} (redirects are not followed)")


def text_of(event: Event) -> str:
    """Return the event's body as text: as it came, while nobody changed it."""
    return compact_json(event.body) if event.text is None else go_decode(event.text)
