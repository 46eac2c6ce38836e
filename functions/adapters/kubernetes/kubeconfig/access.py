"""What a kubeconfig comes to: how to reach a cluster and as whom."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from functions.common.ports import Deadline

if TYPE_CHECKING:
    from functions.adapters.kubernetes.kubeconfig.plugins import Credential

EARLY_SECONDS = 240.0
"""How long before its end a token is renewed: Google's metadata server has a new one five minutes before."""


class ClusterAccess(Struct, frozen=True, kw_only=True):
    """How to reach a cluster and as whom. Certificates and keys are PEM; empty strings stand for what is not given."""

    server: str
    """The API's URL without a slash at its end, perhaps with a path."""
    ca_pem: str = ""
    """Empty: the system's authorities."""
    token: str = ""
    token_ends: float | None = None
    """When a token that was made here ends, in seconds since 1970."""
    credential: Credential | None = None
    """Which token is to be made, where the kubeconfig holds none."""
    client_certificate_pem: str = ""
    client_key_pem: str = ""
    namespace: str = "default"
    tls_server_name: str = ""
    insecure: bool = False
    """The server's certificate is not verified (a local kubeconfig's wish)."""
    proxy_url: str = ""

    def __repr__(self) -> str:
        """Return nothing of the tokens, keys and passwords."""
        return f"ClusterAccess(server={self.server!r})"

    def ends_soon(self) -> bool:
        """Say whether it is time to renew a token that was made here."""
        return self.token_ends is not None and time.time() > self.token_ends - EARLY_SECONDS


class AccessSource(Protocol):
    """Where the access comes from: `refresh` asks for a newer one than was given before, the API having refused it."""

    def __call__(self, *, refresh: bool, deadline: Deadline) -> ClusterAccess:
        """Return the access. Raises ConfigurationError when it is wrong, PassingError when it cannot be had now."""
