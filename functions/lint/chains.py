"""Chains of interceptors: what verifies nothing, what lets no event in, and what lets every event in."""

from __future__ import annotations

from collections.abc import Iterator

from functions.lint import trees
from functions.lint.event_types import meant
from functions.lint.hits import Hit
from functions.lint.known import expressions_of, filter_of, is_core, replaces
from functions.lint.places import Place
from functions.lint.views import View
from functions.lint.wanted import CORE_WITH_TYPES

_COMMON = frozenset({"repository", "sender", "organization", "installation", "enterprise", "project", "user", "actor"})
"""Fields of most events: a filter on them chooses repositories and people, not events."""
_EVENT_HEADERS = frozenset({"x-github-event", "x-gitlab-event", "x-event-key"})
_EXAMPLES = {"github": "[push]", "gitlab": '["Push Hook"]', "bitbucket": '["repo:push"]'}


def check(view: View, *, allow_unverified: bool) -> Iterator[Hit]:
    """Check one trigger's chain."""
    prepared = view.prepared
    if prepared.problem:
        message = f"trigger {prepared.identity} can never run: {prepared.problem}"
        yield Hit("PH002", _broken(view) or view.place, message, view.advice)
    elif not allow_unverified and not any(interceptor.vouches for interceptor in prepared.interceptors):
        yield Hit(
            "PH201",
            view.place,
            f"trigger {prepared.identity} verifies nothing",
            "give it, or its group, an interceptor with a secretRef, or a filter with compareSecret",
        )
    yield from _types(view)


def _broken(view: View) -> Place | None:
    """Return where the first expression stands that does not compile."""
    found = (found for entry in view.interceptors for found in expressions_of(entry))
    return next((place for place, _, tree in found if tree is None), None)


def _types(view: View) -> Iterator[Hit]:
    allowed: set[str] | None = None
    for entry in view.interceptors:
        if not is_core(entry, *CORE_WITH_TYPES):
            continue
        name = entry.spec.ref_name
        example = f"such as {_EXAMPLES[name]}"
        types = entry.param("eventTypes")
        if types is None and not _chosen_otherwise(view):
            message = f"the {name} interceptor lets every type of event through"
            yield Hit("PH204", entry.place, message, f"add eventTypes, {example}")
        elif types == []:
            place = entry.param_place("eventTypes").below("value")
            yield Hit("PH301", place, "an empty list lets no event through", f"name the events, {example}")
        elif isinstance(types, list):
            named = {str(event) for event in types}
            for position, event in enumerate(types):
                hint = meant(name, event) if isinstance(event, str) else None
                # beside what it may mean it does no harm
                if hint is not None and not any(f'"{other}"' in hint for other in named):
                    place = entry.param_place("eventTypes").below("value", position)
                    yield Hit("PH301", place, f'the {name} interceptor lets no event "{event}" through', hint)
            allowed = named if allowed is None else allowed & named
            if not allowed:
                place = entry.param_place("eventTypes").below("value")
                yield Hit("PH301", place, "an interceptor before this one lets none of these events through")
                return


def _chosen_otherwise(view: View) -> bool:
    """Say whether something else in the chain looks at what tells events from each other."""
    if any(replaces(entry) or entry.param("eventTypes") is not None for entry in view.interceptors):
        return True  # another one sees the event, and may refuse it
    for entry in view.interceptors:
        source = filter_of(entry)
        if not source:
            continue
        tree = trees.tree(source)
        if tree is None or any(header in source.lower() for header in _EVENT_HEADERS):
            return True  # what does not compile may be meant to
        if any(path[0] == "body" and len(path) > 1 and path[1] not in _COMMON for path in trees.paths(tree)):
            return True
    return False
