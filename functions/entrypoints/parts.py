"""The adapters of a configuration, put together; nothing is imported, opened or asked before its first use."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from functions.adapters.github.api import RestGitHubApi
from functions.adapters.github.transport import GitHubTransport
from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.dry_run import DryRunSink
from functions.adapters.kubernetes.kubeconfig.access import AccessSource, ClusterAccess
from functions.adapters.kubernetes.kubeconfig.file import KubeconfigFile
from functions.adapters.kubernetes.kubeconfig.reader import parse_kubeconfig
from functions.adapters.kubernetes.sink import ClusterSink
from functions.adapters.libraries import IMPORTING
from functions.adapters.outbound.calls import OutboundClient
from functions.adapters.secrets.sources import SecretStore, open_secrets
from functions.common.errors import ConfigurationError, PipehookError
from functions.common.ports import Deadline, GitHubIdentity, Redeliveries, Services, Sink, Work
from functions.common.tracing import UNTRACED, Tracer
from functions.common.values import Json
from functions.entrypoints.grouping import Grouping
from functions.settings import Redelivery, Settings, StatusApi

if TYPE_CHECKING:
    from functions.adapters.kubernetes.tokens import GoogleTokens
    from functions.status.buttons import Buttons
    from functions.status.notices import Herald

if TYPE_CHECKING:
    from functions.common.values import Outcome, Provider
    from functions.listening.listeners import Listener
    from functions.status.notices import Notice

_LOG = logging.getLogger(__name__)

KubeconfigReader = Callable[[str], AccessSource]
"""Makes of KUBECONFIG what reads it."""


@dataclass(frozen=True, slots=True)
class KubeconfigSecret:
    """The AccessSource of deployments: a kubeconfig in Secret Manager, read anew when the API refuses what it held."""

    store: SecretStore
    resource: str

    def __call__(self, *, refresh: bool, deadline: Deadline) -> ClusterAccess:
        """Fetch and parse it. Raises ConfigurationError, or what reading a secret raises."""
        text = self.store.fetch_secret(self.resource, deadline, refresh=refresh)
        return parse_kubeconfig(text, trusted_local=False)


class WithTokens:
    """An AccessSource that adds the token which another one's kubeconfig asks for, if it does."""

    def __init__(self, source: AccessSource, tokens: Callable[[], GoogleTokens]) -> None:
        self._source = source
        self._tokens = tokens
        self._keyless: ClusterAccess | None = None

    def __call__(self, *, refresh: bool, deadline: Deadline) -> ClusterAccess:
        """Return the access, ready to be used. Raises what the source and `GoogleTokens` raise.

        The kubeconfig is read anew when the API refuses it, as with a stored token: renewal needs no Secret Manager.
        """
        access = self._keyless
        if access is None or refresh:
            access = self._source(refresh=refresh, deadline=deadline)
            self._keyless = access if access.credential is not None else None
        if access.credential is None:
            return access
        token = self._tokens()(access.credential, deadline, refresh=refresh)
        return replace(access, token=token.text, token_ends=token.ends)


@cache
def _tokens() -> GoogleTokens:
    # imported, with Google's library, for kubeconfigs that hold no token alone
    with IMPORTING:
        from functions.adapters.kubernetes.tokens import GoogleTokens  # noqa: PLC0415 -- see above

    return GoogleTokens()


@dataclass(frozen=True, slots=True)
class Cluster:
    """One of CLUSTERS: its client, and where its kubeconfig comes from."""

    api: KubernetesApi
    access: AccessSource


@dataclass(frozen=True, slots=True)
class Parts:
    """What the entry points share."""

    secrets: SecretStore
    services: Services
    api: KubernetesApi | None
    """The cluster; None for a dry run without one."""
    sink: Sink
    """Where deliveries go: the cluster, with the queue before it if there is one."""
    access: AccessSource | None = None
    """Where the kubeconfig comes from, if there is one."""
    clusters: Mapping[str, Cluster] = field(default_factory=dict)
    """Those of CLUSTERS, by name."""


def put_together(
    settings: Settings,
    *,
    namespaces: Callable[[], frozenset[str]],
    kubeconfig_file: KubeconfigReader = KubeconfigFile,
) -> Parts:
    """Make the adapters that the settings ask for; `namespaces` gives those of all loaded triggers.

    `kubeconfig_file` reads KUBECONFIG. The functions run no credential plugin; commands on a laptop give one that does.
    """
    opened: list[KubernetesApi] = []

    def read_cluster(namespace: str, name: str, deadline: Deadline) -> Mapping[str, Json] | None:
        from functions.adapters.kubernetes.secrets import read_secret  # noqa: PLC0415 -- other sources need no cluster

        if not opened:
            raise ConfigurationError("no cluster is configured: set KUBECONFIG_SECRET or KUBECONFIG")
        return read_secret(opened[0], namespace, name, deadline)

    secrets = open_secrets(settings, read_cluster=read_cluster, namespaces=namespaces)
    access = _access(settings, secrets, kubeconfig_file)
    if access:
        opened.append(KubernetesApi(access))
    clusters = {
        name: Cluster(KubernetesApi(source), source)
        for name, where in settings.clusters
        for source in [_source(where, secrets, kubeconfig_file)]
    }
    services = Services(
        secrets=secrets,
        outbound=OutboundClient(settings.outbound_hosts),
        github=RestGitHubApi(GitHubTransport(settings.github_api_url)),
        identity=_identity(settings, secrets),
    )
    sink = _sink(settings, opened, secrets, clusters)
    return Parts(secrets, services, opened[0] if opened else None, sink, access, clusters)


