"""Where kubeconfigs come from, secrets or files, and the tokens that some of them only name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from functions.adapters.kubernetes.kubeconfig.access import AccessSource, ClusterAccess
from functions.adapters.kubernetes.kubeconfig.reader import parse_kubeconfig
from functions.adapters.libraries import importing
from functions.adapters.secrets.sources import SecretStore
from functions.common.ports import Deadline
from functions.settings import Settings

if TYPE_CHECKING:
    from functions.adapters.kubernetes.tokens import GoogleTokens

KubeconfigReader = Callable[[str], AccessSource]
"""Makes of KUBECONFIG what reads it."""


class KubeconfigSecret(Struct, frozen=True):
    """The AccessSource of deployments: a kubeconfig in Secret Manager, read anew when the API refuses what it held."""

    store: SecretStore
    resource: str

    def __call__(self, *, refresh: bool, deadline: Deadline) -> ClusterAccess:
        """Fetch and parse it. Raises ConfigurationError, or what reading a secret raises."""
        text = self.store.fetch_secret(self.resource, deadline, refresh=refresh)
        return parse_kubeconfig(text, trusted_local=False)


class WithTokens:
    """An AccessSource that adds the token which another one's kubeconfig asks for, if it does."""

    def __init__(self, source: AccessSource, tokens: Callable[[], GoogleTokens]) -> None:
        self._source = source
        self._tokens = tokens
        self._keyless: ClusterAccess | None = None

    def __call__(self, *, refresh: bool, deadline: Deadline) -> ClusterAccess:
        """Return the access, ready to be used. Raises what the source and `GoogleTokens` raise.

        The kubeconfig is read anew when the API refuses it, as with a stored token: renewal needs no Secret Manager.
        """
        access = self._keyless
        if access is None or refresh:
            access = self._source(refresh=refresh, deadline=deadline)
            self._keyless = access if access.credential is not None else None
        if access.credential is None:
            return access
        token = self._tokens()(access.credential, deadline, refresh=refresh)
        return replace(access, token=token.text, token_ends=token.ends)


@cache
def _tokens() -> GoogleTokens:
    # imported, with Google's library, for kubeconfigs that hold no token alone
    with importing():
        from functions.adapters.kubernetes.tokens import GoogleTokens  # noqa: PLC0415 -- see above

    return GoogleTokens()


def access_of(settings: Settings, secrets: SecretStore, kubeconfig_file: KubeconfigReader) -> AccessSource | None:
    """Return what reads the cluster's kubeconfig; None where none is configured."""
    where = settings.kubeconfig_secret or settings.kubeconfig
    return source_of(where, secrets, kubeconfig_file, secret=bool(settings.kubeconfig_secret)) if where else None


def source_of(
    where: str, secrets: SecretStore, kubeconfig_file: KubeconfigReader, *, secret: bool | None = None
) -> AccessSource:
    """Return what reads a kubeconfig: from a secret, or from a file, which an absolute path of CLUSTERS is."""
    in_secret = not where.startswith("/") if secret is None else secret
    return WithTokens(KubeconfigSecret(secrets, where) if in_secret else kubeconfig_file(where), _tokens)


def home_namespaces(settings: Settings, access: AccessSource) -> Callable[[Deadline], frozenset[str]]:
    """Return what gives the namespaces whose triggers are meant, where the account may not list those of all.

    EVENT_LISTENER's if it names one, else NAMESPACE and that of the kubeconfig's context. NAMESPACE's own default says
    nothing: an account that may read its own namespace alone has no business in `default`.
    """
    named, slash, _ = settings.event_listener.partition("/")

    def home(deadline: Deadline) -> frozenset[str]:
        if slash:
            return frozenset({named})
        own = access(refresh=False, deadline=deadline).namespace
        return frozenset({own if settings.namespace == "default" else settings.namespace, own})

    return home
