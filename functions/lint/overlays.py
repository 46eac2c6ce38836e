"""Overlays that nothing reads, in any trigger that makes them: PH308."""

from __future__ import annotations

import re
from collections.abc import Iterator

from functions.common.errors import LastingError
from functions.interceptors.overlay_paths import parse_path
from functions.lint import trees
from functions.lint.hits import Hit
from functions.lint.known import after, expressions_of, overlays_of, replaces, trees_of
from functions.lint.places import Place
from functions.lint.texts import parts_of, path_of
from functions.lint.views import View
from functions.rendering.bindings import Expression

_ALL_OF_THEM = re.compile(r"(?<!in )\bextensions\b(?!\s*[.\[])")
"""All extensions at once: `extensions.exists(…)` names them one by one, as far as this sees."""


def check(views: list[View]) -> Iterator[Hit]:
    """Check the triggers of all listeners together: a group's overlay may serve one of them alone."""
    unread: dict[Place, str] = {}
    read: set[Place] = set()
    for view in views:
        names = _read(view)
        for entry in view.interceptors:
            for position, key, _ in overlays_of(entry):
                place = entry.param_place("overlays").below("value", position, "key")
                try:
                    name = parse_path(key)[0].name
                except LastingError:
                    continue  # PH002 says so
                if names is None or name in names:
                    read.add(place)
                else:
                    unread[place] = key
    for place, key in unread.items():
        if place not in read:
            yield Hit("PH308", place, f"nothing reads extensions.{key}", "bind $(extensions.…), or remove the overlay")


def _read(view: View) -> set[str] | None:
    """Return the first names of the extensions that a chain, its bindings or its template read; None for all.

    What a binding reads in the body, where overlays stood before Triggers 0.10, or by a name that nothing makes, has a
    finding of its own.
    """
    known = after(view)
    if view.template is None or view.unbound or any(map(replaces, view.interceptors)):
        return None
    found = set(re.findall(r"\$\(extensions\.([\w-]+)", str(view.template.resources)))
    for entry in view.interceptors:
        if any(_ALL_OF_THEM.search(source) for _, source, _ in expressions_of(entry)):
            return None
        read = (path for tree in trees_of(entry) for path in trees.paths(tree))
        found |= {path[1] for path in read if path[0] == "extensions" and path[1:]}
    for part in (part for bound in view.bound for part in parts_of(bound.param) if isinstance(part, Expression)):
        path = path_of(part) or ("extensions",)
        if path[0].lower() == "extensions" and not (path[1:] and known.makes(path[1:])):
            return None
        found |= set(path[1:3])
    return found
