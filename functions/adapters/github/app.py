"""A GitHub App: the web tokens by which it says who it is, and the tokens of its installations.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from functions.adapters.github.answers import Question, unexpected
from functions.adapters.github.transport import GitHubTransport
from functions.common.errors import LastingError
from functions.common.lenient import at, text_at
from functions.common.numbers import whole
from functions.common.ports import Deadline
from functions.common.values import Json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

SKEW_SECONDS = 60
"""GitHub refuses a web token from the future: clocks differ."""
LIFE_SECONDS = 540
"""Of a web token; GitHub allows ten minutes."""

_INSTALLATION = Question("the App's installation", "to be that of an App that is installed there")
_SENDABLE = re.compile(r"[!-~]+")

Fetch = Callable[[str, Deadline, bool], bytes]
"""Fetches a secret's payload by its resource's name; with True, not from a cache."""


class App:
    """One App. Its methods raise PassingError and LastingError, naming what is wrong."""

    def __init__(
        self,
        fetch: Fetch,
        *,
        app_id: str,
        key_resource: str,
        transport: GitHubTransport,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`now` gives seconds since 1970."""
        self._fetch = fetch
        self._app_id = app_id
        self._key_resource = key_resource
        self._transport = transport
        self.now = now

    def web_token(self, deadline: Deadline, *, renew: bool) -> str:
        """Return a web token, signed anew; `renew`: with the key as it is stored now."""
        pem = self._fetch(self._key_resource, deadline, renew)
        return signed_web_token(private_key(pem, self._key_resource), app_id=self._app_id, now=self.now())

    def installation(self, scope: str, *, web_token: str, deadline: Deadline) -> int:
        """Return the number of the installation at `repos/OWNER/NAME` or `orgs/NAME`."""
        answer = self._transport.get(f"/{scope}/installation", _INSTALLATION, token=web_token, deadline=deadline)
        number = whole(at(answer.json(), "id"))
        if not number:
            raise unexpected(_INSTALLATION)
        return number

    def access(
        self, installation: int, wanted: Mapping[str, Json], question: Question, *, web_token: str, deadline: Deadline
    ) -> tuple[str, Json]:
        """Return a token of an installation, for no more than what is `wanted`, and the answer that it stood in."""
        path = f"/app/installations/{installation:d}/access_tokens"
        body = json.dumps(wanted).encode()
        answer = self._transport.send("POST", path, question, token=web_token, deadline=deadline, body=body).json()
        token = text_at(answer, "token")
        if not is_sendable(token):
            raise unexpected(question)
        return token, answer


def is_sendable(token: str) -> bool:
    """Say whether a token can stand in a header."""
    return bool(_SENDABLE.fullmatch(token))


def signed_web_token(key: RSAPrivateKey, *, app_id: str, now: float) -> str:
    """Return the JSON web token (RS256) by which an App says who it is, from one minute ago, for nine minutes."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 -- see private_key
    from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415 -- see above

    claims = {"iat": int(now) - SKEW_SECONDS, "exp": int(now) + LIFE_SECONDS, "iss": app_id}
    signed = ".".join(_encoded(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    return f"{signed}.{_encoded(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def private_key(pem: bytes, resource: str) -> RSAPrivateKey:
    """Return the App's key. Raises LastingError when the secret holds none."""
    # 40 ms to import, and only an App needs it
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 -- see above
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415 -- see above
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415 -- see above

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        # without the cause, whose text might quote the key
        raise LastingError(f"{resource} is no private key of a GitHub App: put the .pem file there as GitHub gave it")
    return key


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
