"""Reads the environment into `Settings`, with every mistake at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from functions.common.destinations import is_listed, is_loopback
from functions.common.errors import mistaken
from functions.settings.parsers import PARSERS
from functions.settings.values import QueueMode, Settings, StatusApi

_FIELDS = {"UNVERIFIED_TRIGGERS": "allow_unverified"}
"""Fields that are called otherwise than their variables."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read `Settings` from environment variables (`variables.VARIABLES` lists them); what is not set has its default.

    Raises ConfigurationError, whose `mistakes` name every variable that is wrong and what would be right.
    """
    given: dict[str, Any] = {}
    mistakes = []
    for name, parse in PARSERS.items():
        if text := environment.get(name, "").strip():
            try:
                given[_FIELDS.get(name, name.lower())] = parse(text)
            except ValueError as error:
                mistakes.append(f"{name}: {error}")
    settings = Settings(**given)
    mistakes += _contradictions(settings)
    if mistakes:
        raise mistaken("the configuration", mistakes)
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
        raise mistaken("the configuration", mistakes)