def _identity(settings: Settings, secrets: SecretStore) -> GitHubIdentity | None:
    if not settings.github_token_secret and not settings.github_app_id:
        return None
    from functions.entrypoints.telling import github_identity  # noqa: PLC0415 -- most are nobody at GitHub

    return github_identity(settings, secrets)


class LazyHerald:
    """The Herald of a configuration, made by the first delivery that has something to tell."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._settings = settings
        self._parts = parts
        self._lock = threading.Lock()
        self._herald: Herald | None = None

    def announce(self, ends: Sequence[tuple[Work, Outcome]], notices: Sequence[Notice], deadline: Deadline) -> None:
        """Tell what can be told. Raises nothing of the family."""
        with self._lock:
            if self._herald is None:
                from functions.entrypoints.telling import open_herald  # noqa: PLC0415 -- off the way of the others

                self._herald = open_herald(self._settings, self._parts)
        self._herald.announce(ends, notices, deadline)


def status_lacks(listener: Listener, settings: Settings) -> Mapping[str, str]:
    """Return what triggers that ask for statuses lack, for the log at load: who vouches, or a token to tell with."""
    tokens: Mapping[Provider, str] = {
        "github": settings.github_token_secret or settings.github_app_id,
        "gitlab": settings.gitlab_token_secret,
        "bitbucket": settings.bitbucket_token_secret,
    }
    found = {}
    for trigger in listener.triggers:
        if trigger.status and (lack := trigger.status.lack):
            found[trigger.identity] = lack
        elif trigger.status and not tokens[trigger.status.provider]:
            name = "GITHUB_TOKEN_SECRET, or GITHUB_APP_ID with GITHUB_APP_KEY_SECRET"
            if trigger.status.provider != "github":
                name = f"{trigger.status.provider.upper()}_TOKEN_SECRET"
            found[trigger.identity] = f"statuses are asked for, and nothing is told: set {name}"
    return found


def buttons_of(settings: Settings, parts: Parts) -> Buttons | None:
    """Return the buttons of GitHub's checks; None where runs are shown otherwise."""
    if settings.status_api is not StatusApi.CHECKS or settings.dry_run or parts.api is None:
        return None
    from functions.entrypoints.telling import open_buttons  # noqa: PLC0415 -- off the way of the others

    return open_buttons(settings, parts)


def herald_of(settings: Settings, parts: Parts) -> Herald | None:
    """Return what tells of runs; None for a dry run, which makes none."""
    return None if settings.dry_run or parts.api is None else LazyHerald(settings, parts)


def _access(settings: Settings, secrets: SecretStore, kubeconfig_file: KubeconfigReader) -> AccessSource | None:
    where = settings.kubeconfig_secret or settings.kubeconfig
    return _source(where, secrets, kubeconfig_file, secret=bool(settings.kubeconfig_secret)) if where else None


def _source(
    where: str, secrets: SecretStore, kubeconfig_file: KubeconfigReader, *, secret: bool | None = None
) -> AccessSource:
    """Return what reads a kubeconfig: from a secret, or from a file, which an absolute path of CLUSTERS is."""
    in_secret = not where.startswith("/") if secret is None else secret
    return WithTokens(KubeconfigSecret(secrets, where) if in_secret else kubeconfig_file(where), _tokens)


def unusable_files(settings: Settings, parts: Parts, deadline: Deadline) -> list[str]:
    """Return what is wrong with the files of local work, kubeconfigs and a directory of secrets, to be said at start.

    A deployment has neither, and opens nothing before its first delivery.
    """
    wrong: list[str] = []
    files = {
        f"CLUSTERS: {name}: ": parts.clusters[name].access for name, where in settings.clusters if where[:1] == "/"
    }
    if parts.access is not None and not settings.kubeconfig_secret:
        files = {"": parts.access, **files}
    for said, access in files.items() if not settings.dry_run else ():
        try:
            access(refresh=False, deadline=deadline)
        except ConfigurationError as error:
            wrong += [f"{said}{mistake}" for mistake in error.mistakes]
        except PipehookError as error:
            wrong.append(f"{said or 'KUBECONFIG: '}{error.reason}")
    if settings.secrets_source.kind == "file" and not Path(settings.secrets_source.location).is_dir():
        wrong.append(
            f"SECRETS_SOURCE: {settings.secrets_source.location} is no directory; make it, or correct the name"
        )
    return wrong


