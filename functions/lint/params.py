"""Params: those that nothing binds, those that nothing uses, and those whose event data is dangerous."""

from __future__ import annotations

import re
from collections.abc import Iterator

from functions.lint import events
from functions.lint.hits import Hit
from functions.lint.views import View
from functions.lint.wanted import event_types, filters
from functions.templates import compile_template

_EXPRESSION = re.compile(r"\$\(\s*\.?(body|header|extensions)\b\.?([^()]*(?:\([^()]*\)[^()]*)*)\)")
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_HARMLESS = frozenset(
    {"after", "before", "commit_id", "created_at", "head_sha", "id", "merge_commit_sha", "node_id", "number"}
    | {"run_id", "run_number", "sha", "size", "timestamp", "updated_at"}
)
"""Fields that hold digits, hashes or times whoever writes the event: GitHub draws or counts them."""


def check(view: View) -> Iterator[Hit]:
    """Check one trigger's params against its template and events."""
    yield from _unresolved(view)
    yield from _unused(view)
    yield from _unbindable(view)


def _unresolved(view: View) -> Iterator[Hit]:
    if view.template is None:
        return
    bound = {entry.param.name for entry in view.bound}
    defaulted = {param.name for param in view.template.params if param.default is not None}
    for name in sorted(compile_template(view.template).references - bound - defaulted):
        yield Hit(
            "PH101",
            view.template_place.below("resourcetemplates"),
            f"$(tt.params.{name}) is bound by nothing in trigger {view.prepared.identity}",
            f"bind a param {name}, or give it a default",
        )


def _unused(view: View) -> Iterator[Hit]:
    if view.template is None:
        return
    references = compile_template(view.template).references
    declared = {param.name for param in view.template.params}
    for position, param in enumerate(view.template.params):
        if param.name not in references:
            place = view.template_place.below("params", position)
            yield Hit("PH102", place, f"no resource of the template uses the param {param.name}", "remove it")
    for entry in view.bound:
        if entry.param.name not in references and entry.param.name not in declared:
            text = f"the template of trigger {view.prepared.identity} neither declares nor uses {entry.param.name}"
            # a binding that several triggers share may well serve another one
            if entry.place.source == view.place.source:
                yield Hit("PH102", entry.place, text, "remove it, or mind its spelling")


def _unbindable(view: View) -> Iterator[Hit]:
    names = event_types(view)
    if not names or not all(events.known(name) for name in names):
        return
    defaulted = {param.name for param in view.template.params if param.default is not None} if view.template else set()
    filtered = bool(filters(view))
    for entry in view.bound:
        if entry.param.name in defaulted:
            continue
        for field in body_fields(entry.param.value):
            lacking = [name for name in names if not events.has_field(name, field)]
            if not lacking:
                continue
            hint = f"give the param {entry.param.name} a default in the template"
            if len(lacking) == len(names):
                which = "none of its events has" if len(names) > 1 else f"the event {names[0]} does not have"
                yield Hit("PH303", entry.place.below("value"), f"body.{field} is a field that {which}", hint)
            elif not filtered:
                text = f"body.{field} is missing from its event {', '.join(lacking)}"
                yield Hit("PH304", entry.place.below("value"), text, hint)


def body_fields(value: str) -> list[str]:
    """Return the fields at the top of the body that a binding's value reads."""
    found = []
    for match in _EXPRESSION.finditer(value):
        field = _FIELD.match(match[2]) if match[1] == "body" else None
        if field:
            found.append(field[0])
    return found


def tainted(view: View) -> frozenset[str]:
    """Return the params that carry text which the sender of an event chooses."""
    return frozenset(entry.param.name for entry in view.bound if _dangerous(entry.param.value))


def _dangerous(value: str) -> bool:
    for match in _EXPRESSION.finditer(value):
        last = re.split(r"[.\[\]'\"]+", match[2].rstrip("']\""))[-1]
        if match[1] != "body" or last not in _HARMLESS:
            return True
    return False
