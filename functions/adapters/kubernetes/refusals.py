"""Whether a refusal is meant: a server that starts refuses what it allows a moment later.

A kube-apiserver authorizes before its RBAC caches are filled: for a second or two it answers 403 to an account that has
the right, and to /readyz and to access reviews as well. A path is 404 until its CRD is established. So a refusal lasts
only when one of these holds, and passes until then (it is tried again, queued, answered with 503):

- the server is ready (/readyz, whose informer-sync covers the caches) and a review of the account's own access, asked
  after that, says no;
- it still refuses some seconds after it said that it is ready;
- whether it is ready cannot be known, since the account may not ask or something in between does not pass it on: the
  review has said no and some seconds have passed, or it has refused for half a minute.

What was refused is remembered, so that these seconds are paid once and not by every delivery.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http import HTTPStatus

from msgspec import Struct

from functions.adapters.kubernetes.answers import Answer
from functions.adapters.kubernetes.transport import Request
from functions.common.lenient import object_at
from functions.common.values import Json

SETTLED_SECONDS = 3.0
"""How long a server that says to be ready must go on refusing."""
UNKNOWN_SECONDS = 30.0
"""How long it must when nobody can say whether it is ready."""
REMEMBERED_SECONDS = 30.0
"""How long after the last refusal the next one counts as its continuation."""
_MAX_KEPT = 256

Ask = Callable[[Request], Answer | None]
"""Sends one request and returns what was answered, None when no answer came."""


class _Refusal(Struct):
    """A request that is refused again and again; times by the deadlines' clock."""

    first: float
    last: float
    ready_since: float | None = None
    """Since when the server says that it is ready, None while it does not."""


class Refusals:
    """What one cluster refuses now. Shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str], _Refusal] = OrderedDict()

    def confirmed(self, request: Request, ask: Ask, clock: Callable[[], float]) -> bool:
        """Say whether the refusal that just came for a request is one that lasts."""
        kept, now = self._noted(request, clock())
        ready = _is_ready(ask)
        if ready is False:
            kept.ready_since = None
            return False
        if ready and kept.ready_since is not None and now - kept.ready_since >= SETTLED_SECONDS:
            return True
        denied = _is_denied(request, ask)
        if ready:
            kept.ready_since = kept.ready_since or clock()
            return denied
        kept.ready_since = None
        return now - kept.first >= (SETTLED_SECONDS if denied else UNKNOWN_SECONDS)

    def forget(self, request: Request) -> None:
        """Note that a request was taken."""
        if self._kept:
            with self._lock:
                self._kept.pop(_key(request), None)

    def _noted(self, request: Request, now: float) -> tuple[_Refusal, float]:
        key = _key(request)
        with self._lock:
            kept = self._kept.pop(key, None)
            if kept is None or now - kept.last > REMEMBERED_SECONDS:
                kept = _Refusal(now, now)
            kept.last = now
            self._kept[key] = kept
            if len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        return kept, now


def review(attributes: Mapping[str, str], *, impersonate: str) -> Request:
    """Return the request that asks whether the account (or `impersonate`) may do something.

    `attributes` are those of a SelfSubjectAccessReview's resourceAttributes.
    """
    document: dict[str, Json] = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {name: value for name, value in attributes.items() if value}},
    }
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    return Request(method="POST", path=path, body=document, impersonate=impersonate)


def _key(request: Request) -> tuple[str, str, str]:
    return request.method, request.path, request.impersonate


def _is_ready(ask: Ask) -> bool | None:
    """Ask the server whether it is ready; None when it does not let itself be asked."""
    answer = ask(Request(method="GET", path="/readyz"))
    if answer is None or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return False
    return True if answer.status == HTTPStatus.OK else None


def _is_denied(request: Request, ask: Ask) -> bool:
    """Say whether a review of the account's own access says no, and not because a role has not been read yet."""
    if not request.attributes:
        return False
    answer = ask(review(request.attributes, impersonate=request.impersonate))
    if answer is None or answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
        return False
    status = object_at(answer.document(), "status")
    if status.get("allowed") is not False:
        return False
    # `RBAC: role.rbac.authorization.k8s.io "…" not found`: a binding is known and its role is not, yet or ever
    return not status.get("evaluationError") and "not found" not in str(status.get("reason") or "")
