"""An interceptor's params, read as Go decodes them into a struct: the right types, unknown fields passed over."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from functions.common.errors import LastingError
from functions.common.values import Json, SecretRef
from functions.model.resources import InterceptorSpec


class Params(Struct, frozen=True):
    """An interceptor's params, read field by field; every mistake is a LastingError in Tekton's words.

    Names that Tekton reads in another case are settled where manifests are decoded (`model.core_params`).
    """

    interceptor: str
    values: Mapping[str, Json]
    path: str = ""
    """Where these fields stand in the params, ending with a dot; empty at the top."""

    @classmethod
    def of(cls, spec: InterceptorSpec) -> Params:
        """Return an interceptor's params; of several with one name the last counts, as in GetInterceptorParams."""
        return cls(spec.ref_name, dict(spec.params))

    def mistake(self, name: str, wanted: str) -> LastingError:
        """Return the error that says what the field `name` must be."""
        return LastingError(
            f"failed to parse interceptor params: {self.interceptor}: {self.path}{name} must be {wanted}"
        )

    def get(self, name: str) -> Json:
        """Return a field as it stands, None when it is missing."""
        return self.values.get(name)

    def strings(self, name: str) -> tuple[str, ...] | None:
        """Return a list of strings, None when it is missing or null."""
        value = self.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            raise self.mistake(name, "a list of strings")
        strings = tuple(item or "" for item in value if isinstance(item, str | None))  # to Go null is no text
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
        secret_name, key = section.text("secretName"), section.text("secretKey")
        if not key:
            raise LastingError(f"{path}.secretKey is empty")
        if not secret_name:
            raise LastingError(f"{path}.secretName is empty")
        return SecretRef(namespace, secret_name, key)
