"""The configuration, typed and frozen."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


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


class SecretsSource(Struct, frozen=True, kw_only=True):
    """Where secretRefs are looked up."""

    kind: str
    """`secret-manager`, `file`, `cluster` or, when nothing was configured, `none`."""
    location: str = ""
    """The project, or the directory."""


class Settings(Struct, frozen=True, kw_only=True):
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
