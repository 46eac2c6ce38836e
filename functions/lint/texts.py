"""What the params of a trigger may be as text, from the expressions that are bound to them."""

from __future__ import annotations

from functions.lint.known import Known
from functions.lint.text import ANYTHING, Text, constant
from functions.lint.trees import Path
from functions.lint.views import View
from functions.model.resources import Param
from functions.rendering.bindings import Expression, compile_bindings
from functions.rendering.jsonpath.nodes import Field, Filter, Identifier, Slice, Wildcard

UID = Text(
    chars=frozenset("0123456789abcdef-"), sent=frozenset(), always=frozenset("-"), shortest=36, dash=False, known=True
)


def parts_of(param: Param) -> tuple[str | Expression, ...]:
    """Return the literal texts and expressions of a param, those that do not parse among them."""
    return compile_bindings([param], defaulted={param.name}).params[0].parts


def path_of(expression: Expression, *, every: str = "*") -> Path | None:
    """Return the names on an expression's path; None when it is no path.

    An index is `*`; a slice, filter or wildcard, which may find none, is `every`.
    """
    if expression.path is None or not expression.path.nodes:
        return None
    names: list[str] = []
    for node in expression.path.nodes:
        match node:
            case Field(name=name) | Identifier(name=name):
                names.append(name)
            case Slice(derived=True):
                names.append("*")
            case Slice() | Filter() | Wildcard():
                names.append(every)  # several results become a list, whose brackets and quotes are no sender's
            case _:
                return None
    return tuple(names)


def text_of(param: Param, known: Known) -> Text:
    """Return what a bound param may be."""
    found = constant("")
    for part in parts_of(param):
        if isinstance(part, str):
            found = found.then(constant(part))
            continue
        path = path_of(part)
        if path and path[0] == "header":
            path = (path[0], *(name.lower() for name in path[1:]))
        found = found.then(known.at(path) if path else ANYTHING)
    return found


def texts_of(view: View, known: Known) -> dict[str, Text]:
    """Return what the params may be that the template gets, `tt.params.NAME` each; defaults are the manifests' own."""
    found = {f"tt.params.{entry.param.name}": text_of(entry.param, known) for entry in view.bound}
    for declared in view.template.params if view.template else ():
        if declared.default is not None:
            name, default = f"tt.params.{declared.name}", constant(declared.default)
            found[name] = found[name].either(default) if name in found else default
    return found
