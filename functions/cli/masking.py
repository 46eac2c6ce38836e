"""Which parts of a request are secrets, by their names and by how they look: neither kept in files nor shown."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

MASK = "stripped"
"""Stands where a secret stood within a text."""
_NAME = re.compile(
    r"token|secret|signature|^sig$|auth(?!or)|cookie|passw|^pwd$|^pass$|credential|jwt|hmac|session|client-cert"
    r"|(?<!event-)(?<!idempotency-)(?<!event_)key",
    re.IGNORECASE,
)
"""`X-Event-Key` is Bitbucket's name of the event, `Idempotency-Key` GitLab's number of a delivery."""
_SCHEME = re.compile(r"\s*(bearer|basic|digest|negotiate|token)\s+\S", re.IGNORECASE)
_PARAMETER = re.compile(r"(?<=[?&;#])([^=&;#?\s]{1,200})=([^&;#\s\"'<>]*)")
_USER = re.compile(r"(?<=://)[^/?#@\s]+(?=@)")
_TOKEN = re.compile(
    r"gh[a-z]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|xox[a-z]-[\w-]{10,}|AKIA[A-Z0-9]{16}"
    r"|ya29\.[\w.-]{16,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
)
"""Tokens of GitHub, GitLab, Slack, Amazon and Google, and JSON Web Tokens."""


def is_secret(name: str, value: str = "") -> bool:
    """Say whether a header is one whose value nobody should see, by its name or because it begins as credentials do."""
    return bool(_NAME.search(name) or _SCHEME.match(value))


def masked(text: str) -> str:
    """Return a path, or a header's value, without the secrets in it: parameters of URLs, their users, known tokens."""

    def parameter(found: re.Match[str]) -> str:
        return f"{found[1]}={MASK}" if found[2] and is_secret(unquote_plus(found[1])) else found[0]

    return _TOKEN.sub(MASK, _USER.sub(MASK, _PARAMETER.sub(parameter, text)))
