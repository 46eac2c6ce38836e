"""What runs here and not in a cluster with Tekton Triggers, as far as interceptors go: params and functions of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from functions.cel.declarations import OWN
from functions.cel.syntax import Call, Expr
from functions.lint import trees
from functions.lint.hits import Hit
from functions.lint.known import filter_of, is_core, overlays_of
from functions.lint.places import Place
from functions.lint.views import View

_PARAMS: Mapping[str, tuple[str, ...]] = {
    "bitbucket": ("addChangedFiles",),
    "github": ("addFailedContexts", "addPRBody"),
    "gitlab": ("addChangedFiles",),
    "slack": ("secretRef",),
}


def check(view: View) -> Iterator[Hit]:
    """Check one trigger's chain."""
    for entry in view.interceptors:
        name = entry.spec.ref_name
        for param in _PARAMS.get(name, ()):
            if is_core(entry, name) and entry.param(param) is not None:
                message = f"Tekton's {name} interceptor ignores {param}, and adds or checks nothing"
                yield Hit("PH006", entry.param_place(param), message)
        yield from _functions(filter_of(entry), entry.param_place("filter").below("value"))
        for position, _, expression in overlays_of(entry):
            place = entry.param_place("overlays").below("value", position, "expression")
            yield from _functions(expression, place)


def _functions(source: str, place: Place) -> Iterator[Hit]:
    tree = trees.tree(source) if source else None
    if found := sorted(_called(tree)) if tree else []:
        yield Hit(
            "PH006", place, "Tekton's cel interceptor refuses functions that it does not know", about=tuple(found)
        )


def _called(expr: Expr) -> frozenset[str]:
    own = {expr.function} & OWN if isinstance(expr, Call) else frozenset[str]()
    return frozenset(own).union(*map(_called, trees.parts(expr)))
