"""OWNERS and OWNERS_ALIASES of a repository's default branch: who is named in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from functions.common.errors import LastingError
from functions.common.values import Json

MAX_FILE = 256 * 1024
"""Characters of either file."""
MAX_LEVELS = 20
"""Levels of nesting; they need three."""


def owners_named(text: str) -> frozenset[str]:
    """Return the approvers and reviewers in OWNERS, logins and aliases in lower case.

    Raises LastingError when it is not as Tekton reads it.
    """
    document = _document(text, "OWNERS", "approvers and reviewers")
    return frozenset().union(*(_logins(document.get(name), "OWNERS", name) for name in ("approvers", "reviewers")))


def expanded(names: frozenset[str], aliases: str) -> frozenset[str]:
    """Return names with each that OWNERS_ALIASES defines replaced by its members, as prow does it.

    An alias is no login, then: who registers its name at GitHub is not an owner. Raises LastingError when the file is
    not as prow reads it. https://docs.prow.k8s.io/docs/components/plugins/approve/approvers/
    """
    defined = _document(aliases, "OWNERS_ALIASES", "aliases").get("aliases") or {}
    if not isinstance(defined, dict):
        raise LastingError("in the OWNERS_ALIASES file, aliases is no object")
    members = {name.lower(): _logins(logins, "OWNERS_ALIASES", "an alias") for name, logins in defined.items()}
    return frozenset().union(*(members.get(name, frozenset({name})) for name in names))


def _document(text: str, file: str, wanted: str) -> dict[str, Json]:
    if len(text) > MAX_FILE:
        raise LastingError(f"the {file} file is longer than {MAX_FILE // 1024} KiB")
    # only these checks need YAML, whose import a cold start should not pay for
    import yaml  # noqa: PLC0415

    try:
        document = _read(yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)), file)
    except (yaml.YAMLError, RecursionError) as error:
        raise LastingError(f"the {file} file is no YAML") from error
    if document is None or document == "":
        return {}
    if not isinstance(document, dict) or not all(isinstance(name, str) for name in document):
        raise LastingError(f"the {file} file is no YAML object with {wanted}")
    return document


def _read(events: Iterator[Any], file: str) -> Json:
    """Return the one document of a file, every scalar as text: a login may be all digits.

    From libyaml's events, which it finds in linear time as long as nothing nests deeply, and without building nodes.
    """
    opened: list[_Open] = []
    documents: list[Json] = []
    anchors: dict[str, Json] = {}
    for event in events:
        kind = type(event).__name__
        if kind.endswith("StartEvent") and kind[:-10] in ("Mapping", "Sequence"):
            if len(opened) == MAX_LEVELS:
                raise LastingError(f"the {file} file nests deeper than {MAX_LEVELS} levels")
            value: Json = {} if kind == "MappingStartEvent" else []
            opened.append(_Open(value, event.anchor))
            continue
        if kind in ("MappingEndEvent", "SequenceEndEvent"):
            closed = opened.pop()
            value, anchor = closed.value, closed.anchor
        elif kind == "ScalarEvent":
            value, anchor = event.value, event.anchor
        elif kind == "AliasEvent" and event.anchor in anchors:
            value, anchor = anchors[event.anchor], None
        elif kind == "AliasEvent":
            raise LastingError(f"the {file} file is no YAML: it has an alias without an anchor")
        else:
            continue
        if anchor is not None:
            anchors[anchor] = value
        if opened:
            opened[-1].add(value, file)
        else:
            documents.append(value)
    if len(documents) > 1:
        raise LastingError(f"the {file} file is no YAML of one document")
    return documents[0] if documents else None


class _Open:
    """A collection that is being read."""

    def __init__(self, value: Json, anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self._key: str | None = None

    def add(self, value: Json, file: str) -> None:
        """Add an item, or a key or the value that follows it."""
        if isinstance(self.value, list):
            self.value.append(value)
        elif isinstance(self.value, dict) and self._key is None:
            if not isinstance(value, str):
                raise LastingError(f"the {file} file is no YAML object: a key of it is no text")
            self._key = value
        elif isinstance(self.value, dict) and self._key is not None:
            self.value[self._key], self._key = value, None


def _logins(value: Json, file: str, name: str) -> frozenset[str]:
    found = value or []
    if not isinstance(found, list):
        raise LastingError(f"in the {file} file, {name} is no list of logins")
    logins = frozenset(login.lower() for login in found if isinstance(login, str))
    if not all(isinstance(login, str) for login in found):
        raise LastingError(f"in the {file} file, {name} is no list of logins")
    return logins
