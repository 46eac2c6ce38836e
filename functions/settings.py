"""The environment, read once into one frozen, typed `Settings`; every mistake is reported at once, by variable."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from functions.common.destinations import is_listed, is_loopback
from functions.common.errors import ConfigurationError

VARIABLES: Mapping[str, str] = {
    "TRIGGERS_SOURCE": "a file or directory of manifests, or `cluster`: read them from the remote cluster",
    "EVENT_LISTENER": "`name` or `namespace/name` of the listener to serve; needless when there is exactly one",
    "NAMESPACE": "the namespace of manifests that name none",
    "SECRETS_SOURCE": "`secret-manager://PROJECT`, `file:///DIR` or `cluster`",
    "SECRET_ID_FORMAT": "how a secretRef becomes a Secret Manager id or a directory",
    "SECRET_MANAGER_EMULATOR_HOST": "host:port of a plaintext gRPC Secret Manager, for local work and tests",
    "KUBECONFIG_SECRET": "`projects/P/secrets/S[/versions/V]` that holds the service-account kubeconfig",
    "KUBECONFIG": "a kubeconfig file, for local work",
    "CLUSTERS": "`NAME=projects/P/secrets/S,…`: further clusters' kubeconfigs; locally also `NAME=/path`",
    "DRY_RUN": "`true`: render and report, create nothing",
    "QUEUE_TOPIC": "`projects/P/topics/T`: what the cluster cannot take within the deadline is queued there",
    "QUEUE_MODE": "`overflow`: queue what the cluster cannot take; `always`: queue everything",
    "REDELIVERY": "`deduplicate`, or `rerun`: a redelivery starts a new run once the earlier one has finished",
    "OUTBOUND_HOSTS": "`host[:port],…` that outgoing calls may reach over plain http or at a private address",
    "UNVERIFIED_TRIGGERS": "`refuse` or `allow` triggers that verify nothing",
    "GITHUB_API_URL": "the base of the GitHub API",
    "TRACING": "`true`: export OpenTelemetry traces of the stages",
    "DEAD_LETTER_TOPIC": "`projects/P/topics/T`: where `dispatch` puts what can never be created",
    "GITHUB_HOOKS": "hooks that `redeliver` sweeps: `repos/OWNER/REPO/hooks/ID`, `orgs/ORG/hooks/ID`, `app`",
    "GITHUB_TOKEN_SECRET": "`projects/P/secrets/S` that holds the GitHub token: sweep, reruns, statuses, githubOwners",
    "GITHUB_APP_ID": "the GitHub App that is asked with instead of the token",
    "GITHUB_APP_KEY_SECRET": "`projects/P/secrets/S` that holds that App's private key",
    "STATUS_API": "`statuses`, or `checks`: how GitHub shows runs (checks need the App)",
    "STATUS_TARGET_URL": "the link of a status; `{namespace}`, `{name}`, `{kind}`, `{context}` are put in",
    "REPORT_KEY_SECRET": "`projects/P/secrets/S` with the key that calls of `report` must bring",
    "RECONCILE_LOOKBACK_HOURS": "how far back `reconcile` looks (1 to 168)",
    "GITLAB_API_URL": "the base of the GitLab API, for statuses",
    "GITLAB_TOKEN_SECRET": "`projects/P/secrets/S` that holds the GitLab token of statuses",
    "BITBUCKET_API_URL": "the base of the Bitbucket Cloud API, for statuses",
    "BITBUCKET_TOKEN_SECRET": "`projects/P/secrets/S` that holds the Bitbucket access token of statuses",
    "REDELIVER_LOOKBACK_HOURS": "how far back `redeliver` looks (1 to 72: GitHub forgets after three days)",
    "REDELIVER_LIMIT": "how many deliveries one run of `redeliver` asks GitHub to send again at most",
    "REDELIVER_ATTEMPTS": "after how many attempts in all a delivery is given up",
}
"""Every variable that the functions read, with what it means; Terraform, documents and .env.example are held to it."""

_PROJECT = r"[a-z0-9:.-]{1,100}"
_SECRET_VERSION = re.compile(rf"projects/{_PROJECT}/secrets/[A-Za-z0-9_-]{{1,255}}(/versions/(latest|[1-9][0-9]*))?")
_TOPIC = re.compile(rf"projects/{_PROJECT}/topics/[A-Za-z][A-Za-z0-9._~+%-]{{2,254}}")
_NAME = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
_LISTENER = re.compile(rf"({_NAME}/)?{_NAME}")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")
_HOOK = re.compile(r"repos/[\w.-]+/[\w.-]+/hooks/[0-9]+|orgs/[\w.-]+/hooks/[0-9]+|app")
_CLUSTER = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_FORMAT_FIELD = re.compile(r"\{([^{}]*)\}")

T = TypeVar("T")


class QueueMode(StrEnum):
    """When a trigger's resources go to the queue."""

    OVERFLOW = "overflow"
    ALWAYS = "always"


