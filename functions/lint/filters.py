"""Filters of CEL that can never be true, in whole or in a part: PH301."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from functions.cel.syntax import Call, Expr, Literal
from functions.lint import events, fields, trees
from functions.lint.known import EVENT_HEADERS, Known
from functions.model.findings import did_you_mean

_MAYBE_BOOL = frozenset({"bool", "dyn"})
_BRANCHES = frozenset(
    {
        ("body", "object_attributes", "source_branch"),
        ("body", "object_attributes", "target_branch"),
        ("body", "project", "default_branch"),
        ("body", "pull_request", "base", "ref"),
        ("body", "pull_request", "head", "ref"),
        ("body", "pullrequest", "destination", "branch", "name"),
        ("body", "pullrequest", "source", "branch", "name"),
        ("body", "repository", "default_branch"),
    }
)
"""What holds the name of a branch and no ref."""
_OF_GITEA = frozenset({"label_cleared", "label_updated", "reviewed"})
"""Actions of Gitea, which sends GitHub's headers; its synchronized is mostly a slip for synchronize."""

_REFS = ("refs/heads/", "refs/tags/")


class Seen(Struct, frozen=True):
    """The events that a filter sees: what is known of them, and their names."""

    known: Known
    names: list[str] | None
    words: frozenset[str] = frozenset()
    """All texts of the filter."""

    @property
    def pushes(self) -> bool:
        """Whether all of them are pushes."""
        return bool(self.names) and events.PUSHES.issuperset(self.names or ())


def narrowed(names: list[str] | None, tree: Expr) -> list[str] | None:
    """Return which of the events a filter lets through, by what it says of their header."""
    return _narrowed(names, _facts(tree).events)


def never(tree: Expr, seen: Seen) -> tuple[str, str] | None:
    """Return why a filter, or a part of it, can never be true, and what to do; None when it may be."""
    if (kind := str(tree.type)) not in _MAYBE_BOOL:
        return f"the filter is of type {kind} and never true", "compare it with something"
    why = next(_impossible(seen, _facts(tree)), None)
    if why:
        return f"the filter can never be true: {why}", ""
    reasons: list[_Reason] = []
    words = frozenset(text for node in trees.nodes(tree) if (text := trees.text(node)))
    dead = _dead(tree, Seen(seen.known, narrowed(seen.names, tree), words), reasons)
    # a part that is true of other events may stand in a filter that several triggers share
    found = next((reason for reason in reasons if dead or reason.slip), None)
    if found is None:
        return None
    return f"{'' if dead else 'a part of '}the filter can never be true: {found.why}", found.hint


class _Reason(Struct, frozen=True):
    """Why a comparison is never true. `slip`: of no event, and so by no intention."""

    why: str
    hint: str = ""
    slip: bool = True


def _narrowed(names: list[str] | None, asked: list[frozenset[str]]) -> list[str] | None:
    wanted = names
    for allowed in asked:
        wanted = sorted(allowed) if wanted is None else [name for name in wanted if name in allowed]
    return wanted


def _impossible(seen: Seen, facts: _Facts) -> Iterator[str]:
    if facts.false:
        yield "a part of it is false"
    if _narrowed(seen.names, facts.events) == [] and facts.events and not seen.known.replaced:
        asked = ", ".join(sorted({name for allowed in facts.events for name in allowed}))
        yield f"it wants {asked}, and the chain lets {', '.join(seen.names or []) or 'one of them only'} through"
    for path, allowed in facts.values.items():
        if not frozenset.intersection(*allowed):
            yield f"{'.'.join(path)} cannot equal several values at once"


class _Facts(Struct):
    """What the conjuncts of a filter demand."""

    false: bool = False
    events: list[frozenset[str]] = field(default_factory=list)
    values: dict[trees.Path, list[frozenset[str]]] = field(default_factory=dict)


def _facts(tree: Expr) -> _Facts:
    facts = _Facts()
    for part in trees.conjuncts(tree):
        if isinstance(part, Literal) and part.value is False:
            facts.false = True
        elif isinstance(part, Call) and part.function == "match" and trees.is_header(part.target):
            name, wanted = (trees.text(part.args[position]) for position in (0, -1))
            if name and name.lower() in EVENT_HEADERS and wanted is not None:
                facts.events.append(frozenset({wanted}))
        elif equal := _equal(part):
            left, values = equal
            if trees.header_name(left) in EVENT_HEADERS and not trees.path(left):
                facts.events.append(values)
            elif path := trees.path(left):
                facts.values.setdefault(path, []).append(values)
    return facts


