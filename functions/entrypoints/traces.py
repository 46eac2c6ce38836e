"""What traces requests, and the project whose traces they are."""

from __future__ import annotations

from collections.abc import Mapping

from functions.common.tracing import UNTRACED, Tracer
from functions.settings import Settings


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
