"""What one secret holds: its accepted versions, newest first, and which bytes a secretKey finds in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NoReturn

from msgspec import Struct

from functions.common.errors import LastingError
from functions.common.values import SecretRef

MAX_BYTES = 1024 * 1024
"""Kubernetes' limit for a whole Secret; Secret Manager's, 64 KiB a version, is lower."""


class SecretValue:
    """One version of a secret. It never shows what it holds: neither repr nor any error quotes it."""

    __slots__ = ("_keyed", "raw")

    def __init__(self, raw: bytes, keyed: Mapping[str, bytes | None] | None = None) -> None:
        if len(raw) > MAX_BYTES:
            raise LastingError(f"it is larger than {MAX_BYTES // 1024} KiB")
        self.raw = raw
        self._keyed = keyed

    def __repr__(self) -> str:
        return "SecretValue(...)"

    @classmethod
    def parsed(cls, raw: bytes) -> SecretValue:
        """Read a payload: a JSON object is looked up by key, anything else is the value for every key.

        Raises LastingError when it is larger than MAX_BYTES or an object that nests too deeply to be read.
        """
        value = cls(raw)
        return cls(raw, _json_object(raw)) if raw.lstrip()[:1] == b"{" else value

    def get(self, key: str) -> bytes | None:
        """Return the bytes for a key, None when a JSON object has no such key.

        Raises LastingError when the key's value is no string.
        """
        if self._keyed is None:
            return self.raw
        if key not in self._keyed:
            return None
        found = self._keyed[key]
        if found is None:
            raise LastingError(f"the value of key {key} is not a string in the secret's JSON object")
        return found


class Secret(Struct, frozen=True):
    """All accepted versions of one secret, newest first, as they were read together."""

    values: tuple[SecretValue, ...]
    names: tuple[str, ...] = ()
    """The versions' resource names, in the same order, where the source has such."""
    listed: float = float("-inf")
    """When all versions were last looked for, in seconds of the source's clock."""
    partial: bool = False
    """Whether older versions may be enabled that could not be looked for."""
    doubted: bool = False
    """Whether none of the values verified what was asked of them: then the source looks for all versions again."""

    def accepted(self, ref: SecretRef) -> tuple[bytes, ...]:
        """Return every value that verifies for a reference, newest first, none of them empty.

        A value that ends in one newline is accepted as it stands and without it: `echo` and editors add one that the
        sender's settings page does not show. Versions without the key, or with an empty value, are passed over as
        long as another has one. Raises LastingError, in Tekton's words, when none has.
        """
        found: list[bytes] = []
        problems: list[str] = []
        for value in self.values:
            try:
                data = value.get(ref.key)
            except LastingError as error:
                problems.append(error.reason)
                continue
            if data is None:
                problems.append(f"cannot find {ref.key} key in secret {ref.namespace}/{ref.name}, which has others")
            elif not data.strip():
                problems.append(f"the value of key {ref.key} is empty, and an empty secret verifies nothing")
            else:
                found += (data, data.removesuffix(b"\n").removesuffix(b"\r")) if data.endswith(b"\n") else (data,)
        if not found:
            raise LastingError(problems[0] if problems else "it has no enabled version")
        return tuple(dict.fromkeys(found))


def _json_object(raw: bytes) -> Mapping[str, bytes | None] | None:
    try:
        # float takes integers of any length, which int refuses from 4,300 digits on
        parsed: Mapping[str, object] = json.loads(raw.decode("utf-8"), parse_constant=_no_constant, parse_int=float)
    except ValueError:
        return None
    except RecursionError:
        raise LastingError("its JSON object nests too deeply") from None
    return {key: _bytes(value) for key, value in parsed.items()}


def _bytes(value: object) -> bytes | None:
    if not isinstance(value, str):
        return None
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError:
        # a lone surrogate: no sender can have this text as its key
        return None


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
