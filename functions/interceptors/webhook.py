"""The old `webhook` interceptor: a Service that gets the event and answers with the one that takes its place."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus

from msgspec.structs import replace

from functions.common.errors import BadRequestError, LastingError
from functions.common.limits import Limits
from functions.common.ports import Reply
from functions.common.shown import shown
from functions.common.values import Event, Json, Refusal
from functions.go.decode import parse_json
from functions.go.status_texts import status_line
from functions.interceptors.base import Assurance, Call, Passed, Place, explained, filtered, rejected
from functions.interceptors.outgoing import Asked, ask, assembled, check_url, json_pieces, raise_fault, service_url
from functions.model.resources import InterceptorSpec

_SHOWN = 200
"""Characters of a webhook's own words that a reason shows; they may quote the event."""
_DOT = re.compile(r"(?<!\\)\.")


class WebhookInterceptor(Asked, frozen=True):
    """Compiled from `webhook`; Tekton's pkg/interceptors/webhook ExecuteTrigger."""

    url: str
    header: tuple[tuple[str, tuple[str, ...]], ...]

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Send the event, extensions merged into its body, and take body and headers of the answer in its place.

        Raises PassingError when it does not answer now, and LastingError when its answer is no event.
        """
        headers = {**event.headers, "Eventlistener-Request-Url": (event.request_url,), **dict(self.header)}
        with explained("webhook interceptor"):
            with _sent(event, call.limits) as sent:
                reply = ask(call, self.url, body=sent, headers=headers)
            if reply.status != HTTPStatus.OK:
                return _refusal(reply)
            call.limits.take(len(reply.body))
            body, unread = _parsed(reply.body, call.limits)
        answered = replace(event, body=body, headers=reply.headers, text=reply.body, form=None, unread=unread)
        return Passed(answered, Assurance.AUTHENTICATED)


def build(spec: InterceptorSpec, place: Place) -> WebhookInterceptor:
    """Find its URL. Raises LastingError when there is no objectRef, or it can never be called from here.

    As in Tekton a `url` counts only beside an objectRef, which admission demands, and then before it.
    """
    webhook = spec.webhook
    if webhook is None or webhook.object_ref is None:
        raise LastingError("webhook interceptor: objectRef is missing: name the Service; url alone is not taken")
    url = webhook.url or service_url(webhook.object_ref, namespace=place.namespace)
    check_url(url, place, "webhook interceptor")
    return WebhookInterceptor(url, webhook.header)


def _sent(event: Event, limits: Limits) -> AbstractContextManager[bytes]:
    if event.extensions:
        return assembled(json_pieces(_extended(event)), limits)
    return assembled(json_pieces(event.body), limits) if event.text is None else nullcontext(event.text)


def _extended(event: Event) -> Json:
    """Return the body with each extension at `extensions.NAME`, where a dot leads deeper, as sjson sets them.

    As there, a body that is no JSON gives way to an object of nothing else, and a list cannot take them.
    """
    if isinstance(event.body, list) or (event.unread and (event.text or b"").lstrip().startswith((b"{", b"["))):
        raise LastingError("could not merge extensions with body: it is no object")
    root = dict(event.body) if isinstance(event.body, dict) else {}
    for name, value in event.extensions.items():
        *outer, last = (part.replace("\\.", ".") for part in _DOT.split(f"extensions.{name}"))
        inner = root
        for part in outer:
            known = inner.get(part)
            copied = dict(known) if isinstance(known, dict) else {}  # other triggers have the same body
            inner[part] = copied
            inner = copied
        inner[last] = value
    return root


def _parsed(text: bytes, limits: Limits) -> tuple[Json, str]:
    """Return the body of an answer, or why it is no JSON: the next webhook may want it so."""
    try:
        return parse_json(text, limits.making) if text else None, ""
    except BadRequestError as error:
        return None, f"webhook interceptor: its answer takes the event's place, and cannot be read: {error.reason}"


def _refusal(reply: Reply) -> Refusal:
    public = f"request rejected; status: {status_line(reply.status)}"
    raise_fault(reply, f"{public}; its message is not shown")
    message = shown(reply.body[: 8 * _SHOWN].decode("utf-8", "replace").strip(), _SHOWN)
    refuse = rejected if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) else filtered
    return refuse(f"{public}; message: {message}", public)
