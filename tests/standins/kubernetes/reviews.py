"""Answers about access: SelfSubjectAccessReview, and tokens of service accounts."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.standins.kubernetes.access import SERVICE_ACCOUNT_PREFIX, Attempt, User
from tests.standins.kubernetes.admission import new_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.standins.kubernetes.access import Access
    from tests.standins.kubernetes.kinds import Json


def review_access(asked: Json, access: Access, user: User) -> Json:
    """Say whether the asking user may do what the review's spec describes."""
    about = (asked.get("spec") or {}).get("resourceAttributes") or {}
    subresource = about.get("subresource")
    attempt = Attempt(
        verb=about.get("verb", ""),
        group=about.get("group", ""),
        resource=f"{about.get('resource', '')}/{subresource}" if subresource else about.get("resource", ""),
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
    )
    return {
        "kind": "SelfSubjectAccessReview",
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {},
        "spec": asked.get("spec"),
        "status": _status(access, user, attempt),
    }


def _status(access: Access, user: User, attempt: Attempt) -> Json:
    if access.allows(user, attempt):
        return {"allowed": True}
    return {"allowed": False, "reason": access.stage.why} if access.stage.why else {"allowed": False}


def review_user(_asked: Json, _access: Access, user: User) -> Json:
    """Say who asks, as the authenticator has it."""
    return {
        "kind": "SelfSubjectReview",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {},
        "status": {"userInfo": {"username": user.name, "groups": list(user.groups)}},
    }


REVIEWS: dict[tuple[str, str], Callable[[Json, Access, User], Json]] = {
    ("authorization.k8s.io", "selfsubjectaccessreviews"): review_access,
    ("authentication.k8s.io", "selfsubjectreviews"): review_user,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A token of a service account."""

    namespace: str
    token: str

    def review(self, asked: dict[str, Any]) -> Json:
        """The TokenRequest with its status."""
        spec = asked.get("spec") or {}
        seconds = spec.get("expirationSeconds") or 3600
        until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"namespace": self.namespace},
            "spec": {**spec, "expirationSeconds": seconds},
            "status": {"token": self.token, "expirationTimestamp": until},
        }

    def secret_data(self) -> dict[str, str]:
        """The data that the token controller writes into a Secret."""
        values = {"token": self.token, "namespace": self.namespace}
        return {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}


def issue_token(access: Access, namespace: str, name: str) -> IssuedToken:
    """Make a token for a service account, valid until the server stops."""
    user = access.known(f"{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}")
    issued = IssuedToken(namespace=namespace, token=new_token())
    access.tokens[issued.token] = user
    return issued
