"""`pipehook kubeconfig`: the function's kubeconfig, from the administrator's access to the cluster."""

from __future__ import annotations

import base64
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.adapters.kubernetes.kubeconfig.reader import is_google, parse_kubeconfig
from functions.cli.accounts import Cluster, Token, deadline
from functions.cli.admin import Given, admin_access
from functions.cli.app import Command
from functions.cli.manifests import Selection
from functions.cli.needs import Need, further, needs
from functions.cli.output import document, progress, say, status
from functions.cli.types import HTTPS_URL, NAME, NAMESPACE, THERE, WRITTEN_SECRET
from functions.common.errors import LastingError
from functions.lint.views import Views
from functions.model.load import load_path

_DURATION = re.compile(r"([1-9][0-9]{0,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

_EXAMPLES = """
Examples:
  pipehook kubeconfig --namespace lab                               to standard output
  pipehook kubeconfig --namespace lab --file kubeconfig             to a file that only you can read
  pipehook kubeconfig --namespace lab --secret projects/acme/secrets/pipehook-kubeconfig
  pipehook kubeconfig --namespace lab --create                      make account, Role and RoleBinding as well
  pipehook kubeconfig --namespace lab --secret projects/… --rotate  a new token; older versions are disabled
  pipehook kubeconfig --namespace lab --create --keyless --identity pipehook-webhook@acme.iam.gserviceaccount.com
                                                                    no token at all: GKE knows the function itself
  pipehook kubeconfig --namespace lab --create --keyless --audience lab --identity google:pipehook-webhook@…
                                                                    the same for a cluster that trusts Google's issuer

With a token you need rights to create tokens of the service account (create on serviceaccounts/token, or on secrets).
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.option("--namespace", type=NAMESPACE, required=True, help="Namespace of the service account.")
@click.option("--service-account", type=NAME, default="pipehook", show_default=True, metavar="NAME", help="Its name.")
@click.option(
    "--kubeconfig", "admin", default="", metavar="PATH", help="Your own kubeconfig [KUBECONFIG, ~/.kube/config]."
)
@click.option("--context", default="", help="Your context in it; default: the current one.")
@click.option(
    "--server",
    type=HTTPS_URL,
    default="",
    metavar="URL",
    help="The API's address as the function reaches it; default: yours.",
)
@click.option("--duration", default="90d", show_default=True, help="Life of the token, as 90d or 720h.")
@click.option(
    "--token-secret", type=NAME, default="", metavar="NAME", help="Use a token that does not end, in this Secret."
)
@click.option("--create", is_flag=True, help="Make or extend what is missing: account, Roles and RoleBindings.")
@click.option(
    "--triggers",
    type=THERE,
    default="",
    metavar="PATH",
    help="Manifests whose needs the Roles allow [TRIGGERS_SOURCE].",
)
@click.option("--file", "target", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file, mode 600.")
@click.option(
    "--secret",
    type=WRITTEN_SECRET,
    default="",
    metavar="projects/P/secrets/S",
    help="Add it as a version to Secret Manager.",
)
@click.option("--keyless", is_flag=True, help="Hold no token: the function's own identity is who calls.")
@click.option(
    "--identity",
    "identities",
    multiple=True,
    metavar="NAME",
    help="With --keyless: the function, as the cluster names it.",
)
@click.option(
    "--audience", default="", help="With --keyless: send a Google identity token for it; default: as for GKE."
)
@click.option(
    "--cluster", "called", default="", metavar="NAME", help="Its name in CLUSTERS: --create allows what goes there."
)
@click.option(
    "--rotate", is_flag=True, help="With --secret: disable the older versions; delete older Secrets of --token-secret."
)
def kubeconfig(
    *,
    namespace: str,
    service_account: str,
    admin: str,
    context: str,
    server: str,
    duration: str,
    token_secret: str,
    create: bool,
    triggers: str,
    target: Path | None,
    secret: str,
    keyless: bool,
    identities: tuple[str, ...],
    audience: str,
    called: str,
    rotate: bool,
) -> None:
    """Write a kubeconfig with the service account's token, or none, and nothing more, from your own access.

    It is tried before it is written: the function refuses whatever this command refuses.
    """
    if rotate and not secret:
        raise click.UsageError(
            "--rotate needs --secret: otherwise the function would be left with a token that has ended"
        )
    if keyless != bool(identities) or (not keyless and audience) or (keyless and token_secret):
        raise click.UsageError(
            "--keyless needs --identity, whom the cluster takes the function for, and goes without --token-secret; "
            "--identity and --audience need --keyless"
        )
    if called and not create:
        raise click.UsageError("--cluster says for which cluster --create allows what: give both")
    if target and not target.parent.is_dir():
        raise click.UsageError(f"{target} cannot be written: there is no directory {target.parent}")
    seconds = _seconds(duration)
    wanted = _needed(triggers, called) if create else []
    if called and not wanted:
        raise click.UsageError(f"no resource of the manifests has the annotation pipehook.dev/cluster: {called}")
    cluster = Cluster(admin_access(admin, context))
    cluster.reach()
    _ensure(cluster, namespace, service_account, create=create, needed=wanted, identities=identities)
    kept = ""
    if keyless:
        text = _written(cluster, namespace, service_account, {"exec": _plugin(audience)}, server)
    else:
        kept, token = _token(cluster, namespace, service_account, token_secret, seconds, rotate=rotate)
        text = _written(cluster, namespace, service_account, {"token": token.text}, server)
        if token.ends:
            progress(f"The token ends at {token.ends}: run this again, with --rotate, before then.")
    _try(text, cluster, namespace, wanted, identities)
    _deliver(text, target=target, secret=secret)
    if secret and rotate:
        _end_older(cluster, namespace, service_account, kept=kept, secret=secret)


def _token(
    cluster: Cluster, namespace: str, account: str, token_secret: str, seconds: int, *, rotate: bool
) -> tuple[str, Token]:
    """Return a token, and the name of the Secret that holds it, if one does."""
    if not token_secret:
        return "", cluster.request_token(namespace, account, seconds)
    name = f"{token_secret}-{int(time.time())}" if rotate else token_secret
    return name, cluster.secret_token(namespace, account, name)


def _plugin(audience: str) -> dict[str, Any]:
    """Return the credential plugin that the function understands: GKE's, or gcloud for an audience."""
    plugin: dict[str, Any] = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "IfAvailable"}
    if audience:
        return {**plugin, "command": "gcloud", "args": ["auth", "print-identity-token", f"--audiences={audience}"]}
    hint = "https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl"
    return {**plugin, "command": "gke-gcloud-auth-plugin", "installHint": hint, "provideClusterInfo": True}


