"""How a secretRef becomes a Secret Manager id or a directory, so that it never reaches outside its tenant.

SECRET_ID_FORMAT puts `{name}` and `{namespace}` into one flat id. Names are held to Kubernetes' own rules first, so no
path and no foreign character gets in. What remains is that an id may be spelt by two tenants: with the format
`{namespace}-{name}`, `team` + `a-hook` and `team-a` + `hook` are both `team-a-hook`. The rule is:

- `{namespace}_{name}` (recommended) has one reading only, since no Kubernetes name holds `_`; nothing is ever refused.
- With an ambiguous format an id belongs to the longest namespace that the loaded triggers know and that can spell it:
  `team-a-hook` is team-a's, as its owner expects, and the reference `a-hook` of `team` is refused with the remedy.
- When the namespaces are not known, every reference whose id has a second reading is refused.

Whoever may create namespaces of any name can still choose one that extends another tenant's, so tenants who do not
trust each other need the recommended format. Without `{namespace}` all namespaces share their secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from functions.common.errors import LastingError
from functions.common.values import SecretRef

RECOMMENDED = "{namespace}_{name}"

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_KEY = re.compile(r"(?!\.\.)(?!\.\Z)[-._a-zA-Z0-9]{1,253}")
_MANAGER_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_FIELD = re.compile(r"(\{name\}|\{namespace\})")
_NEVER_IN_NAMES = re.compile(r"[A-Z_]")
_LONGEST_NAMESPACE = 63
_LONGEST_DIRECTORY = 255

Namespaces = Callable[[], Collection[str]]
"""Gives the namespaces of all loaded triggers, as they are now."""


def check_reference(ref: SecretRef) -> None:
    """Hold a reference to Kubernetes' rules (DNS-1123 names, IsConfigMapKey). Raises LastingError saying which."""
    if not _NAMESPACE.fullmatch(ref.namespace):
        raise LastingError("its namespace is not a name that Kubernetes allows: lower-case letters, digits and -")
    if not _NAME.fullmatch(ref.name):
        raise LastingError("secretName is not a name that Kubernetes allows: lower-case letters, digits, - and .")
    if not _KEY.fullmatch(ref.key):
        raise LastingError("secretKey is not a key that Kubernetes allows: letters, digits, -, _ and .")


class SecretIds:
    """Builds ids by one format. Immutable."""

    def __init__(self, template: str, namespaces: Namespaces | None = None) -> None:
        self._template = template
        self._namespaces = namespaces
        self._parts = tuple(part for part in _FIELD.split(template) if part)
        self._fixed = sum(len(part) for part in self._parts if not _FIELD.fullmatch(part))
        self._spaces = self._parts.count("{namespace}")
        self._names = self._parts.count("{name}")

    @property
    def ambiguous(self) -> bool:
        """Whether an id may have several readings: no character that names cannot hold parts two of the fields."""
        inner = self._template[self._template.index("{") : self._template.rindex("}") + 1]
        return bool(self._spaces) and not all(_NEVER_IN_NAMES.search(text) for text in _FIELD.split(inner)[2:-2:2])

    def directory(self, ref: SecretRef) -> str:
        """Return the name of a reference's directory. Raises LastingError."""
        identifier = self._owned(ref)
        if len(identifier) > _LONGEST_DIRECTORY:
            raise LastingError(f"its directory's name would be longer than {_LONGEST_DIRECTORY} characters")
        return identifier

    def manager_id(self, ref: SecretRef) -> str:
        """Return the Secret Manager id of a reference. Raises LastingError when there can be none."""
        identifier = self._owned(ref)
        if "." in identifier:
            raise LastingError(
                "secretName holds a dot, which no Secret Manager id can: use a name of letters, digits and - in the "
                "manifest"
            )
        if not _MANAGER_ID.fullmatch(identifier):
            raise LastingError("its Secret Manager id would be longer than 255 characters: use a shorter secretName")
        return identifier

    def readings(self, identifier: str) -> Iterator[tuple[str, str]]:
        """Give every (namespace, name) that the format spells as `identifier`."""
        rest = len(identifier) - self._fixed
        for length in range(1, _LONGEST_NAMESPACE + 1):
            left = rest - length * self._spaces
            if left < self._names:
                return
            if left % self._names == 0:
                reading = self._read(identifier, length, left // self._names)
                if reading is not None:
                    yield reading

    def _owned(self, ref: SecretRef) -> str:
        check_reference(ref)
        identifier = self._template.replace("{namespace}", ref.namespace).replace("{name}", ref.name)
        if not self._spaces:
            return identifier
        others = {namespace for namespace, _ in self.readings(identifier)} - {ref.namespace}
        if others and self._namespaces is None:
            raise LastingError(
                f"the id {identifier} has a second reading with SECRET_ID_FORMAT={self._template}, so it could be "
                f"another namespace's: set SECRET_ID_FORMAT={RECOMMENDED}"
            )
        if others and self._namespaces is not None:
            owner = max(others.intersection(self._namespaces()), key=len, default="")
            if len(owner) > len(ref.namespace):
                raise LastingError(
                    f"the id {identifier} belongs to namespace {owner} with SECRET_ID_FORMAT={self._template}: choose "
                    f"another secretName, or set SECRET_ID_FORMAT={RECOMMENDED}"
                )
        return identifier

    def _read(self, identifier: str, space: int, name: int) -> tuple[str, str] | None:
        found: dict[str, str] = {}
        position = 0
        for part in self._parts:
            length = space if part == "{namespace}" else name if part == "{name}" else len(part)
            text = identifier[position : position + length]
            position += length
            wanted = found.setdefault(part, text) if part in ("{namespace}", "{name}") else part
            if text != wanted:
                return None
        if not _NAMESPACE.fullmatch(found["{namespace}"]) or not _NAME.fullmatch(found["{name}"]):
            return None
        return found["{namespace}"], found["{name}"]
