"""The commands that mend what `pipehook doctor` finds. Each can be run as it is printed, by whoever may do it.

Rights are added with `kubectl auth reconcile`, which makes a Role that is missing and extends one that is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from functions.adapters.kubernetes.errors import ApiRefusedError, ApiUnavailableError
from functions.adapters.secrets.manager import DeniedError, NotFoundError
from functions.cli.needs import Need
from functions.common.errors import PassingError, PipehookError
from functions.common.values import SecretRef
from functions.settings import Settings

ADMIN = "--kubeconfig ~/.kube/config"
"""Whoever mends does not use the function's own access."""
TEKTON = "kubectl apply -f https://storage.googleapis.com/tekton-releases/pipeline/latest/release.yaml"
TRIGGERS = "kubectl apply -f https://storage.googleapis.com/tekton-releases/triggers/latest/release.yaml"
ACCOUNT = "$FUNCTION_ACCOUNT"
"""Stands for the function's service account at Google, which its environment does not tell."""
_FORBIDDEN = 403
_RANDOM = "openssl rand -hex 32"


def grant(
    namespace: str, verbs: Sequence[str], resource: str, user: str, *, role: str = "pipehook", names: Sequence[str] = ()
) -> str:
    """Return the commands that allow verbs on a resource (`pipelineruns.tekton.dev`); without namespace, everywhere."""
    kind, where = ("role", f" -n {namespace}") if namespace else ("clusterrole", "")
    what = f"--verb={','.join(verbs)} --resource={resource}" + "".join(f" --resource-name={name}" for name in names)
    return " && ".join(
        f"kubectl create {command} --dry-run=client -o yaml | kubectl auth reconcile -f -"
        for command in (
            f"{kind} {role}{where} {what}",
            f"{kind}binding {role}{where} --{kind}={role} {_subject(user, namespace)}",
        )
    )


def _subject(user: str, namespace: str) -> str:
    """Return a binding's flag for a user as RBAC names it; an unknown one is taken for the account of infra/cluster."""
    parts = user.split(":")
    if parts[:2] == ["system", "serviceaccount"]:
        return f"--serviceaccount={':'.join(parts[2:])}"
    return f"--user={quote(user)}" if user else f"--serviceaccount={namespace or 'default'}:pipehook"


def rights(need: Need, plural: str, user: str) -> str:
    """Return what allows the creation of what a template makes, to the account or to whom it impersonates."""
    group = need.api_version.rpartition("/")[0]
    resource = f"{plural}.{group}" if group else plural
    if need.account:
        return grant(need.namespace, ["create"], resource, need.account, role=need.account.rpartition(":")[2])
    return grant(need.namespace, ["create", "get"], resource, user)


def impersonation(account: str, user: str) -> str:
    """Return what allows the function's account to act as another one (`system:serviceaccount:NAMESPACE:NAME`)."""
    _, _, namespace, name = account.split(":")
    return grant(namespace, ["impersonate"], "serviceaccounts", user, role=f"pipehook-as-{name}", names=[name])


def listing(plurals: Sequence[str], namespace: str, user: str) -> str:
    """Return what allows the account to read objects of Tekton Triggers."""
    resource = ",".join(f"{plural}.triggers.tekton.dev" for plural in plurals)
    return grant(namespace, ["list"], resource, user, role="pipehook-triggers")


def secret(settings: Settings, ref: SecretRef, error: PipehookError, user: str) -> str:
    """Return the commands after which a secret can be read where the settings look for it."""
    where = settings.secrets_source
    if where.kind == "none":
        return "set SECRETS_SOURCE to secret-manager://PROJECT, file:///DIR or cluster"
    causes = list(_causes(error))
    if isinstance(error, PassingError) and not any(map(is_forbidden, causes)):
        return "gcloud auth application-default login" if where.kind == "secret-manager" else ""
    identifier = settings.secret_id_format.format(name=ref.name, namespace=ref.namespace)
    if where.kind == "file":
        directory = f"{where.location}/{identifier}"
        return f"mkdir -p {quote(directory)} && {_RANDOM} | tr -d '\\n' > {quote(f'{directory}/{ref.key}')}"
    if where.kind == "cluster":
        return _kubernetes_secret(ref, causes, user)
    project = f"--project={where.location}"
    grants = (
        f"gcloud secrets add-iam-policy-binding {identifier} {project} "
        f'--role=roles/secretmanager.secretAccessor --member="serviceAccount:{ACCOUNT}"'
    )
    if any(isinstance(cause, DeniedError) for cause in causes):
        return grants
    add = f"{_RANDOM} | tr -d '\\n' | gcloud secrets versions add {identifier} {project} --data-file=-"
    if not any(isinstance(cause, NotFoundError) for cause in causes):
        return add
    create = f"gcloud secrets create {identifier} {project} --replication-policy=automatic"
    return f"{create} && {add} && {grants}"


def _kubernetes_secret(ref: SecretRef, causes: Sequence[BaseException], user: str) -> str:
    if any(map(is_forbidden, causes)):
        return grant(ref.namespace, ["get"], "secrets", user, role="pipehook-secrets", names=[ref.name])
    if any(isinstance(cause, NotFoundError) for cause in causes):
        key = f"--from-literal={ref.key}=$({_RANDOM})"
        return f"kubectl create secret generic {ref.name} -n {ref.namespace} {key}"
    patch = f'{{"stringData":{{"{ref.key}":"\'$({_RANDOM})\'"}}}}'
    return f"kubectl patch secret {ref.name} -n {ref.namespace} -p '{patch}'"


def is_forbidden(error: BaseException) -> bool:
    """Say whether an error is the cluster's 403, confirmed or not."""
    return isinstance(error, (ApiRefusedError, ApiUnavailableError)) and error.status == _FORBIDDEN


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def new_kubeconfig(settings: Settings, namespace: str, cluster: str = "") -> str:
    """Return the command that writes a cluster's kubeconfig anew, where the settings look for it."""
    command = f"pipehook kubeconfig --namespace {namespace} {ADMIN}"
    if settings.triggers_source != "cluster":
        command += f" --create --triggers {quote(settings.triggers_source)}"
    where = settings.kubeconfig_secret or settings.kubeconfig
    if cluster:
        where = dict(settings.clusters)[cluster]
        command += f" --cluster {cluster}"
    if where == settings.kubeconfig_secret or (cluster and not where.startswith("/")):
        return f"{command} --secret {where.partition('/versions/')[0]} --rotate"
    return f"{command} --file {quote(where)}  # one in Secret Manager: --secret … --rotate"