def _seconds(duration: str) -> int:
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise click.UsageError("--duration is a number and one of s, m, h and d, such as 90d")
    return max(600, int(found[1]) * _SECONDS[found[2]])


def _ensure(
    cluster: Cluster, namespace: str, account: str, *, create: bool, needed: Sequence[Need], identities: Sequence[str]
) -> None:
    """Make what is missing, with `create`."""
    if create:
        for done in cluster.make_account(namespace, account, needed, identities):
            word, _, what = done.partition(" ")
            progress(f"{status(word)} {what}")
    elif not identities and not cluster.has_account(namespace, account):
        raise LastingError(
            f"there is no ServiceAccount {namespace}/{account}: "
            "kubectl apply -k infra/cluster makes it, as does --create"
        )


def _needed(triggers: str, cluster: str) -> list[Need]:
    settings = Selection.of(triggers=triggers).settings
    registry = load_path(settings.triggers_source, namespace=settings.namespace).registry
    views = Views(registry, settings.outbound_hosts)
    return [need for need in (*needs(views), *further(views)) if need.cluster == cluster]


def _written(cluster: Cluster, namespace: str, account: str, user: Mapping[str, Any], server: str) -> str:
    entry = {"server": server or cluster.access.server}
    if not is_google(entry["server"]):
        entry["certificate-authority-data"] = base64.b64encode(cluster.authority(namespace).encode()).decode()
    if cluster.access.tls_server_name:
        entry["tls-server-name"] = cluster.access.tls_server_name
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": entry}],
        "contexts": [{"name": "pipehook", "context": {"cluster": "cluster", "namespace": namespace, "user": account}}],
        "current-context": "pipehook",
        "users": [{"name": account, "user": dict(user)}],
    }
    return document(json.loads(json.dumps(config)), "yaml") + "\n"


def _try(text: str, cluster: Cluster, namespace: str, needed: Sequence[Need], identities: Sequence[str]) -> None:
    """Read the kubeconfig as the function will, and ask the cluster with it. Raises what either finds.

    Rights that were to be made must be there; without --create, a right that is missing is only said. Tokens of the
    function's identities cannot be had here: the cluster is asked what they may do.
    """
    access: ClusterAccess = parse_kubeconfig(text, trusted_local=False)
    api = cluster.api if identities else KubernetesApi(Given(access))
    for identity in identities or ("",):
        _allowed(api, namespace, needed, identity)


def _allowed(api: KubernetesApi, namespace: str, needed: Sequence[Need], identity: str) -> None:
    lacking = []
    for need in needed or [Need(namespace, "tekton.dev/v1", "PipelineRun", verbs=("create",))]:
        resource = api.resource(need.api_version, need.kind, deadline=deadline())
        group = need.api_version.rpartition("/")[0]
        for verb in need.verbs:
            verdict = api.review_access(
                verb,
                group=group,
                resource=resource.plural,
                namespace=need.namespace,
                impersonate=identity,
                deadline=deadline(),
            )
            if not verdict.allowed:
                lacking.append(f"{verb} {need.kind}s in {need.namespace}")
    if lacking and needed:
        who = identity or "the account"
        raise LastingError(f"{who} may still not {', '.join(lacking)}: does an admission keep its rights?")
    if lacking:
        remedy = "--create allows it" if identity else "kubectl apply -k infra/cluster allows it, or --create"
        progress(f"{status('warning')} {identity or 'the account'} may not {lacking[0]}: {remedy}")


def _deliver(text: str, *, target: Path | None, secret: str) -> None:
    if secret:
        from functions.cli.google_secrets import add_version  # noqa: PLC0415 -- gRPC, for those who ask for it

        progress(f"{status('created')} {add_version(secret, text.encode())}")
    if target:
        # made with mode 600 before anything is in it; a file that was there keeps nothing of its own
        try:
            target.unlink(missing_ok=True)
            with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise LastingError(f"{target} cannot be written: {error.strerror}") from error
        progress(f"{status('created')} {target}, which only you can read")
    if not secret and not target:
        say(text, nl=False)


def _end_older(cluster: Cluster, namespace: str, account: str, *, kept: str, secret: str) -> None:
    from functions.cli.google_secrets import disable_older  # noqa: PLC0415 -- see above

    disabled = disable_older(secret)
    for version in disabled:
        progress(f"disabled {version}")
    if disabled and not kept:
        progress(
            f"Tokens given out before live to their end; deleting ServiceAccount {namespace}/{account} ends them now."
        )
    for name in cluster.token_secrets(namespace, account):
        if name != kept:
            cluster.delete_secret(namespace, name)
            progress(f"deleted Secret {namespace}/{name}, whose token ends with it")
