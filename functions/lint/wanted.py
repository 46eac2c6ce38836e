"""Which events a trigger wants: the eventTypes of its chain, and its CEL filters."""

from __future__ import annotations

from functions.lint.known import filter_of, is_core
from functions.lint.views import PlacedInterceptor, View

CORE_WITH_TYPES = ("github", "gitlab", "bitbucket")


def event_types(view: View) -> list[str] | None:
    """Return the GitHub events that the chain lets through, None when it does not say or is not GitHub's."""
    wanted: list[str] | None = None
    for entry in view.interceptors:
        types = entry.param("eventTypes") if is_core(entry, "github") else None
        if isinstance(types, list):
            names = [name for name in types if isinstance(name, str)]
            wanted = names if wanted is None else [name for name in wanted if name in names]
    return wanted


def filters(view: View) -> list[PlacedInterceptor]:
    """Return the cel interceptors of the chain that have a filter."""
    return [entry for entry in view.interceptors if filter_of(entry)]
