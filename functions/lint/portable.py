"""CEL whose syntax another implementation refuses, so that other tools may not read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from functions.lint.hits import Hit
from functions.lint.known import expressions_of
from functions.lint.views import View

Opinion = Callable[[str], str]
"""Says where another parser of CEL stops in an expression; empty when it takes it."""


def check(view: View, opinion: Opinion) -> Iterator[Hit]:
    """Ask about the syntax of every expression that compiles here."""
    for place, expression, tree in (found for entry in view.interceptors for found in expressions_of(entry)):
        if tree and (where := opinion(expression)):
            message = f"not portable CEL: cel-python's parser stops at {where}"
            yield Hit("PH307", place, message, "it runs here and in Tekton; for other tools, write it more plainly")