def _equal(part: Expr) -> tuple[Expr, frozenset[str]] | None:
    """Return what equals one of some texts: `x == 'a'`, `'a' == x`, `x in ['a', 'b']`."""
    if not isinstance(part, Call) or part.function not in ("_==_", "@in"):
        return None
    left, right = part.args
    if part.function == "_==_" and isinstance(left, Literal):
        left, right = right, left
    values = trees.texts(right)
    return None if values is None else (left, values)


def _dead(expr: Expr, seen: Seen, reasons: list[_Reason]) -> bool:
    """Say whether an expression is never true, and note what in it never is."""
    if isinstance(expr, Call) and expr.function in ("_&&_", "_||_"):
        sides = [_dead(arg, seen, reasons) for arg in expr.args]
        return any(sides) if expr.function == "_&&_" else all(sides)
    if pattern := _pattern(expr):
        reasons.append(pattern)
        return True
    if equal := _equal(expr):
        path, values = trees.path(equal[0]), equal[1]
        found = [why for value in sorted(values) if path and (why := _never_equals(path, value, seen))]
    elif isinstance(expr, Call) and expr.function == "startsWith" and expr.target:
        path, start = trees.path(expr.target), trees.text(expr.args[0])
        found, values = [why for why in [_never_begins(path, start, seen)] if why], frozenset({""})
    else:
        return False
    reasons += found
    return bool(found) and len(found) == len(values)


def _pattern(expr: Expr) -> _Reason | None:
    """Return what is wrong with `header.match('ce-type', 'dev.tekton.*')`; types of content hold `/*`."""
    if isinstance(expr, Call) and expr.function == "match" and trees.is_header(expr.target):
        name, value = trees.text(expr.args[0]), trees.text(expr.args[-1]) or ""
        start, star, _ = value.partition("*")
        if star and "/*" not in value:
            hint = f"write header.canonical('{name}').startsWith('{start}')"
            return _Reason(f"header.match compares the whole value, and {value} is no pattern", hint)
    return None


def _never_equals(path: trees.Path, value: str, seen: Seen) -> _Reason | None:
    names, known = seen.names, seen.known
    if known.replaced:
        return None
    if path[0] == "header" and len(path) == 2:  # noqa: PLR2004 -- header and a name
        return _Reason("a header is a list of texts", f"write header.match('{path[1]}', '{value}')")
    if path[0] != "body" or (why := _never_begins(path, value, seen)):
        return why if path[0] == "body" else None
    if path == ("body", "action"):
        return _no_action(value, names or [], seen.words)
    shown, gitlab = ".".join(path), known.provider == "gitlab" or events.gitlab(names or ())
    github = not gitlab and (names is not None or known.provider == "github")
    text = fields.of_body(path[1:], provider=True, events=names)
    if text is fields.NUMBER and (github or gitlab):
        return _Reason(f"{shown} is a number, true or false, and equals no text", "leave the quotes out")
    if github and (lacking := sorted(text.always - set(value))):
        return _Reason(f"{shown} always holds {' '.join(lacking)}")
    if github and "/" in value and "/" not in text.chars and path not in _BRANCHES:
        return _Reason(f"{shown} never holds /")
    return None


def _no_action(value: str, names: list[str], beside: frozenset[str]) -> _Reason | None:
    actions = events.actions(names)
    if not actions or value in actions | _OF_GITEA:
        return None
    message = f'no event of {", ".join(names)} has the action "{value}"'
    slip = any(_alike(value, action) for action in actions - beside)
    return _Reason(message, did_you_mean(value, sorted(actions)), slip)


def _never_begins(path: trees.Path | None, start: str | None, seen: Seen) -> _Reason | None:
    if start is None or seen.known.replaced:
        return None
    if path == ("body", "ref") and seen.pushes and not any(start.startswith(r) or r.startswith(start) for r in _REFS):
        if "ref" in start:
            return _Reason(f"the ref of a push begins with {' or '.join(_REFS)}")
        return _Reason(f'the ref of a push is written in full: "refs/heads/{start}"', slip=False)
    if path in _BRANCHES and start.startswith("refs/"):
        short = start.removeprefix("refs/heads/")
        return _Reason(f"{'.'.join(path or ())} is the name of a branch", f'write "{short}"', slip=False)
    return None


def _alike(value: str, action: str) -> bool:
    """Say whether one is the other but for its end: `synchronized`, `open`."""
    length = max(4, min(len(value), len(action)) - 2)
    return value[:length] == action[:length]