class Redelivery(StrEnum):
    """What a delivery means that has run before."""

    DEDUPLICATE = "deduplicate"
    RERUN = "rerun"


class StatusApi(StrEnum):
    """How GitHub shows what became of a run."""

    STATUSES = "statuses"
    CHECKS = "checks"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsSource:
    """Where secretRefs are looked up."""

    kind: str
    """`secret-manager`, `file`, `cluster` or, when nothing was configured, `none`."""
    location: str = ""
    """The project, or the directory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration. Made by `read_settings`, never changed."""

    triggers_source: str = "infra/triggers"
    event_listener: str = ""
    namespace: str = "default"
    secrets_source: SecretsSource = SecretsSource(kind="none")
    secret_id_format: str = "{name}"  # noqa: S105 -- a format, no secret
    secret_manager_emulator_host: str = ""
    kubeconfig_secret: str = ""
    kubeconfig: str = ""
    clusters: tuple[tuple[str, str], ...] = ()
    """Names of further clusters, and the secret or file that holds the kubeconfig of each."""
    dry_run: bool = False
    queue_topic: str = ""
    queue_mode: QueueMode = QueueMode.OVERFLOW
    redelivery: Redelivery = Redelivery.DEDUPLICATE
    outbound_hosts: frozenset[str] = frozenset()
    """Lower-case `host` or `host:port`."""
    allow_unverified: bool = False
    github_api_url: str = "https://api.github.com"
    tracing: bool = False
    dead_letter_topic: str = ""
    github_hooks: tuple[str, ...] = ()
    github_token_secret: str = ""
    github_app_id: str = ""
    github_app_key_secret: str = ""
    status_api: StatusApi = StatusApi.STATUSES
    status_target_url: str = ""
    report_key_secret: str = ""
    reconcile_lookback_hours: int = 24
    gitlab_api_url: str = "https://gitlab.com/api/v4"
    gitlab_token_secret: str = ""
    bitbucket_api_url: str = "https://api.bitbucket.org/2.0"
    bitbucket_token_secret: str = ""
    redeliver_lookback_hours: int = 72
    redeliver_limit: int = 100
    redeliver_attempts: int = 5

    @property
    def cluster_names(self) -> frozenset[str]:
        """The names of CLUSTERS."""
        return frozenset(name for name, _ in self.clusters)


