"""How each variable's text becomes a value of `Settings`; a wrong one raises ValueError, which says what it must be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from functions.settings.values import QueueMode, Redelivery, SecretsSource, StatusApi

PROJECT_ID = r"[a-z0-9:.-]{1,100}"
_SECRET_VERSION = rf"projects/{PROJECT_ID}/secrets/[A-Za-z0-9_-]{{1,255}}(/versions/(latest|[1-9][0-9]*))?"
_TOPIC = rf"projects/{PROJECT_ID}/topics/[A-Za-z][A-Za-z0-9._~+%-]{{2,254}}"
NAME_PATTERN = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_HOST = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?"
_HOOK = r"repos/[\w.-]+/[\w.-]+/hooks/[0-9]+|orgs/[\w.-]+/hooks/[0-9]+|app"
_FORMAT_FIELD = r"\{([^{}]*)\}"


def matching(pattern: str, wanted: str) -> Callable[[str], str]:
    """Return what takes a text of this pattern, and says of another that it must be what is wanted."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {wanted}")
        return text

    return parse


def _one_of(kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def parse(text: str) -> StrEnum:
        if text not in tuple(kind):
            raise ValueError(f"must be {' or '.join(kind)}")
        return kind(text)

    return parse


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return text.lower() == "true"


def _allow(text: str) -> bool:
    if text not in ("refuse", "allow"):
        raise ValueError("must be refuse or allow")
    return text == "allow"


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(text)

    return parse


def _secrets_source(text: str) -> SecretsSource:
    if text == "cluster":
        return SecretsSource(kind="cluster")
    scheme, separator, rest = text.partition("://")
    if separator and scheme == "secret-manager" and re.fullmatch(PROJECT_ID, rest):
        return SecretsSource(kind="secret-manager", location=rest)
    if separator and scheme == "file" and rest.startswith("/"):
        return SecretsSource(kind="file", location=unquote(rest))
    raise ValueError("must be secret-manager://PROJECT, file:///DIR (an absolute path) or cluster")


def _secret_id_format(text: str) -> str:
    fields = set(re.findall(_FORMAT_FIELD, text))
    rest = re.sub(_FORMAT_FIELD, "", text)
    if not fields <= {"name", "namespace"} or "name" not in fields or not re.fullmatch(r"[A-Za-z0-9_-]*", rest):
        raise ValueError(
            "must be letters, digits, - and _ around {name} and, to separate tenants, {namespace}: {namespace}_{name}"
        )
    return text


def _hosts(text: str) -> frozenset[str]:
    hosts = [part.strip().lower() for part in text.split(",") if part.strip()]
    for host in hosts:
        if not re.fullmatch(_HOST, host):
            raise ValueError("must be host[:port] with commas between, without a scheme or a path")
    return frozenset(hosts)


def _hooks(text: str) -> tuple[str, ...]:
    hooks = tuple(part.strip() for part in text.split(",") if part.strip())
    for hook in hooks:
        if not re.fullmatch(_HOOK, hook):
            raise ValueError("must be repos/OWNER/REPO/hooks/ID, orgs/ORG/hooks/ID or app, with commas between")
    return hooks


def _clusters(text: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, where = (piece.strip() for piece in part.partition("="))
        readable = where[:1] == "/" or re.fullmatch(_SECRET_VERSION, where)
        if not equals or not re.fullmatch(_LABEL, name) or not readable:
            raise ValueError(
                "must be NAME=projects/PROJECT/secrets/SECRET with commas between, or NAME=/PATH on a laptop; a name "
                "is lower-case letters, digits and -"
            )
        if name in found:
            raise ValueError(f"{name} stands there twice; remove the one that is not meant")
        found[name] = where
    return tuple(found.items())


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment or "@" in text:
        raise ValueError("must be a URL such as https://github.example.com/api/v3")
    if parts.port == 0:  # reading it refuses what is none
        raise ValueError("must have a port from 1 to 65535")
    return text.rstrip("/")


def _target_url(text: str) -> str:
    unknown = set(re.findall(_FORMAT_FIELD, text)) - {"namespace", "name", "kind", "context"}
    bare = re.sub(_FORMAT_FIELD, "x", text)
    parts = urlsplit(bare)
    if unknown or "{" in bare or "}" in bare or parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(
            "must be a URL such as https://dashboard.example.com/{namespace}/{name}, perhaps with {kind} and {context}"
        )
    if "{" in text.split("://", 1)[1].partition("/")[0] or "@" in parts.netloc:
        raise ValueError("must name its host, without references and credentials")
    return text


_secret = matching(_SECRET_VERSION, "projects/PROJECT/secrets/SECRET or …/versions/VERSION")
_topic = matching(_TOPIC, "projects/PROJECT/topics/TOPIC")

PARSERS: Mapping[str, Callable[[str], object]] = {
    "TRIGGERS_SOURCE": str,
    "EVENT_LISTENER": matching(rf"({NAME_PATTERN}/)?{NAME_PATTERN}", "NAME or NAMESPACE/NAME"),
    "NAMESPACE": matching(_LABEL, "a namespace's name"),
    "SECRETS_SOURCE": _secrets_source,
    "SECRET_ID_FORMAT": _secret_id_format,
    "SECRET_MANAGER_EMULATOR_HOST": matching(r"[^\s/:]+:[0-9]{1,5}", "HOST:PORT"),
    "KUBECONFIG_SECRET": _secret,
    "KUBECONFIG": str,
    "CLUSTERS": _clusters,
    "DRY_RUN": _boolean,
    "QUEUE_TOPIC": _topic,
    "QUEUE_MODE": _one_of(QueueMode),
    "REDELIVERY": _one_of(Redelivery),
    "OUTBOUND_HOSTS": _hosts,
    "UNVERIFIED_TRIGGERS": _allow,
    "GITHUB_API_URL": _base_url,
    "TRACING": _boolean,
    "DEAD_LETTER_TOPIC": _topic,
    "GITHUB_HOOKS": _hooks,
    "GITHUB_TOKEN_SECRET": _secret,
    "GITHUB_APP_ID": matching(r"[0-9A-Za-z.]+", "an App's ID"),
    "GITHUB_APP_KEY_SECRET": _secret,
    "STATUS_API": _one_of(StatusApi),
    "STATUS_TARGET_URL": _target_url,
    "REPORT_KEY_SECRET": _secret,
    "RECONCILE_LOOKBACK_HOURS": _whole(1, 168),
    "GITLAB_API_URL": _base_url,
    "GITLAB_TOKEN_SECRET": _secret,
    "BITBUCKET_API_URL": _base_url,
    "BITBUCKET_TOKEN_SECRET": _secret,
    "REDELIVER_LOOKBACK_HOURS": _whole(1, 72),
    "REDELIVER_LIMIT": _whole(1, 10_000),
    "REDELIVER_ATTEMPTS": _whole(1, 20),
}
"""By variable; its value is the field of `Settings` that has the same name, but for UNVERIFIED_TRIGGERS."""
