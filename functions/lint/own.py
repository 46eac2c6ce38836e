"""What runs here and not in a cluster with Tekton Triggers, as far as interceptors go: params and functions of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from functions.cel.declarations import OWN
from functions.cel.syntax import Call
from functions.lint import trees
from functions.lint.hits import Hit
from functions.lint.known import expressions_of, is_core
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
        for place, _, tree in expressions_of(entry):
            called = {node.function for node in (trees.nodes(tree) if tree else ()) if isinstance(node, Call)}
            if found := tuple(sorted(called & OWN)):
                message = "Tekton's cel interceptor refuses functions that it does not know"
                yield Hit("PH006", place, message, about=found)
