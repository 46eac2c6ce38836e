"""JSON that others wrote, read leniently: what is missing, or of another shape than is meant, counts as nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.common.values import Json


def at(document: Mapping[str, Json] | Json, *path: str) -> Json:
    """Return what stands at the end of a path of names, None where it leads nowhere."""
    found: Any = document
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found  # type: ignore[no-any-return] # a part of JSON is JSON


def object_at(document: Mapping[str, Json] | Json, *path: str) -> Mapping[str, Json]:
    """Return an object, empty where there is none."""
    found = at(document, *path)
    return found if isinstance(found, Mapping) else {}


def objects_at(document: Mapping[str, Json] | Json, *path: str) -> list[dict[str, Json]]:
    """Return the objects in a list, and nothing else that stands in it."""
    found = at(document, *path)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def text_at(document: Mapping[str, Json] | Json, *path: str) -> str:
    """Return a string, empty where there is none."""
    found = at(document, *path)
    return found if isinstance(found, str) else ""


def texts_at(document: Mapping[str, Json] | Json, *path: str) -> dict[str, str]:
    """Return the strings of an object by name, and nothing else that stands in it."""
    return {name: text for name, text in object_at(document, *path).items() if isinstance(text, str)}
