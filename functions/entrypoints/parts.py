"""The adapters of a configuration, put together; nothing is imported, opened or asked before its first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct, field

from functions.adapters.github.api import RestGitHubApi
from functions.adapters.github.transport import GitHubTransport
from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.kubeconfig.access import AccessSource
from functions.adapters.kubernetes.kubeconfig.file import KubeconfigFile
from functions.adapters.outbound.calls import OutboundClient
from functions.adapters.secrets.sources import SecretStore, open_secrets
from functions.common.errors import ConfigurationError, PipehookError
from functions.common.ports import Deadline, GitHubIdentity, Services, Sink
from functions.common.values import Json
from functions.entrypoints.accesses import KubeconfigReader, access_of, source_of
from functions.entrypoints.sinks import sink_of
from functions.settings import Settings


class Cluster(Struct, frozen=True):
    """One of CLUSTERS: its client, and where its kubeconfig comes from."""

    api: KubernetesApi
    access: AccessSource


class Parts(Struct, frozen=True):
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

    @property
    def every_cluster(self) -> dict[str, Cluster]:
        """All clusters by name, the default one under an empty one. Raises ConfigurationError without one."""
        if self.api is None or self.access is None:
            raise ConfigurationError("no cluster is configured: set KUBECONFIG_SECRET or KUBECONFIG")
        return {"": Cluster(self.api, self.access), **self.clusters}

    @property
    def apis(self) -> dict[str, KubernetesApi]:
        """The clients of CLUSTERS, by name."""
        return {name: cluster.api for name, cluster in self.clusters.items()}


def put_together(
    settings: Settings, *, namespaces: Callable[[], frozenset[str]], kubeconfig_file: KubeconfigReader = KubeconfigFile
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
    access = access_of(settings, secrets, kubeconfig_file)
    if access:
        opened.append(KubernetesApi(access))
    clusters = {
        name: Cluster(KubernetesApi(source), source)
        for name, where in settings.clusters
        for source in [source_of(where, secrets, kubeconfig_file)]
    }
    services = Services(
        secrets=secrets,
        outbound=OutboundClient(settings.outbound_hosts),
        github=RestGitHubApi(GitHubTransport(settings.github_api_url)),
        identity=_identity(settings, secrets),
    )
    api = opened[0] if opened else None
    sink = sink_of(settings, api, {name: cluster.api for name, cluster in clusters.items()}, secrets)
    return Parts(secrets, services, api, sink, access, clusters)


def _identity(settings: Settings, secrets: SecretStore) -> GitHubIdentity | None:
    if not settings.github_token_secret and not settings.github_app_id:
        return None
    from functions.entrypoints.identities import github_identity  # noqa: PLC0415 -- most are nobody at GitHub

    return github_identity(settings, secrets)


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