def home_namespaces(settings: Settings, access: AccessSource) -> Callable[[Deadline], frozenset[str]]:
    """Return what gives the namespaces whose triggers are meant, where the account may not list those of all.

    EVENT_LISTENER's if it names one, else NAMESPACE and that of the kubeconfig's context. NAMESPACE's own default says
    nothing: an account that may read its own namespace alone has no business in `default`.
    """
    named, slash, _ = settings.event_listener.partition("/")

    def home(deadline: Deadline) -> frozenset[str]:
        if slash:
            return frozenset({named})
        own = access(refresh=False, deadline=deadline).namespace
        return frozenset({own if settings.namespace == "default" else settings.namespace, own})

    return home


def _sink(
    settings: Settings, opened: list[KubernetesApi], secrets: SecretStore, clusters: Mapping[str, Cluster]
) -> Sink:
    if settings.dry_run or not opened:
        return DryRunSink()
    redeliveries = _redeliveries(settings, secrets) if settings.redelivery is Redelivery.RERUN else None
    apis = _apis(clusters)
    cluster = ClusterSink(opened[0], redelivery=settings.redelivery, redeliveries=redeliveries, clusters=apis)
    grouping = Grouping(cluster)
    if not settings.queue_topic:
        return grouping
    from functions.adapters.pubsub.queue import QueueingSink, open_publisher  # noqa: PLC0415 -- most have no queue

    if settings.redelivery is Redelivery.RERUN:
        _LOG.warning("REDELIVERY=rerun: what is queued never starts a run again, which only the inline way does")
    publisher = open_publisher(settings.queue_topic)
    if not settings.tracing:
        return QueueingSink(grouping, publisher, mode=settings.queue_mode)
    from functions.adapters.tracing import current_trace_parent  # noqa: PLC0415 -- off the way of those who do not trace

    return QueueingSink(grouping, publisher, mode=settings.queue_mode, trace_parent=current_trace_parent)


def _redeliveries(settings: Settings, secrets: SecretStore) -> Redeliveries | None:
    """Return who is asked whether GitHub sent a delivery again, None where no token is configured."""
    if not settings.github_token_secret and not settings.github_app_id:
        _LOG.warning(
            "REDELIVERY=rerun without GITHUB_TOKEN_SECRET or GITHUB_APP_ID: whoever has captured a delivery can run it "
            "again, for nobody asks GitHub whether it was redelivered"
        )
        return None
    # most do not rerun
    from functions.adapters.github.app import open_tokens  # noqa: PLC0415
    from functions.adapters.github.hooks import GitHubHooks  # noqa: PLC0415
    from functions.adapters.github.redeliveries import GitHubRedeliveries  # noqa: PLC0415

    transport = GitHubTransport(settings.github_api_url)
    tokens = open_tokens(
        lambda resource, deadline, refresh: secrets.fetch_secret(resource, deadline, refresh=refresh),
        transport,
        token_resource=settings.github_token_secret,
        app_id=settings.github_app_id,
        key_resource=settings.github_app_key_secret,
    )
    return GitHubRedeliveries(GitHubHooks(transport, tokens), settings.github_hooks)


def worker_sink(settings: Settings, parts: Parts) -> Sink:
    """Return where the queue's worker creates: the cluster alone, and nothing in a dry run.

    It never starts a run again, whatever REDELIVERY says: Pub/Sub delivers a message at least once, and a second copy
    of one whose run has ended in the meantime is no wish for another run.
    """
    if settings.dry_run or parts.api is None:
        return DryRunSink()
    apis = _apis(parts.clusters)
    return Grouping(ClusterSink(parts.api, redelivery=Redelivery.DEDUPLICATE, clusters=apis))


def _apis(clusters: Mapping[str, Cluster]) -> dict[str, KubernetesApi]:
    return {name: cluster.api for name, cluster in clusters.items()}


def project_of(settings: Settings, environment: Mapping[str, str]) -> str:
    """Return the Google Cloud project, for the names of traces: as the environment or a resource's name says it."""
    for name in ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GCP_PROJECT"):
        if environment.get(name):
            return environment[name]
    named = (
        settings.kubeconfig_secret,
        *(where for _, where in settings.clusters if not where.startswith("/")),
        settings.queue_topic,
        settings.github_token_secret,
        settings.github_app_key_secret,
    )
    for resource in named:
        if resource:
            return resource.split("/")[1]
    return settings.secrets_source.location if settings.secrets_source.kind == "secret-manager" else ""


def tracer_of(settings: Settings, project: str) -> Tracer:
    """Return what traces requests: OpenTelemetry with TRACING, else nothing, which costs no import either."""
    if not settings.tracing:
        return UNTRACED
    from functions.adapters import tracing  # noqa: PLC0415 -- off the way of those who do not trace

    return tracing.OpenTelemetryTracer(lambda: tracing.open_cloud_trace(project))
