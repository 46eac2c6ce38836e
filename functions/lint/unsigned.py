"""Names that hold what no signature covers, headers and the event's id among it: PH406.

GitHub signs the body alone. A name that holds a header makes a new object of each copy of a captured delivery.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from functions.common.lenient import text_at
from functions.lint import trees
from functions.lint.hits import Hit
from functions.lint.known import Known, overlays_of
from functions.lint.reach import references
from functions.lint.text import ANYTHING
from functions.lint.texts import parts_of, path_of
from functions.lint.views import Bound, View

_UNSIGNED = frozenset({"header", "requestURL"})
"""Roots of CEL that are the sender's, whoever that is."""
_NAMING = (("apiVersion",), ("kind",), *(("metadata", name) for name in ("namespace", "name", "generateName")))
_ROOT = re.compile(r"[^A-Za-z]*(header|context)\b")
_MESSAGE = "this is no part of what is signed: with each made-up value a captured delivery makes a new object"
_HINT = "use generateName and a part of the body, or $(uid)"


def check(view: View, known: Known) -> Iterator[Hit]:
    """Check what names the resources of one trigger's template: kind, namespace, name and generateName."""
    extensions = _extensions(view)
    unsigned = {
        f"tt.params.{bound.param.name}": ANYTHING for bound in view.bound if _unsigned(bound, known, extensions)
    }
    for place, resource in view.resources if unsigned else ():
        for path in _NAMING:
            if about := references(text_at(resource, *path), unsigned):
                yield Hit("PH406", place.below(*path), _MESSAGE, _HINT, tuple(about))


def _extensions(view: View) -> set[str]:
    """Return the first names of the extensions into which overlays put headers, or what came of them."""
    found: set[str] = set()
    for entry in view.interceptors:
        for _, key, expression in overlays_of(entry):
            tree = trees.tree(expression)
            for path in trees.paths(tree) if tree else ():
                if path[0] in _UNSIGNED or (path[0] == "extensions" and (len(path) == 1 or path[1] in found)):
                    found.add(re.split(r"[.\[]", key, maxsplit=1)[0])
    return found


def _unsigned(bound: Bound, known: Known, extensions: set[str]) -> bool:
    for part in parts_of(bound.param):
        if isinstance(part, str):
            continue
        if root := _ROOT.match(part.text.removeprefix("$(")):
            # a webhook answers with headers of its own
            if root[1] == "context" or not known.rewritten:
                return True
            continue
        path = path_of(part) or ()
        if path[:1] == ("extensions",) and (extensions if len(path) == 1 else path[1] in extensions):
            return True
    return False
