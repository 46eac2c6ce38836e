"""Contexts of statuses that hold text of the event: PH205. Whoever writes it could have it read as another check."""

from __future__ import annotations

from collections.abc import Iterator

from functions.common.lenient import text_at
from functions.lint.hits import Hit
from functions.lint.reach import Scope, references
from functions.lint.views import View
from functions.model.annotations import STATUS

_MESSAGE = "whoever writes this text could spell it as another check that the branch requires"
_HINT = "use a fixed text, a number or a commit"


def check(view: View, texts: Scope) -> Iterator[Hit]:
    """Check the annotations `pipehook.dev/status` of one trigger's template."""
    for place, resource in view.resources:
        context = text_at(resource, "metadata", "annotations", STATUS)
        if names := tuple(name for name, text in references(context, texts).items() if text.runs):
            yield Hit("PH205", place.below("metadata", "annotations", STATUS), _MESSAGE, _HINT, names)
