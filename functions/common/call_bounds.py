"""How often one delivery may call out: a bound over all its triggers, beside the time that they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from functions.common.errors import LastingError
from functions.common.ports import GitHubApi, Outbound, Services

MAX_CALLS = 500
"""Calls of interceptors and questions to GitHub's API in one delivery; a list of many pages is one question."""


def bounded(services: Services, *, calls: int = MAX_CALLS) -> Services:
    """Return the services for one delivery, which refuse to call out more than `calls` times with a LastingError."""
    left = calls

    def count() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise LastingError(f"the triggers of one delivery may call out {calls} times together, not more")

    outbound = cast("Outbound", _Counted(services.outbound, count))
    github = cast("GitHubApi", _Counted(services.github, count))
    return Services(services.secrets, outbound, github, services.identity)


class _Counted:
    """A port of which every method is a call out."""

    __slots__ = ("_count", "_port")

    def __init__(self, port: object, count: Callable[[], None]) -> None:
        self._port = port
        self._count = count

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._port, name)

        def counted(*args: Any, **more: Any) -> Any:
            self._count()
            return method(*args, **more)

        return counted
