"""The function's service account in its cluster: made, given its rights and a token, over the cluster's API."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from msgspec import Struct

from functions.adapters.kubernetes.api import KubernetesApi
from functions.adapters.kubernetes.calls import Backoff, Calls
from functions.adapters.kubernetes.errors import ApiRefusedError
from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.adapters.kubernetes.transport import Request
from functions.cli.admin import Given
from functions.cli.needs import Need
from functions.common.errors import LastingError
from functions.common.ports import Deadline

SECONDS = 8.0
"""For one question: what the function has for a whole delivery."""
ONCE = Backoff(base=2 * SECONDS, cap=2 * SECONDS, draw=lambda: 1.0)
"""For the first question: nobody at a terminal waits for a server that is away. A wait so long is not begun."""
TOKEN_POLLS = 50
LABEL = "app.kubernetes.io/name=pipehook"
"""What infra/cluster and this command put on everything that they make."""
ANNOTATION = "kubernetes.io/service-account.name"
TOKEN_TYPE = "kubernetes.io/service-account-token"  # noqa: S105 -- the type of a Kubernetes Secret
_RBAC = "rbac.authorization.k8s.io"


def deadline() -> Deadline:
    """Return the end of the time that one question has."""
    return Deadline(time.monotonic() + SECONDS, time.monotonic)


class Token(Struct, frozen=True):
    """A token, and when it ends: a time as Kubernetes writes it, empty when it does not."""

    text: str
    ends: str = ""

    def __repr__(self) -> str:
        """Return nothing of the text."""
        return f"Token(ends={self.ends!r})"


class Cluster:
    """A cluster as its administrator."""

    def __init__(self, access: ClusterAccess) -> None:
        self.access = access
        self.api = KubernetesApi(Given(access), connections=4)
        self._calls = Calls(Given(access), backoff=Backoff(), connections=4)

    def ask(
        self, method: str, path: str, subject: str, body: Mapping[str, Any] | None = None, **query: str
    ) -> dict[str, Any] | None:
        """Return the answer to a request, None for 404. Raises as the cluster's API does."""
        try:
            return self._calls.json(Request(method=method, path=path, body=body, query=query), subject, deadline())
        except ApiRefusedError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def reach(self) -> None:
        """Ask once whether the server is there and accepts the credentials. Raises as the cluster's API does."""
        calls = Calls(Given(self.access), backoff=ONCE, connections=1)
        calls.json(Request(method="GET", path="/version"), "the API", deadline())

    def user(self) -> str:
        """Return whom the API takes the kubeconfig for, as RBAC names it; empty when it does not say (before 1.28)."""
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        with contextlib.suppress(LastingError):
            answer = self.ask("POST", path, "SelfSubjectReview", body) or {}
            return str(((answer.get("status") or {}).get("userInfo") or {}).get("username") or "")
        return ""

    def has_account(self, namespace: str, name: str) -> bool:
        """Say whether there is a ServiceAccount."""
        return (
            self.ask("GET", _path(namespace, "serviceaccounts", name), f"ServiceAccount {namespace}/{name}") is not None
        )

    def make_account(self, namespace: str, name: str, needed: Iterable[Need], users: Sequence[str] = ()) -> list[str]:
        """Make the account, and where it needs something the Roles and RoleBindings; say what was made or extended.

        `users` are who is bound instead of an account, which is then not made.

        A Role or RoleBinding that is there keeps what it has, and gets what is missing, as `kubectl auth reconcile`
        does it. In another namespace than the account's own they bear its name: those of that namespace's own account
        are not given rights, nor lent to this one.
        """
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata(namespace, name)}
        objects = [] if users else [{**account, "automountServiceAccountToken": False}]
        subjects = [{"kind": "User", "name": user, "apiGroup": _RBAC} for user in users] or [
            {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        ]
        rules: dict[tuple[str, str], dict[tuple[str, tuple[str, ...]], set[str]]] = {}
        for need in needed:
            resource = self.api.resource(need.api_version, need.kind, deadline=deadline())
            if not need.namespace:
                raise LastingError(
                    f"a template takes the namespace of its {need.kind} from the event: make the Role yourself"
                )
            group = need.api_version.rpartition("/")[0]
            role = rules.setdefault((need.namespace, need.role), {})
            role.setdefault((group, need.verbs), set()).add(resource.plural)
        for (where, role_of), allowed in rules.items():
            own = name if where == namespace else f"{name}-{namespace}"
            objects += _role(where, f"{own}-{role_of}" if role_of else own, subjects, allowed)
        return [made for entry in objects if (made := self._ensure(entry))]

    def _ensure(self, manifest: dict[str, Any]) -> str:
        """Create an object, or add to the one that is there what it lacks; return what was done, if anything."""
        if made := self._create(manifest):
            return f"created {made}"
        field = {"Role": "rules", "RoleBinding": "subjects"}.get(manifest["kind"])
        if field is None:
            return ""
        metadata = manifest["metadata"]
        said = f"{manifest['kind']} {metadata['namespace']}/{metadata['name']}"
        plural = f"{manifest['kind'].lower()}s"
        path = f"/apis/{_RBAC}/v1/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"
        found = self.ask("GET", path, said) or {}
        if manifest.get("roleRef") != found.get("roleRef"):
            raise LastingError(f"{said} binds another role already: delete it, or choose another --service-account")
        held = found.get(field) or []
        missing = [entry for entry in manifest[field] if not any(_covers(one, entry) for one in held)]
        if not missing:
            return ""
        self.ask("PUT", path, said, {**found, field: [*held, *missing]})
        return f"extended {said}"

    def _create(self, manifest: dict[str, Any]) -> str:
        metadata = manifest["metadata"]
        said = f"{manifest['kind']} {metadata['namespace']}/{metadata['name']}"
        try:
            self.api.create(manifest, deadline=deadline())
        except ApiRefusedError as error:
            if error.cause != "AlreadyExists":
                raise
            return ""
        return said

    def request_token(self, namespace: str, account: str, seconds: int) -> Token:
        """Ask for a token that ends (TokenRequest)."""
        body = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        path = f"{_path(namespace, 'serviceaccounts', account)}/token"
        answer = self.ask("POST", path, f"token of ServiceAccount {namespace}/{account}", body) or {}
        status = answer.get("status") or {}
        if not status.get("token"):
            raise LastingError("the cluster gave no token: does it serve TokenRequests? --token-secret does without")
        return Token(str(status["token"]), str(status.get("expirationTimestamp") or ""))

    def secret_token(self, namespace: str, account: str, name: str) -> Token:
        """Make a Secret that Kubernetes fills with a token that does not end, or read the one that is there."""
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": TOKEN_TYPE,
            "metadata": {**_metadata(namespace, name), "annotations": {ANNOTATION: account}},
        }
        self._create(manifest)
        for _ in range(TOKEN_POLLS):
            found = self.ask("GET", _path(namespace, "secrets", name), f"Secret {namespace}/{name}") or {}
            if found.get("type") != TOKEN_TYPE:
                raise LastingError(f"Secret {namespace}/{name} is none of a service account's tokens: name another one")
            token = (found.get("data") or {}).get("token")
            if token:
                return Token(base64.b64decode(token).decode())
            time.sleep(0.2)
        raise LastingError(f"Kubernetes does not fill Secret {namespace}/{name}: does ServiceAccount {account} exist?")

    def token_secrets(self, namespace: str, account: str) -> list[str]:
        """Return the names of Pipehook's own Secrets that hold tokens of an account."""
        found = self.ask("GET", _path(namespace, "secrets", ""), "Secrets", labelSelector=LABEL) or {}
        return [
            str(entry["metadata"]["name"])
            for entry in found.get("items") or []
            if entry.get("type") == TOKEN_TYPE
            and (entry["metadata"].get("annotations") or {}).get(ANNOTATION) == account
        ]

    def delete_secret(self, namespace: str, name: str) -> None:
        """Delete a Secret; its token ends with it."""
        self.ask("DELETE", _path(namespace, "secrets", name), f"Secret {namespace}/{name}")

    def authority(self, namespace: str) -> str:
        """Return the PEM of the API's authority: of the administrator's access, or the cluster's own."""
        if self.access.ca_pem:
            return self.access.ca_pem
        found = self.ask("GET", _path(namespace, "configmaps", "kube-root-ca.crt"), "ConfigMap kube-root-ca.crt") or {}
        pem = (found.get("data") or {}).get("ca.crt")
        if not pem:
            raise LastingError("neither your kubeconfig nor the cluster tells the authority of the API's certificate")
        return str(pem)


def _path(namespace: str, plural: str, name: str) -> str:
    return f"/api/v1/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def _metadata(namespace: str, name: str) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "labels": dict([LABEL.split("=")])}


def _covers(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Say whether an entry of a Role or RoleBinding holds all that another one has."""
    if held.get("resourceNames"):
        return False
    return all(
        {*value} <= {*held.get(name, ())} or "*" in held.get(name, ())
        if isinstance(value, list)
        else held.get(name) == value
        for name, value in wanted.items()
    )


def _role(
    where: str,
    name: str,
    subjects: Sequence[Mapping[str, str]],
    allowed: Mapping[tuple[str, tuple[str, ...]], Iterable[str]],
) -> list[dict[str, Any]]:
    rules = [
        {"apiGroups": [group], "resources": sorted(plurals), "verbs": [*verbs]}
        for (group, verbs), plurals in sorted(allowed.items())
    ]
    version = f"{_RBAC}/v1"
    return [
        {"apiVersion": version, "kind": "Role", "metadata": _metadata(where, name), "rules": rules},
        {
            "apiVersion": version,
            "kind": "RoleBinding",
            "metadata": _metadata(where, name),
            "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
            "subjects": [dict(subject) for subject in subjects],
        },
    ]
