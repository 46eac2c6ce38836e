"""A chain, from its first interceptor to its last: what is known of the event and of the extensions at each step.

A webhook interceptor replaces body and headers by what it answers, and a custom one may (Tekton's own takes nothing
but extensions from it): behind either nothing is said of fields that lack, behind a webhook nothing is known of any.
A filter that lets only some values of a field through says what that field holds behind it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from functions.cel.syntax import Call, Expr
from functions.common.errors import LastingError
from functions.interceptors.building import CORE_INTERCEPTORS
from functions.interceptors.overlay_paths import parse_path
from functions.lint import fields, trees
from functions.lint.cel_text import EXPRESSION, text_of
from functions.lint.places import Place
from functions.lint.regexes import matched
from functions.lint.text import ANYTHING, Text, constant, one_of
from functions.lint.views import PlacedInterceptor, View

EVENT_HEADERS = frozenset({"x-github-event", "x-gitlab-event"})
PROVIDERS = frozenset({"github", "gitlab", "bitbucket"})
_FILES: Mapping[trees.Path, Text] = {
    ("changed_files",): ANYTHING,
    ("changed_files_list", "*"): ANYTHING,
    ("changed_files_truncated",): fields.BOOLEAN,
}
_PULL_REQUEST = "pr_body"


def replaces(entry: PlacedInterceptor) -> bool:
    """Say whether what follows an interceptor may see another body and other headers."""
    spec = entry.spec
    return spec.webhook is not None or spec.ref_kind != "ClusterInterceptor" or spec.ref_name not in CORE_INTERCEPTORS


def is_core(entry: PlacedInterceptor, *names: str) -> bool:
    """Say whether this is one of the core interceptors of these names."""
    return entry.spec.ref_name in names and not replaces(entry)


def filter_of(entry: PlacedInterceptor) -> str:
    """Return the filter of a cel interceptor; empty when there is none."""
    source = entry.param("filter") if is_core(entry, "cel") else None
    return source if isinstance(source, str) else ""


def overlays_of(entry: PlacedInterceptor) -> Iterator[tuple[int, str, str]]:
    """Yield position, key and expression of the overlays of a cel interceptor."""
    overlays = entry.param("overlays") if is_core(entry, "cel") else None
    for position, overlay in enumerate(overlays if isinstance(overlays, list) else ()):
        named = {str(name).lower(): value for name, value in overlay.items()} if isinstance(overlay, dict) else {}
        key, expression = named.get("key"), named.get("expression")
        if isinstance(key, str) and isinstance(expression, str):
            yield position, key, expression


def expressions_of(entry: PlacedInterceptor) -> Iterator[tuple[Place, str, Expr | None]]:
    """Yield the filter and the overlays of a cel interceptor: the place, the text, and it read if it compiles."""
    if source := filter_of(entry):
        yield entry.param_place("filter").below("value"), source, trees.tree(source)
    for position, _, source in overlays_of(entry):
        place = entry.param_place("overlays").below("value", position, "expression")
        yield place, source, trees.tree(source)


def trees_of(entry: PlacedInterceptor) -> Iterator[Expr]:
    """Yield the expressions of a cel interceptor that compile."""
    yield from (tree for _, _, tree in expressions_of(entry) if tree)


class Known(Struct, frozen=True):
    """What is known of the event behind a part of the chain."""

    fixed: Mapping[trees.Path, Text]
    """What filters say of fields."""
    added: Mapping[trees.Path, Text]
    """What interceptors put into the extensions, by path."""
    provider: str = ""
    """The core interceptor of github, gitlab or bitbucket that has verified it."""
    replaced: bool = False
    """Whether a webhook or custom interceptor may have put another body in its place."""
    rewritten: bool = False
    """Whether a webhook has."""
    events: list[str] | None = None
    """GitHub's or GitLab's events that are let through; None when that is not known."""
    any_extension: bool = False
    """Whether an interceptor may have put anything into them."""

    def at(self, path: trees.Path) -> Text:
        """Return what is known of a path of the event."""
        if path in self.fixed:
            return self.fixed[path]
        root, steps = path[0], path[1:]
        if root == "header":
            return ANYTHING if self.rewritten or not steps else fields.of_header(steps[0])
        if root == "context":
            return fields.EVENT_ID if steps == ("eventID",) else ANYTHING
        if root == "extensions" and steps[:1] == (_PULL_REQUEST,) and steps[:1] in self.added:
            return fields.of_body(("pull_request", *steps[1:]), provider=True, events=None)
        if root == "extensions":
            return self.added.get(steps, ANYTHING)
        if root != "body" or self.rewritten:
            return ANYTHING
        return fields.of_body(steps, provider=bool(self.provider), events=self.events)

    def makes(self, steps: trees.Path) -> bool:
        """Say whether an interceptor may have made an extension, a part of it, or what holds it."""
        return self.any_extension or any(
            all(a == b or "*" in (a, b) for a, b in zip(made, steps, strict=False)) for made in self.added
        )


ANY_CHAIN = Known({}, {}, replaced=True, rewritten=True, any_extension=True)
"""What is known where the chain stands elsewhere."""


def walk(view: View) -> Iterator[tuple[PlacedInterceptor | None, Known]]:
    """Yield each interceptor with what is known before it, then None with what is known behind the last."""
    known = Known({}, {})
    for entry in view.interceptors:
        yield entry, known
        known = _behind(entry, known)
    yield None, known


def after(view: View) -> Known:
    """Return what is known of the event that the bindings see."""
    return [known for _, known in walk(view)][-1]


def _behind(entry: PlacedInterceptor, known: Known) -> Known:
    if entry.spec.webhook is not None:
        return Known({}, known.added, replaced=True, rewritten=True, any_extension=known.any_extension)
    if replaces(entry):
        return replace(known, replaced=True, any_extension=True)
    provider, events, fixed, added = known.provider, known.events, dict(known.fixed), dict(known.added)
    if is_core(entry, *PROVIDERS):
        provider = entry.spec.ref_name
        events = None if provider == "bitbucket" else _narrowed(events, entry.param("eventTypes"))
        added |= _FILES if entry.param("addChangedFiles") else {}
        if provider == "github":
            added |= {(_PULL_REQUEST,): ANYTHING} if entry.param("addPRBody") else {}
            added |= {("failed_contexts", "*"): ANYTHING} if entry.param("addFailedContexts") else {}
    elif is_core(entry, "slack"):
        asked = entry.param("requestedFields")
        added |= {(name,): ANYTHING for name in (asked if isinstance(asked, list) else ()) if isinstance(name, str)}
    elif is_core(entry, "cel"):
        if expr := trees.tree(filter_of(entry)) if filter_of(entry) else None:
            fixed |= _facts(expr, known)
            events = _narrowed(events, _asked(expr))
        within = replace(known, fixed=fixed)
        for _, key, expression in overlays_of(entry):
            overlay = trees.tree(expression)
            text = text_of(overlay, within.at) if overlay else ANYTHING
            try:
                added[tuple(part.name if part.index is None else "*" for part in parse_path(key))] = text
            except LastingError:
                continue  # PH002 says so
    return replace(known, provider=provider, events=events, fixed=fixed, added=added)


def _narrowed(events: list[str] | None, types: object) -> list[str] | None:
    if not isinstance(types, list):
        return events
    names = [name for name in types if isinstance(name, str)]
    return names if events is None else [name for name in events if name in names]


def _asked(filter_: Expr) -> list[str] | None:
    """Return the events that a filter lets through by their header."""
    for part in trees.conjuncts(filter_):
        if isinstance(part, Call) and part.function == "match" and trees.is_header(part.target) and part.args:
            name, value = trees.text(part.args[0]), trees.text(part.args[-1])
            if name and name.lower() in EVENT_HEADERS and value:
                return [value]
        if (
            isinstance(part, Call)
            and part.function in ("_==_", "@in")
            and trees.header_name(part.args[0]) in EVENT_HEADERS
        ):
            return sorted(trees.texts(part.args[1]) or ()) or None
    return None


def _facts(expr: Expr, known: Known) -> dict[trees.Path, Text]:
    """Return what a filter that is true says of single fields."""
    found: dict[trees.Path, Text] = {}
    for part in trees.conjuncts(expr):
        fact = _fact(part, known)
        if fact:
            found[fact[0]] = fact[1]
    return found


def _fact(expr: Expr, known: Known) -> tuple[trees.Path, Text] | None:
    if not isinstance(expr, Call):
        return None
    if expr.function == "_||_":
        facts = [_fact(arg, known) for arg in expr.args]
        named = [fact for fact in facts if fact]
        same = len(named) == len(facts) and len({path for path, _ in named}) == 1
        text = one_of(text for _, text in named) if same else None
        return (named[0][0], text) if text else None
    if expr.function in ("_==_", "@in"):
        left, right = expr.args
        if expr.function == "_==_" and trees.text(left) is not None:
            left, right = right, left
        values = trees.texts(right)
        path = _event_path(left)
        text = one_of(map(constant, sorted(values))) if values else None
        return (path, text) if path and text else None
    if expr.function == "matches" and expr.target and expr.args:
        path = _event_path(expr.target)
        chars = matched(trees.text(expr.args[0]) or "")
        if path and chars is not None:
            before = text_of(expr.target, known.at)
            return path, before.mapped(lambda held: held & chars)
    return None


def _event_path(expr: Expr) -> trees.Path | None:
    """Return the path of a field, or for an expression on fields the one by which `cel_text` asks for it again."""
    name = trees.header_name(expr)
    if name:
        return ("header", name)
    path = trees.path(expr)
    if path is None:
        return (EXPRESSION, trees.key(expr))
    return path if path[0] in ("body", "extensions") and len(path) > 1 else None
