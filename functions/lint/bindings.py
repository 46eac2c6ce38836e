"""Bindings that fail: for every event (PH303), for some (PH304), or that hand over their own text (PH305)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from functions.delivery import canonical_name
from functions.lint import events, trees
from functions.lint.hits import Hit
from functions.lint.known import Known, trees_of
from functions.lint.lacking import Lack, as_sent, lack
from functions.lint.texts import parts_of, path_of
from functions.lint.views import Bound, View
from functions.rendering.bindings import Expression

_ROOTS = ("body", "context", "extensions", "header")
_LITERAL = re.compile(
    r"\$\((?:(?!\$\()[^)])*$"  # never closed
    r"|\$[{\[]\s*\.?(?:body|header|extensions|context)\b[^}\]]*[}\]]?"
    r"|\{\{-?\s*\.?(?:body|header|extensions|context)\b.*?\}\}"
    r"|\$(?:body|header|extensions|context)\.[\w.-]+"
    r"|^(?:body|header|extensions)\.(?!(?:\w+\.)*(?:gz|html?|json|md|tar|tgz|txt|xml|ya?ml|zip)$)[A-Za-z_][\w.\[\]-]*$"
)
_NO_KEY = re.compile(r"[()'\"?]|==|&&|\|\|")


def check(view: View, known: Known) -> Iterator[Hit]:
    """Check the params that one trigger binds."""
    defaulted = {param.name for param in view.template.params if param.default is not None} if view.template else set()
    known = as_sent(view, known)
    for entry in view.bound:
        place = entry.place.below("value")
        for part in parts_of(entry.param):
            if isinstance(part, Expression):
                yield from _expression(part, entry, view, known, defaulted=entry.param.name in defaulted)
            elif match := _LITERAL.search(part):
                hint = "write $(…), as in $(body.after)"
                yield Hit("PH305", place, "the param gets this as literal text", hint, (match[0],))


def _expression(part: Expression, entry: Bound, view: View, known: Known, *, defaulted: bool) -> Iterator[Hit]:
    place = entry.place.below("value")
    path = path_of(part, every="")
    if path is None:
        return  # what does not parse is PH002's
    if why := _never(path, known):
        if defaulted:
            yield Hit("PH306", place, f"{part.text} always becomes the template's default: {why[0]}", why[1])
        else:
            yield Hit("PH303", place, f"{part.text} fails for every event: {why[0]}", why[1])
    elif path[0] == "body":
        yield from _lacking(path[1:], entry, view, known, defaulted=defaulted)


def _never(path: trees.Path, known: Known) -> tuple[str, str] | None:
    """Return why an expression finds nothing in any event, and what to do; None when it may."""
    root = path[0][:1].lower() + path[0][1:] if path[0] else ""  # Go's own names of these fields are found as well
    if bad := next((name for name in path if _NO_KEY.search(name)), ""):
        return f"{bad} is the name of a field here", "compute it with a CEL overlay, and bind $(extensions.NAME)"
    if root not in _ROOTS:
        hint = f"write {', '.join(_ROOTS[:-1])} or {_ROOTS[-1]}, without spaces"
        return f"there is no {path[0]}" if path[0] else "it begins with a space", hint
    if root == "context" and path[1:] and path[1:] not in (("eventID",), ("EventID",)):
        return "context has eventID alone", "write $(context.eventID)"
    if root == "extensions" and path[1:] and not known.makes(path[1:]):
        return f"no interceptor of the chain makes extensions.{path[1]}", "mind its spelling, or add a CEL overlay"
    if path[:2] == ("body", "extensions") and path[2:] and not known.replaced and known.makes(path[2:]):
        return "extensions stand beside the body", f"write $({'.'.join(path[1:])})"
    if root == "header" and len(path) > 1 and _lower(path[1]) and not known.replaced:
        return f"headers are called as {canonical_name(path[1])} is", f"write $(header.{canonical_name(path[1])})"
    return None


def _lower(name: str) -> bool:
    return name != "*" and "-" in name and name != canonical_name(name)


def _lacking(steps: trees.Path, entry: Bound, view: View, known: Known, *, defaulted: bool) -> Iterator[Hit]:
    place, hint = entry.place.below("value"), f"give the param {entry.param.name} a default in the template"
    found, made = lack(steps, known, view.interceptors), f"write $(extensions.{'.'.join(steps)})"
    if _in_old_place(steps, found, view, known):
        message = f"an overlay makes {steps[0]}, which stands beside the body since Triggers 0.10"
        rule = "PH306" if defaulted else "PH303" if found else "PH304"
        yield Hit(rule, place, message, made)
    elif found and not defaulted:
        others = events.having(steps[0], known.events or ())
        before = f"filter with {found.filtering}" if found.filtering else others
        rule, what = "PH303" if found.always else "PH304", f"{before}, or {hint}" if before else hint
        yield Hit(rule, place, found.message, what)


def _in_old_place(steps: trees.Path, found: Lack | None, view: View, known: Known) -> bool:
    """Say whether a field is an overlay's, and no field of the events, or of GitHub's and what the chain reads."""
    if known.replaced or not steps or not known.makes(steps):
        return False
    read = {path[:2] for entry in view.interceptors for tree in trees_of(entry) for path in trees.paths(tree)}
    return found.always if found else not events.events_with(steps[0]) and ("body", steps[0]) not in read
