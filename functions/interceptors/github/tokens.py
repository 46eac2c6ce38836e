"""Tokens for other services, from the trigger's secrets: the newest, and once more the renewed one after a 401."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct

from functions.common.errors import LastingError, TokenRefusedError
from functions.common.lenient import at, object_at
from functions.common.numbers import whole
from functions.common.ports import GitHubIdentity
from functions.common.values import SecretRef
from functions.interceptors.base import Call
from functions.interceptors.github.body import repository_in

T = TypeVar("T")

_TOKEN = re.compile(rb"[!-~]+")


class Own(Struct, frozen=True):
    """What is asked as ourselves, of a delivery that GitHub has signed."""

    repository: str
    permissions: Mapping[str, str]


def with_token(call: Call, ref: SecretRef | None, ask: Callable[[str], T], own: Own | None = None) -> T:
    """Return what `ask` returns for the secret's newest value; without a secret it is asked with an empty token.

    Without one and with `own`, it is asked with our own token, if we have one: for the repository and the App's
    installation that the signed body names. Raises what `Secrets` and `ask` raise, and LastingError when the secret's
    value is no token.
    """
    if ref is None:
        identity = call.services.identity
        return _as_ourselves(call, identity, ask, own) if identity and own else ask("")
    newest = call.services.secrets.accepted(ref, call.deadline)[0]
    try:
        return ask(_text(newest, ref))
    except TokenRefusedError:
        renewed = call.services.secrets.renewed(ref, call.deadline)
        if not renewed or renewed[0] == newest:
            raise
        return ask(_text(renewed[0], ref))


def _as_ourselves(call: Call, identity: GitHubIdentity, ask: Callable[[str], T], own: Own) -> T:
    body = object_at(call.body)
    repository = repository_in(body)
    if repository != own.repository:
        raise LastingError("an interceptor before has put another repository into the body than the one that signed it")
    installation = whole(at(body, "installation", "id")) or 0
    token = identity.token(repository, installation, own.permissions, deadline=call.deadline)
    try:
        return ask(token)
    except TokenRefusedError:
        renewed = identity.token(repository, installation, own.permissions, deadline=call.deadline, renew=True)
        if renewed == token:
            raise
        return ask(renewed)


def _text(value: bytes, ref: SecretRef) -> str:
    token = value.strip()  # files and copied values often end with a newline, which no header may hold
    if not _TOKEN.fullmatch(token):
        raise LastingError(f"the key {ref.key} of secret {ref.name} holds no token: it must be printable ASCII")
    return token.decode("ascii")
