"""Which events a trigger wants: the eventTypes of its chain."""

from __future__ import annotations

from functions.lint.known import is_core
from functions.lint.views import View

CORE_WITH_TYPES = ("github", "gitlab", "bitbucket")


def event_types(view: View, provider: str = "github") -> list[str] | None:
    """Return a provider's events that the chain lets through, None when it does not say or is not that provider's."""
    wanted: list[str] | None = None
    for entry in view.interceptors:
        types = entry.param("eventTypes") if is_core(entry, provider) else None
        if isinstance(types, list):
            names = [name for name in types if isinstance(name, str)]
            wanted = names if wanted is None else [name for name in wanted if name in names]
    return wanted
