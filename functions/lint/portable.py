"""CEL whose syntax another implementation refuses, so that other tools may not read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from functions.lint import trees
from functions.lint.hits import Hit
from functions.lint.known import filter_of, overlays_of
from functions.lint.places import Place
from functions.lint.views import View

Opinion = Callable[[str], str]
"""Says where another parser of CEL stops in an expression; empty when it takes it."""


def check(view: View, opinion: Opinion) -> Iterator[Hit]:
    """Ask about the syntax of every expression that compiles here."""
    for place, expression in _expressions(view):
        if trees.tree(expression) is not None and (where := opinion(expression)):
            message = f"not portable CEL: cel-python's parser stops at {where}"
            yield Hit("PH307", place, message, "it runs here and in Tekton; for other tools, write it more plainly")


def _expressions(view: View) -> Iterator[tuple[Place, str]]:
    for entry in view.interceptors:
        if source := filter_of(entry):
            yield entry.param_place("filter").below("value"), source
        for position, _, expression in overlays_of(entry):
            yield entry.param_place("overlays").below("value", position, "expression"), expression
