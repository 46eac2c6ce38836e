"""What a refusal of an API server is worth: it passes, it lasts, or nobody can tell before it is confirmed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from enum import Enum
from http import HTTPStatus

from functions.common.values import Json


class Verdict(Enum):
    """What becomes of the same request later."""

    LASTS = "it is refused again"
    PASSES = "it may be taken a moment later"
    PASSES_SLOWLY = "it is taken some day, hardly within one deadline"
    DOUBTED = "a server that has just begun says the same: see refusals.py"


_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_FORBIDDEN_IN_PASSING = {
    # a quota frees itself as runs end; a new one has no status for a moment
    "exceeded quota": Verdict.PASSES_SLOWLY,
    "status unknown for quota": Verdict.PASSES,
    # an admission plugin whose caches are not filled yet
    "not yet ready to handle request": Verdict.PASSES,
    # after that it is gone (404, which lasts) or somebody makes it anew, as preview environments do
    "because it is being terminated": Verdict.PASSES_SLOWLY,
}
"""What admission says with 403, in the words of apiserver's plugins."""
_OPENING = re.compile(r'(?:[\w.-]+(?: "[^"]*")? is forbidden|Internal error occurred): ')
"""What may stand before these words. Behind another colon they may be an event's, which an error or policy quotes."""
_WEBHOOK_DOWN = "failed calling webhook"
_WEBHOOK_DENIES = "denied the request"
_TOO_LARGE = ("etcdserver: request is too large", "trying to send message larger than max")
"""etcd's own limit (1.5 MiB) comes through as an internal error, which it is not."""
_UNAUTHORIZED = re.compile(r'\bUser "(?:[^"\\]|\\.)*" cannot |\bRBAC: ')
"""The authorizer's words (apiserver's responsewriters.Forbidden), and those of admission that asked it once more."""


def verdict(
    status: int, cause: str, message: str, details: Mapping[str, Json], *, doubted: Set[int] = frozenset()
) -> Verdict:
    """Judge an answer that is not 2xx by its Status object's reason (`cause`), message and details.

    The statuses in `doubted` are, whatever the words; a 404 only where it is the path's own.
    """
    denied = _WEBHOOK_DENIES in message
    if too_large(message):
        return Verdict.LASTS
    opening = _OPENING.match(message)
    said = message[opening.end() if opening else 0 :].partition(":")[0]
    down = _WEBHOOK_DOWN in said and not denied
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR or down:
        return Verdict.PASSES
    if status == HTTPStatus.UNAUTHORIZED:
        # nothing about the delivery is wrong, it can be created once the token is rotated, and an API server whose own
        # stores or webhook authenticator are down answers so as well, not being able to look the account up
        return Verdict.PASSES_SLOWLY
    if status == HTTPStatus.CONFLICT and cause != "AlreadyExists":
        return Verdict.PASSES  # a ResourceQuota that somebody else has just updated: over the next time
    if status == HTTPStatus.FORBIDDEN and not denied:
        known = (found for words, found in _FORBIDDEN_IN_PASSING.items() if words in said)
        return next(known, Verdict.DOUBTED if status in doubted or _UNAUTHORIZED.search(message) else Verdict.LASTS)
    if status == HTTPStatus.NOT_FOUND and status in doubted and not details.get("name"):
        return Verdict.LASTS if message.startswith('namespaces "') else Verdict.DOUBTED
    return Verdict.LASTS


def crowded(status: int, message: str) -> bool:
    """Say whether the server has too many requests, as its own filters say it: a webhook's 429 is about one object."""
    return status == HTTPStatus.TOO_MANY_REQUESTS and _WEBHOOK_DENIES not in message


def too_large(message: str) -> bool:
    """Say whether etcd did not take the object for its size."""
    return any(words in message for words in _TOO_LARGE)
