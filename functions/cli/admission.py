"""Whether a cluster admits what a delivery would create: asked, and nothing is made."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

import click

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.errors import ALREADY_EXISTS, ApiRefusedError
from functions.cli.admin import OwnKubeconfig
from functions.cli.manifests import Selection
from functions.cli.output import progress, status
from functions.cli.trace import TriggerTrace, is_done
from functions.common.errors import LastingError
from functions.common.lenient import text_at
from functions.common.ports import Deadline
from functions.common.values import Json
from functions.entrypoints.parts import put_together

SECONDS = 8.0


def admitted(traces: Sequence[TriggerTrace], selection: Selection) -> bool:
    """Let the cluster admit every resource; say what it refuses, and return whether it refused none."""
    parts = put_together(selection.settings, namespaces=frozenset, kubeconfig_file=OwnKubeconfig)
    apis = {"": parts.api, **{name: cluster.api for name, cluster in parts.clusters.items()}}
    if parts.api is None:
        raise click.UsageError("--server-dry-run needs a cluster: set KUBECONFIG, or KUBECONFIG_SECRET")
    good = True
    for trace in traces:
        account = trace.service_account
        user = f"system:serviceaccount:{trace.namespace}:{account}" if account else ""
        for resource, cluster in zip(trace.resources, trace.clusters, strict=True):
            if is_done(resource):
                continue
            api = apis.get(cluster)
            if api is None:
                raise click.UsageError(f"cluster {cluster} is not configured here: set CLUSTERS")
            if refused := _refused(api, resource, user):
                good = False
                progress(f"{status('failed')} {refused}")
            else:
                name = text_at(resource, "metadata", "name")
                progress(f"{status('ok')} the cluster admits {resource.get('kind')} {name}")
    return good


def _refused(api: KubernetesApi, resource: Mapping[str, Json], user: str) -> str:
    """Return why a cluster would not create a resource as it stands, empty when it would."""
    deadline = Deadline(time.monotonic() + SECONDS, time.monotonic)
    kind = f"{resource.get('kind')} of {resource.get('apiVersion')}"
    try:
        kept = api.create(resource, impersonate=user, deadline=deadline, dry_run=True)
    except LastingError as error:
        if isinstance(error, ApiRefusedError) and error.cause == ALREADY_EXISTS:
            return ""  # names derive from the delivery, which has run; a server looks at its store last
        unknown = error.unknown_fields if isinstance(error, ApiRefusedError) else ()
        return f"{error.reason}; {kind} has no {', '.join(unknown)}" if unknown else error.reason
    # Kubernetes before 1.25 admits fields that it does not know, and drops them
    if dropped := list(_dropped(dict(resource), kept)):
        return f"the cluster admits it and drops what it does not know: {kind} has no {', '.join(dropped)}"
    return ""


def _dropped(sent: Json, kept: Json, path: str = "") -> Iterator[str]:
    """Yield the fields that a server has not kept, by path. It may change values, and leave out what says nothing."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for name, value in sent.items():
            where = f"{path}.{name}" if path else name
            if name in kept:
                yield from _dropped(value, kept[name], where)
            elif value not in (None, "", False, 0, [], {}) and where != "status":
                yield where
    elif isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        for place, (value, other) in enumerate(zip(sent, kept, strict=True)):
            yield from _dropped(value, other, f"{path}[{place}]")
