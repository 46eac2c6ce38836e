"""An interceptor's params, read strictly: the right types, no field twice, no field that nobody reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from functions.dataclass import dataclass
from functions.errors import LastingError
from functions.interceptors.base import shown
from functions.model.resources import InterceptorSpec
from functions.values import Json, SecretRef


@dataclass(frozen=True, slots=True)
class Params:
    """An interceptor's params, read field by field; every mistake is a LastingError in Tekton's words.

    Stricter than Tekton, which reads Go's JSON: there unknown fields are dropped and names match in any case.
    """

    interceptor: str
    values: Mapping[str, Json]
    path: str = ""
    """Where these fields stand in the params, ending with a dot; empty at the top."""
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

    def mistake(self, name: str, wanted: str) -> LastingError:
        """Return the error that says what the field `name` must be."""
        return LastingError(
            f"failed to parse interceptor params: {self.interceptor}: {self.path}{name} must be {wanted}"
        )

    def get(self, name: str) -> Json:
        """Return a field as it stands, None when it is missing."""
        self._seen.add(name)
        return self.values.get(name)

    def strings(self, name: str) -> tuple[str, ...] | None:
        """Return a list of strings, None when it is missing or null."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise self.mistake(name, "a list of strings")
        strings = tuple(item for item in value if isinstance(item, str))
        if len(strings) != len(value):
            raise self.mistake(name, "a list of strings")
        return strings

    def text(self, name: str) -> str:
        """Return a string, empty when it is missing or null."""
        value = self.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.mistake(name, "a string")
        return value

    def boolean(self, name: str) -> bool:
        """Return true or false, false when it is missing or null."""
        value = self.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self.mistake(name, "true or false")
        return value

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """Return one of `choices`, empty when it is missing, null or empty."""
        value = self.text(name)
        if value and value not in choices:
            raise self.mistake(name, f"one of {', '.join(choices)}{_did_you_mean(value, choices)}")
        return value

    def section(self, name: str) -> Params | None:
        """Return the fields of an object, None when it is missing or null."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.mistake(name, "an object")
        return Params(self.interceptor, value, f"{self.path}{name}.")

    def sections(self, name: str) -> tuple[Params, ...]:
        """Return the fields of each object in a list, none when it is missing or null."""
        value = self.get(name)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.mistake(name, "a list of objects")
        items: list[Params] = []
        for position, item in enumerate(value):
            if not isinstance(item, dict):
                raise self.mistake(f"{name}[{position}]", "an object")
            items.append(Params(self.interceptor, item, f"{self.path}{name}[{position}]."))
        return tuple(items)

    def secret_ref(self, name: str, namespace: str) -> SecretRef | None:
        """Return a `{secretName, secretKey}` in `namespace`, the trigger's own; None when it is missing or null."""
        section = self.section(name)
        if section is None:
            return None
        path = f"{self.interceptor} interceptor {self.path}{name}"
        secret_name, key, named_namespace = (section.text(part) for part in ("secretName", "secretKey", "namespace"))
        section.refuse_unknown()
        if not key:
            raise LastingError(f"{path}.secretKey is empty")
        if not secret_name:
            raise LastingError(f"{path}.secretName is empty")
        if named_namespace not in ("", namespace):
            raise LastingError(f"{path}.namespace: secrets are read in the trigger's own namespace only")
        return SecretRef(namespace, secret_name, key)

    def refuse_unknown(self) -> None:
        """Check that every field was read. Raises LastingError naming the first that is unknown."""
        for name in self.values:
            if name not in self._seen:
                known = tuple(sorted(self._seen))
                raise LastingError(
                    f"failed to parse interceptor params: {self.interceptor}: {self.path}{shown(name)} is unknown"
                    f"{_did_you_mean(name, known)}; known are {', '.join(known)}"
                )


def _did_you_mean(name: str, known: tuple[str, ...]) -> str:
    # only a mistake needs it, and mistakes are rare at start
    from difflib import get_close_matches  # noqa: PLC0415

    by_lower = {word.lower(): word for word in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return f" (did you mean {by_lower[close[0]]}?)" if close else ""