class _Reader:
    """Reads variables one by one and keeps what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.mistakes: list[str] = []

    def read(self, name: str, parse: Callable[[str], T], *, default: T) -> T:
        text = self._environment.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.mistakes.append(f"{name}: {error}")
            return default


def _matching(pattern: re.Pattern[str], wanted: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(f"must be {wanted}")
        return text

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


def _queue_mode(text: str) -> QueueMode:
    if text not in tuple(QueueMode):
        raise ValueError("must be overflow or always")
    return QueueMode(text)


def _redelivery(text: str) -> Redelivery:
    if text not in tuple(Redelivery):
        raise ValueError("must be deduplicate or rerun")
    return Redelivery(text)


def _secrets_source(text: str) -> SecretsSource:
    if text == "cluster":
        return SecretsSource(kind="cluster")
    scheme, separator, rest = text.partition("://")
    if separator and scheme == "secret-manager" and re.fullmatch(_PROJECT, rest):
        return SecretsSource(kind="secret-manager", location=rest)
    if separator and scheme == "file" and rest.startswith("/"):
        return SecretsSource(kind="file", location=unquote(rest))
    raise ValueError("must be secret-manager://PROJECT, file:///DIR (an absolute path) or cluster")


def _secret_id_format(text: str) -> str:
    fields = set(_FORMAT_FIELD.findall(text))
    rest = _FORMAT_FIELD.sub("", text)
    if not fields <= {"name", "namespace"} or "name" not in fields or not re.fullmatch(r"[A-Za-z0-9_-]*", rest):
        raise ValueError(
            "must be letters, digits, - and _ around {name} and, to separate tenants, {namespace}: {namespace}-{name}"
        )
    return text


def _hosts(text: str) -> frozenset[str]:
    hosts = [part.strip().lower() for part in text.split(",") if part.strip()]
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ValueError("must be host[:port] with commas between, without a scheme or a path")
    return frozenset(hosts)


def _hooks(text: str) -> tuple[str, ...]:
    hooks = tuple(part.strip() for part in text.split(",") if part.strip())
    for hook in hooks:
        if not _HOOK.fullmatch(hook):
            raise ValueError("must be repos/OWNER/REPO/hooks/ID, orgs/ORG/hooks/ID or app, with commas between")
    return hooks


def _clusters(text: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for part in text.split(","):
        name, equals, where = (piece.strip() for piece in part.partition("="))
        if not equals or not _CLUSTER.fullmatch(name) or not (_SECRET_VERSION.fullmatch(where) or where[:1] == "/"):
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


def _status_api(text: str) -> StatusApi:
    if text not in tuple(StatusApi):
        raise ValueError("must be statuses or checks")
    return StatusApi(text)


def _target_url(text: str) -> str:
    unknown = set(_FORMAT_FIELD.findall(text)) - {"namespace", "name", "kind", "context"}
    bare = _FORMAT_FIELD.sub("x", text)
    parts = urlsplit(bare)
    if unknown or "{" in bare or "}" in bare or parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(
            "must be a URL such as https://dashboard.example.com/{namespace}/{name}, perhaps with {kind} and {context}"
        )
    if "{" in text.split("://", 1)[1].partition("/")[0] or "@" in parts.netloc:
        raise ValueError("must name its host, without references and credentials")
    return text


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read `Settings` from environment variables (`VARIABLES` lists them).

    Raises ConfigurationError, whose `mistakes` name every variable that is wrong and what would be right.
    """
    reader = _Reader(environment)
    secret = _matching(_SECRET_VERSION, "projects/PROJECT/secrets/SECRET or …/versions/VERSION")
    topic = _matching(_TOPIC, "projects/PROJECT/topics/TOPIC")
    settings = Settings(
        triggers_source=reader.read("TRIGGERS_SOURCE", str, default="infra/triggers"),
        event_listener=reader.read("EVENT_LISTENER", _matching(_LISTENER, "NAME or NAMESPACE/NAME"), default=""),
        namespace=reader.read(
            "NAMESPACE",
            _matching(re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"), "a namespace's name"),
            default="default",
        ),
        secrets_source=reader.read("SECRETS_SOURCE", _secrets_source, default=SecretsSource(kind="none")),
        secret_id_format=reader.read("SECRET_ID_FORMAT", _secret_id_format, default="{name}"),
        secret_manager_emulator_host=reader.read(
            "SECRET_MANAGER_EMULATOR_HOST", _matching(re.compile(r"[^\s/:]+:[0-9]{1,5}"), "HOST:PORT"), default=""
        ),
        kubeconfig_secret=reader.read("KUBECONFIG_SECRET", secret, default=""),
        kubeconfig=reader.read("KUBECONFIG", str, default=""),
        clusters=reader.read("CLUSTERS", _clusters, default=()),
        dry_run=reader.read("DRY_RUN", _boolean, default=False),
        queue_topic=reader.read("QUEUE_TOPIC", topic, default=""),
        queue_mode=reader.read("QUEUE_MODE", _queue_mode, default=QueueMode.OVERFLOW),
        redelivery=reader.read("REDELIVERY", _redelivery, default=Redelivery.DEDUPLICATE),
        outbound_hosts=reader.read("OUTBOUND_HOSTS", _hosts, default=frozenset()),
        allow_unverified=reader.read("UNVERIFIED_TRIGGERS", _allow, default=False),
        github_api_url=reader.read("GITHUB_API_URL", _base_url, default="https://api.github.com"),
        tracing=reader.read("TRACING", _boolean, default=False),
        dead_letter_topic=reader.read("DEAD_LETTER_TOPIC", topic, default=""),
        github_hooks=reader.read("GITHUB_HOOKS", _hooks, default=()),
        github_token_secret=reader.read("GITHUB_TOKEN_SECRET", secret, default=""),
        github_app_id=reader.read("GITHUB_APP_ID", _matching(re.compile(r"[0-9A-Za-z.]+"), "an App's ID"), default=""),
        github_app_key_secret=reader.read("GITHUB_APP_KEY_SECRET", secret, default=""),
        status_api=reader.read("STATUS_API", _status_api, default=StatusApi.STATUSES),
        status_target_url=reader.read("STATUS_TARGET_URL", _target_url, default=""),
        report_key_secret=reader.read("REPORT_KEY_SECRET", secret, default=""),
        reconcile_lookback_hours=reader.read("RECONCILE_LOOKBACK_HOURS", _whole(1, 168), default=24),
        gitlab_api_url=reader.read("GITLAB_API_URL", _base_url, default="https://gitlab.com/api/v4"),
        gitlab_token_secret=reader.read("GITLAB_TOKEN_SECRET", secret, default=""),
        bitbucket_api_url=reader.read("BITBUCKET_API_URL", _base_url, default="https://api.bitbucket.org/2.0"),
        bitbucket_token_secret=reader.read("BITBUCKET_TOKEN_SECRET", secret, default=""),
        redeliver_lookback_hours=reader.read("REDELIVER_LOOKBACK_HOURS", _whole(1, 72), default=72),
        redeliver_limit=reader.read("REDELIVER_LIMIT", _whole(1, 10_000), default=100),
        redeliver_attempts=reader.read("REDELIVER_ATTEMPTS", _whole(1, 20), default=5),
    )
    mistakes = reader.mistakes + list(_contradictions(settings))
    if mistakes:
        raise ConfigurationError(f"the configuration has {len(mistakes)} mistake(s)", mistakes)
    return settings


def _contradictions(settings: Settings) -> list[str]:
    mistakes = []
    if settings.queue_mode is QueueMode.ALWAYS and not settings.queue_topic:
        mistakes.append("QUEUE_MODE: always needs QUEUE_TOPIC")
    if settings.github_app_id and not settings.github_app_key_secret:
        mistakes.append("GITHUB_APP_ID: needs GITHUB_APP_KEY_SECRET, the secret that holds the App's private key")
    if settings.github_app_key_secret and not settings.github_app_id:
        mistakes.append("GITHUB_APP_KEY_SECRET: needs GITHUB_APP_ID")
    if settings.status_api is StatusApi.CHECKS and not settings.github_app_id:
        mistakes.append("STATUS_API: checks need GITHUB_APP_ID and GITHUB_APP_KEY_SECRET: no token may write them")
    mistakes += [
        f"{name.upper()}: would send tokens in clear: use https, or add its host to OUTBOUND_HOSTS where nobody "
        "listens on the way"
        for name in ("github_api_url", "gitlab_api_url", "bitbucket_api_url")
        if _in_clear(getattr(settings, name), settings.outbound_hosts)
    ]
    return mistakes


def _in_clear(url: str, hosts: frozenset[str]) -> bool:
    """Say whether a URL leads to another machine without TLS, and OUTBOUND_HOSTS does not allow it."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".")
    return parts.scheme == "http" and not is_loopback(host) and not is_listed(host, parts.port or 80, hosts)


def require_cluster(settings: Settings) -> None:
    """Check that there is a cluster to create in, for the entry points that create.

    Raises ConfigurationError when neither KUBECONFIG_SECRET nor KUBECONFIG is set and this is no dry run, and when a
    source is `cluster` but no cluster is configured.
    """
    mistakes = []
    configured = bool(settings.kubeconfig_secret or settings.kubeconfig)
    if not configured and not settings.dry_run:
        mistakes.append(
            "KUBECONFIG_SECRET: not set, nor is KUBECONFIG; set one of them, or DRY_RUN=true to create nothing"
        )
    if not configured and settings.triggers_source == "cluster":
        mistakes.append("TRIGGERS_SOURCE: cluster needs KUBECONFIG_SECRET or KUBECONFIG")
    if not configured and settings.secrets_source.kind == "cluster":
        mistakes.append("SECRETS_SOURCE: cluster needs KUBECONFIG_SECRET or KUBECONFIG")
    if mistakes:
        raise ConfigurationError(f"the configuration has {len(mistakes)} mistake(s)", mistakes)
