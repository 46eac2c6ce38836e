"""Contexts of statuses that hold text of the event: PH205. Whoever writes it could have it read as another check."""

from __future__ import annotations

from collections.abc import Iterator

from functions.lint.hits import Hit
from functions.lint.reach import Scope, references
from functions.lint.views import View
from functions.model.annotations import STATUS

_MESSAGE = "whoever writes this text could spell it as another check that the branch requires"
_HINT = "use a fixed text, a number or a commit"


def check(view: View, texts: Scope) -> Iterator[Hit]:
    """Check the annotations `pipehook.dev/status` of one trigger's template."""
    for position, resource in enumerate(view.template.resources if view.template else ()):
        metadata = resource.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        context = annotations.get(STATUS) if isinstance(annotations, dict) else None
        if not isinstance(context, str):
            continue
        if names := tuple(name for name, text in references(context, texts).items() if text.runs):
            place = view.template_place.below("resourcetemplates", position, "metadata", "annotations", STATUS)
            yield Hit("PH205", place, _MESSAGE, _HINT, names)
