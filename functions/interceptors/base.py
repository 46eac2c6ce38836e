"""What every interceptor is: an optional verifier of the raw bytes, and a step from event to event or refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Protocol

from functions.delivery import Delivery
from functions.errors import LastingError
from functions.model.resources import InterceptorSpec, Registry
from functions.ports import Deadline, Services
from functions.values import Event, Json, Refusal, SecretRef, Status


class Assurance(IntEnum):
    """How well a delivery is known to be authentic; of several, the highest counts."""

    NONE = 0
    AUTHENTICATED = 1
    """A token or the user's own code vouched for the sender; the body may be anything."""
    SIGNED = 2
    """An HMAC over the raw body was right."""


@dataclass(frozen=True, slots=True)
class Call:
    """What surrounds one run of a chain."""

    delivery: Delivery
    services: Services
    deadline: Deadline
    trigger_id: str
    """`namespaces/NS/triggers/NAME` or `namespaces/NS/triggerGroups/NAME`, as custom interceptors are told."""


@dataclass(frozen=True, slots=True)
class Passed:
    """An interceptor's yes: the event as the next one sees it."""

    event: Event
    assurance: Assurance = Assurance.NONE


class Verifier(Protocol):
    """A check of the raw delivery with a secret. Equal verifiers are asked once a delivery, so they are hashable."""

    def verify(self, call: Call) -> Assurance | Refusal:
        """Return how well the delivery is known, or the refusal. Raises what `Secrets` raises."""


class Interceptor(Protocol):
    """One compiled interceptor. Immutable, shared between threads."""

    @property
    def verifier(self) -> Verifier | None:
        """The check to run before anything is parsed, if a secretRef asks for one."""

    @property
    def vouches(self) -> bool:
        """Whether this interceptor verifies the delivery in any way; a trigger without one does not run by default."""

    def intercept(self, event: Event, call: Call) -> Passed | Refusal:
        """Run on the parsed event. Raises errors of the family."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an interceptor stands, for what its references mean."""

    namespace: str
    """The trigger's (or group's listener's) namespace: secretRefs are looked up there."""
    listener_namespace: str
    """Where NamespacedInterceptors are looked up."""
    registry: Registry


def filtered(reason: str) -> Refusal:
    """Return the refusal of an event that is not wanted."""
    return Refusal(Status.FILTERED, reason)


def rejected(reason: str) -> Refusal:
    """Return the refusal of a delivery that is not authentic."""
    return Refusal(Status.REJECTED, reason)


def shown(text: str, limit: int = 64) -> str:
    """Return text that came from outside as a reason may quote it: printable and cut."""
    printable = "".join(character if character.isprintable() else "?" for character in text[: limit + 1])
    return printable if len(printable) <= limit else printable[:limit] + "…"


def extended(event: Event, extensions: Mapping[str, Json]) -> Event:
    """Merge extensions as Tekton does: shallowly, later keys replace earlier ones."""
    return replace(event, extensions={**event.extensions, **extensions}) if extensions else event


@dataclass(frozen=True, slots=True)
class Params:
    """An interceptor's params, read field by field; every mistake is a LastingError in Tekton's words."""

    interceptor: str
    values: Mapping[str, Json]
    _seen: set[str] = field(default_factory=set, compare=False)

    @classmethod
    def of(cls, spec: InterceptorSpec) -> Params:
        """Return the params of a core interceptor. Raises LastingError when one stands twice."""
        values: dict[str, Json] = {}
        for name, value in spec.params:
            if name in values:
                raise LastingError(f"failed to parse interceptor params: {spec.ref_name}: {name} is given twice")
            values[name] = value
        return cls(spec.ref_name, values)

    def _fail(self, path: str, wanted: str) -> LastingError:
        return LastingError(f"failed to parse interceptor params: {self.interceptor}: {path} must be {wanted}")

    def get(self, name: str) -> Json:
        """Return a param as it stands, None when it is missing."""
        self._seen.add(name)
        return self.values.get(name)

    def strings(self, name: str) -> tuple[str, ...] | None:
        """Return a list of strings, None when it is missing or null."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise self._fail(name, "a list of strings")
        strings = tuple(item for item in value if isinstance(item, str))
        if len(strings) != len(value):
            raise self._fail(name, "a list of strings")
        return strings

    def text(self, name: str) -> str:
        """Return a string, empty when it is missing or null."""
        value = self.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._fail(name, "a string")
        return value

    def mapping(self, name: str, allowed: tuple[str, ...]) -> Mapping[str, Json] | None:
        """Return an object that has no other fields than `allowed`, None when it is missing or null."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._fail(name, "an object")
        for key in value:
            if key not in allowed:
                raise LastingError(
                    f"failed to parse interceptor params: {self.interceptor}: {name}.{key} is unknown; known are "
                    + ", ".join(allowed)
                )
        return value

    def secret_ref(self, name: str, namespace: str) -> SecretRef | None:
        """Return a `{secretName, secretKey}` in `namespace`, None when it is missing or null."""
        value = self.mapping(name, ("secretName", "secretKey", "namespace"))
        return None if value is None else self.secret_of(value, name, namespace)

    def secret_of(self, value: Mapping[str, Json], path: str, namespace: str) -> SecretRef:
        """Return the `{secretName, secretKey}` that `value` is; `path` names it in errors."""
        secret_name, key = value.get("secretName"), value.get("secretKey")
        if not isinstance(key, str) or not key:
            raise LastingError(f"{self.interceptor} interceptor {path}.secretKey is empty")
        if not isinstance(secret_name, str) or not secret_name:
            raise LastingError(f"{self.interceptor} interceptor {path}.secretName is empty")
        if value.get("namespace") not in (None, "", namespace):
            raise LastingError(
                f"{self.interceptor} interceptor {path}.namespace: secrets are read in the trigger's own namespace only"
            )
        return SecretRef(namespace, secret_name, key)

    def refuse_unknown(self) -> None:
        """Check that every param was read. Raises LastingError naming one that is unknown."""
        for name in self.values:
            if name not in self._seen:
                raise LastingError(
                    f"failed to parse interceptor params: {self.interceptor}: {name} is unknown; known are "
                    + ", ".join(sorted(self._seen))
                )
