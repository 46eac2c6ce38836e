"""What tells providers of runs, put together from the settings; imported where something is to be told."""

from __future__ import annotations

from collections.abc import Mapping

from functions.adapters.github.bitbucket import REST, BitbucketStatuses, DataCenterStatuses
from functions.adapters.github.checks import GitHubChecks
from functions.adapters.github.gitlab import GitLabStatuses
from functions.adapters.github.identity import AppIdentity, TokenIdentity
from functions.adapters.github.pace import Pace
from functions.adapters.github.statuses import GitHubStatuses
from functions.adapters.github.transport import GitHubTransport
from functions.adapters.kubernetes.lanes import Lanes
from functions.adapters.kubernetes.runs import ClusterRuns, ManyRuns
from functions.adapters.secrets.sources import SecretStore
from functions.common.values import Provider
from functions.entrypoints.accesses import home_namespaces
from functions.entrypoints.identities import fetch_of, github_identity
from functions.entrypoints.parts import Parts
from functions.settings import Settings, StatusApi
from functions.status.herald import DeliveryHerald
from functions.status.settle import Teller
from functions.status.values import Statuses


def open_runs(settings: Settings, parts: Parts) -> ManyRuns:
    """Return what reads the runs of all clusters. Raises ConfigurationError without one."""
    clusters = parts.every_cluster
    return ManyRuns(
        {name: ClusterRuns(one.api, home_namespaces(settings, one.access)) for name, one in clusters.items()},
        Lanes(clusters[""].api, parts.apis),
        app_id=settings.github_app_id,
    )


def open_herald(settings: Settings, parts: Parts) -> DeliveryHerald:
    """Return what tells of a delivery's runs."""
    return DeliveryHerald(open_teller(settings, parts))


def open_teller(settings: Settings, parts: Parts) -> Teller:
    """Return what tells of runs; nothing is asked yet. Providers without a token are left out."""
    return Teller(
        _statuses(settings, parts.secrets),
        open_runs(settings, parts),
        target_url=settings.status_target_url,
        table=settings.status_api is StatusApi.CHECKS,
    )


def _statuses(settings: Settings, secrets: SecretStore) -> Mapping[Provider, Statuses]:
    found: dict[Provider, Statuses] = {}
    checks = settings.status_api is StatusApi.CHECKS
    identity = github_identity(settings, secrets, app_only=checks)
    pace = Pace(by_owner=isinstance(identity, AppIdentity))
    transport = GitHubTransport(settings.github_api_url, heard=pace.heard)
    if identity is not None and checks:
        found["github"] = GitHubChecks(transport, identity, pace, app_id=settings.github_app_id)
    elif identity is not None:
        found["github"] = GitHubStatuses(transport, identity, pace)
    if settings.gitlab_token_secret:
        token = TokenIdentity(fetch_of(secrets), settings.gitlab_token_secret)
        found["gitlab"] = GitLabStatuses(GitHubTransport(settings.gitlab_api_url), token)
    if settings.bitbucket_token_secret:
        token = TokenIdentity(fetch_of(secrets), settings.bitbucket_token_secret)
        bitbucket = GitHubTransport(settings.bitbucket_api_url)
        if REST in settings.bitbucket_api_url:
            found["bitbucket-server"] = DataCenterStatuses(bitbucket, token, settings.bitbucket_api_url)
        else:
            found["bitbucket"] = BitbucketStatuses(bitbucket, token)
    return found
