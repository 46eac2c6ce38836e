"""The kinds of patches: JSON merge patch (RFC 7386) and JSON patch (RFC 6902)."""

from __future__ import annotations

from typing import Any

from tests.standins.kubernetes.statuses import StatusError


def merge(target: Any, patch: Any) -> Any:
    """Apply a merge patch and give the result; the target stays as it is."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def apply_operations(document: Any, operations: Any) -> Any:
    """Apply a JSON patch (add, remove, replace, test, copy, move) to a document of our own."""
    if not isinstance(operations, list):
        raise StatusError(400, "json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    for operation in operations:
        try:
            document = _operate(document, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            text = "the server rejected our request due to an error in our request"
            raise StatusError(422, text, details={}) from error
    return document


def _operate(document: Any, operation: dict[str, Any]) -> Any:
    path = _pointer(operation["path"])
    match operation["op"]:
        case "test":
            if _read(document, path) != operation["value"]:
                raise ValueError("test failed")
            return document
        case "add":
            return _write(document, path, operation["value"], insert=True)
        case "replace":
            _read(document, path)
            return _write(document, path, operation["value"], insert=False)
        case "remove":
            return _remove(document, path)
        case "copy":
            return _write(document, path, _read(document, _pointer(operation["from"])), insert=True)
        case "move":
            source = _pointer(operation["from"])
            value = _read(document, source)
            return _write(_remove(document, source), path, value, insert=True)
    raise ValueError("unknown operation")


def _pointer(text: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _read(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _write(document: Any, path: list[str], value: Any, *, insert: bool) -> Any:
    if not path:
        return value
    holder = _read(document, path[:-1])
    if isinstance(holder, list):
        place = len(holder) if path[-1] == "-" else int(path[-1])
        holder[place : place + (0 if insert else 1)] = [value]
    else:
        holder[path[-1]] = value
    return document


def _remove(document: Any, path: list[str]) -> Any:
    holder = _read(document, path[:-1])
    del holder[int(path[-1]) if isinstance(holder, list) else path[-1]]
    return document
