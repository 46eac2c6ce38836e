"""How far an API server has come since it was started: what kube-apiserver answers before it is ready."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from tests.standins.exchange import Response
from tests.standins.kubernetes.statuses import StatusError

if TYPE_CHECKING:
    from tests.standins.kubernetes.access import Attempt

RETRY_AFTER = 5
"""Seconds, as apiserver's notfoundhandler has them."""


class Stage(Enum):
    """Authorization comes before everything else, and its caches are filled one after the other."""

    NO_RBAC = "no RBAC object has been read: everybody is refused everything, /readyz and access reviews included"
    NO_ROLES = "RoleBindings have been read, the Roles that they name have not: refused in every namespace"
    NO_PATHS = "who may do what is known, the paths of custom kinds are not served yet"
    READY = "ready"

    def allows(self, attempt: Attempt) -> bool:
        """Say whether the caches can allow an attempt at all."""
        return self is not Stage.NO_RBAC and not (self is Stage.NO_ROLES and attempt.namespace)

    @property
    def why(self) -> str:
        """What RBAC says beside its refusal."""
        return 'RBAC: role.rbac.authorization.k8s.io "pipehook" not found' if self is Stage.NO_ROLES else ""

    def readiness(self) -> Response:
        """Answer /readyz."""
        if self is Stage.READY:
            return Response(200, b"ok", "text/plain; charset=utf-8")
        body = b"[+]ping ok\n[+]etcd ok\n[-]informer-sync failed: reason withheld\nreadyz check failed\n"
        return Response(500, body, "text/plain; charset=utf-8")

    def check_paths(self, group: str) -> None:
        """Refuse (503) the paths of custom kinds, which are installed last."""
        if self is Stage.NO_PATHS and "." in group and not group.endswith(".k8s.io"):
            text = "the request has been made before all known HTTP paths have been installed, please retry"
            raise StatusError(503, text, details={"retryAfterSeconds": RETRY_AFTER})
