"""One request through the `kubernetes` client, over connections of its own: TLS from memory, plain faults."""

from __future__ import annotations

import os
import ssl
import tempfile
import time
from collections.abc import Mapping, Set
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct, field

from functions.adapters.kubernetes.answers import Answer, ends
from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.adapters.libraries import importing
from functions.common.errors import ConfigurationError, mistaken
from functions.common.ports import Deadline
from functions.common.values import Json

if TYPE_CHECKING:
    from kubernetes.dynamic import DynamicClient

USER_AGENT = "pipehook"
"""Also the field manager of what is created: the API takes it from here where no fieldManager is named."""
MAX_IDLE_SECONDS = 60.0
"""Connections that idled longer (an instance was frozen meanwhile, perhaps) are not trusted but opened anew."""


class Request(Struct, frozen=True, kw_only=True):
    """What is asked of the API: `path` has its segments quoted."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Json] | None = None
    impersonate: str = ""
    """A user's name for Impersonate-User."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What is asked for, as an access review names it; empty for what is no resource."""
    doubted: Set[int] = frozenset()
    """Statuses that may pass, whatever the words. 404: a kind's path, of which a CRD has just come. 403:
    a list, which no admission refuses, and which would look narrower than it is."""
    lasting: Set[int] = frozenset()
    """Statuses that will be answered again, whatever the words. 409: a patch of a version that is gone."""
    content_type: str = "application/json"


class Session:
    """Connections to one cluster as one identity, shared by threads. `tried` turns true with the first answer."""

    def __init__(self, access: ClusterAccess, *, connections: int, context: ssl.SSLContext | None = None) -> None:
        self.access = access
        self.process = os.getpid()
        self.tried = False
        self.last_used = time.time()
        self._connections = connections
        self._context = context or _tls(access)
        with importing():
            self._client = _client(access, connections, self._context)

    def renewed(self) -> Session:
        """Return a session with the same access and no connections yet."""
        return Session(self.access, connections=self._connections, context=self._context)

    def usable(self) -> bool:
        """Say whether the connections may be trusted: opened by this process and used a moment ago.

        By the wall clock, which goes on while an instance is frozen; the monotonic one may stand still.
        """
        return self.process == os.getpid() and abs(time.time() - self.last_used) <= MAX_IDLE_SECONDS

    def exchange(self, request: Request, *, connect: float, read: float, deadline: Deadline) -> Answer:
        """Send a request and read the whole answer. Limits are in seconds. Raises NoAnswerError."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415 -- loaded with the client

        headers = {"Accept": "application/json"}
        if request.impersonate:
            headers["Impersonate-User"] = request.impersonate
        until = ends.set(deadline)
        try:
            response = self._client.request(
                request.method,
                request.path,
                body=request.body,
                query_params=list(request.query.items()),
                header_params=headers,
                serialize=False,
                content_type=request.content_type,
                _request_timeout=(connect, read),
            )
            answer = Answer(response.status, response.headers.get("Retry-After", ""), response.data)
        except ApiException as error:  # any status but 2xx
            answer = Answer(error.status, (error.headers or {}).get("Retry-After", ""), _bytes(error.body))
        finally:
            ends.reset(until)
        self.tried = True
        self.last_used = time.time()
        return answer


class _NoDiscovery:
    """Stands where the dynamic client would ask the server for all that it has: `Kinds` asks for what is needed."""

    def __init__(self, client: object, cache_file: object) -> None:
        """Ask nothing."""


def _client(access: ClusterAccess, connections: int, context: ssl.SSLContext) -> DynamicClient:
    # the client's models need no plugins of pydantic's, for which it would read every installed package's metadata:
    # https://docs.pydantic.dev/latest/concepts/plugins/
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from kubernetes.client import ApiClient, Configuration  # noqa: PLC0415 -- when the cluster is first used
    from kubernetes.dynamic import DynamicClient  # noqa: PLC0415 -- as above

    from functions.adapters.kubernetes.pools import pools  # noqa: PLC0415 -- as above

    configuration = Configuration()
    configuration.host = access.server
    for name, value in _proxy(access.proxy_url).items():
        setattr(configuration, name, value)
    client = ApiClient(configuration)
    client.user_agent = USER_AGENT
    if access.token:
        client.default_headers["Authorization"] = f"Bearer {access.token}"
    client.rest_client.pool_manager = pools(
        context, beside=client.rest_client.pool_manager, connections=connections, server_name=access.tls_server_name
    )
    return DynamicClient(client, discoverer=_NoDiscovery)  # type: ignore[no-untyped-call] # it has no types


def _bytes(body: str | bytes | None) -> bytes:
    return body.encode() if isinstance(body, str) else body or b""


def _proxy(url: str) -> dict[str, Any]:
    """Return the client's settings; without a proxy-url, HTTPS_PROXY and NO_PROXY hold, as for kubectl."""
    if not url:
        return {}
    import urllib3  # noqa: PLC0415 -- as above

    parts = urlsplit(url)
    if not parts.username:
        return {"proxy": url, "no_proxy": ""}
    user, password = unquote(parts.username), unquote(parts.password or "")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    try:
        headers = urllib3.make_headers(proxy_basic_auth=f"{user}:{password}")
    except UnicodeError as error:
        raise _unusable("proxy-url has a user or password that cannot stand in a header", error) from None
    return {"proxy": bare, "no_proxy": "", "proxy_headers": headers}


def _tls(access: ClusterAccess) -> ssl.SSLContext:
    """Return the TLS context of an access. Raises ConfigurationError when a certificate or key is none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # as Go does: an intermediate in the kubeconfig is trusted as it stands there
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if access.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if access.ca_pem:
            context.load_verify_locations(cadata=access.ca_pem)
        elif not access.insecure:
            context.load_default_certs()
    except (ssl.SSLError, ValueError) as error:
        raise _unusable("certificate-authority-data holds no certificate that can be read", error) from error
    if access.client_certificate_pem:
        try:
            _load_key_pair(context, f"{access.client_certificate_pem}\n{access.client_key_pem}\n")
        except (ssl.SSLError, ValueError) as error:
            raise _unusable(
                "client-certificate-data and client-key-data are no pair that can be read", error
            ) from error
    return context


def _load_key_pair(context: ssl.SSLContext, pem: str) -> None:
    # `ssl` reads key pairs from files only; this one (mode 600) is there for the blink of an eye
    descriptor, path = tempfile.mkstemp()
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(pem)
        context.load_cert_chain(path)
    finally:
        Path(path).unlink()


def _unusable(mistake: str, error: Exception) -> ConfigurationError:
    reason = getattr(error, "reason", "")
    detail = f" ({reason})" if reason else ""
    return mistaken("the kubeconfig", [f"kubeconfig: {mistake}{detail}"], ", which the log lists")
