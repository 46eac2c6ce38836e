"""Reading CEL: expressions checked, and the paths of the event that they name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from functions.cel.checker import check
from functions.cel.errors import CelError
from functions.cel.parser import read
from functions.cel.syntax import Call, Expr, Fold, Ident, ListExpr, Literal, MapExpr, Select

Path = tuple[str, ...]


@lru_cache(maxsize=512)  # several rules read the same expression
def tree(source: str) -> Expr | None:
    """Return an expression, its parts marked with their types; None when it does not compile (PH002 says so)."""
    try:
        found = read(source)
        check(source, found)
    except (CelError, RecursionError):
        return None
    return found


def path(expr: Expr) -> Path | None:
    """Return `("body", "a", "*")` for `body.a[0]`; None for what is no path."""
    if isinstance(expr, Ident):
        return (expr.name,)
    if isinstance(expr, Select):
        base = path(expr.operand)
        return (*base, expr.field) if base else None
    if isinstance(expr, Call) and expr.function == "_[_]":
        base, key = path(expr.args[0]), text(expr.args[1])
        return (*base, "*" if key is None else key) if base else None
    return None


def text(expr: Expr) -> str | None:
    """Return the text of a literal."""
    return expr.value if isinstance(expr, Literal) and isinstance(expr.value, str) else None


def texts(expr: Expr) -> frozenset[str] | None:
    """Return the texts of a literal, or of a list of literals; None of anything else."""
    if isinstance(expr, ListExpr):
        found = [text(item) for item in expr.items]
        return None if None in found else frozenset(item for item in found if item is not None)
    single = text(expr)
    return None if single is None else frozenset({single})


def header_name(expr: Expr) -> str | None:
    """Return the name, in small letters, in `header.canonical(…)` and `header['…']`."""
    name = None
    if isinstance(expr, Call) and expr.function == "canonical" and is_header(expr.target) and expr.args:
        name = text(expr.args[0])
    elif (found := path(expr)) and found[0] == "header" and len(found) == 2:  # noqa: PLR2004 -- header and a name
        name = found[1]
    return name.lower() if name else None


def is_header(expr: Expr | None) -> bool:
    """Say whether this is the variable with the headers."""
    return isinstance(expr, Ident) and expr.name == "header"


def conjuncts(expr: Expr) -> Iterator[Expr]:
    """Yield the parts of `a && b && c`."""
    if isinstance(expr, Call) and expr.function == "_&&_":
        for arg in expr.args:
            yield from conjuncts(arg)
    else:
        yield expr


def parts(expr: Expr) -> list[Expr]:
    """Return what an expression consists of."""
    match expr:
        case Call():
            return [*([expr.target] if expr.target else []), *expr.args]
        case Select():
            return [expr.operand]
        case ListExpr():
            return list(expr.items)
        case MapExpr():
            return [part for entry in expr.entries for part in entry]
        case Fold():
            return [part for part in (expr.source, expr.condition, expr.result) if part]
    return []


def nodes(expr: Expr) -> Iterator[Expr]:
    """Yield an expression and all that it consists of."""
    yield expr
    for part in parts(expr):
        yield from nodes(part)


def paths(expr: Expr) -> Iterator[Path]:
    """Yield every path that an expression names, tested with has() or `in` as well."""
    for node in nodes(expr):
        if found := path(node):
            yield found
        if isinstance(node, Call) and node.function == "@in":
            key, holder = text(node.args[0]), path(node.args[1])
            if key is not None and holder:
                yield (*holder, key)


def key(expr: Expr) -> str:
    """Return a text that two expressions share when they are written alike; a macro shares it with nothing."""
    match expr:
        case Literal(value=value):
            return repr(value)
        case Ident(name=name):
            return name
        case Select(field=field, test=False):
            return f"{key(expr.operand)}.{field}"
        case Call(function=function, target=target):
            return f"{key(target) if target else ''}:{function}({','.join(map(key, expr.args))})"
        case ListExpr(items=items):
            return f"[{','.join(map(key, items))}]"
    return f"<{id(expr)}>"
