"""Chains of interceptors: what verifies nothing, and what lets every event in."""

from __future__ import annotations

from collections.abc import Iterator

from functions.lint.hits import Hit
from functions.lint.views import View
from functions.lint.wanted import CORE_WITH_TYPES, filters

_EVENT_HEADERS = ("x-github-event", "x-gitlab-event", "x-event-key")


def check(view: View, *, allow_unverified: bool) -> Iterator[Hit]:
    """Check one trigger's chain."""
    prepared = view.prepared
    if prepared.problem:
        yield Hit("PH002", view.place, f"trigger {prepared.identity} can never run: {prepared.problem}")
    elif not allow_unverified and not any(interceptor.vouches for interceptor in prepared.interceptors):
        yield Hit(
            "PH201",
            view.place,
            f"trigger {prepared.identity} verifies nothing",
            "give it, or its group, an interceptor with a secretRef",
        )
    yield from _any_type(view)


def _any_type(view: View) -> Iterator[Hit]:
    for entry in view.interceptors:
        if entry.spec.ref_name not in CORE_WITH_TYPES or entry.spec.ref_kind != "ClusterInterceptor":
            continue
        if entry.param("eventTypes") is None and not _filtered_by_header(view):
            yield Hit(
                "PH204",
                entry.place,
                f"the {entry.spec.ref_name} interceptor lets every type of event through",
                "add eventTypes, such as [push]",
            )


def _filtered_by_header(view: View) -> bool:
    texts = [str(entry.param("filter")).lower() for entry in filters(view)]
    return any(header in text for text in texts for header in _EVENT_HEADERS)
