"""Tokens for other services, from the trigger's secrets: the newest, and once more the renewed one after a 401."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from functions.common.errors import LastingError, TokenRefusedError
from functions.common.values import SecretRef
from functions.interceptors.base import Call

T = TypeVar("T")

_TOKEN = re.compile(rb"[!-~]+")


def with_token(call: Call, ref: SecretRef | None, ask: Callable[[str], T]) -> T:
    """Return what `ask` returns for the secret's newest value; without a secret it is asked with an empty token.

    Raises what `Secrets` and `ask` raise, and LastingError when the secret's value is no token.
    """
    if ref is None:
        return ask("")
    newest = call.services.secrets.accepted(ref, call.deadline)[0]
    try:
        return ask(_text(newest, ref))
    except TokenRefusedError:
        renewed = call.services.secrets.renewed(ref, call.deadline)
        if not renewed or renewed[0] == newest:
            raise
        return ask(_text(renewed[0], ref))


def _text(value: bytes, ref: SecretRef) -> str:
    token = value.strip()  # files and copied values often end with a newline, which no header may hold
    if not _TOKEN.fullmatch(token):
        raise LastingError(f"the key {ref.key} of secret {ref.name} holds no token: it must be printable ASCII")
    return token.decode("ascii")
