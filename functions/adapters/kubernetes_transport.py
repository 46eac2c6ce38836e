"""One request over the `kubernetes` client's HTTP layer: TLS from memory, kept-alive connections, plain faults."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlencode, urlsplit

from functions.adapters.kubeconfig import ClusterAccess
from functions.adapters.kubernetes_library import load
from functions.dataclass import dataclass
from functions.errors import ConfigurationError, LastingError
from functions.ports import Deadline
from functions.values import Json

if TYPE_CHECKING:
    import urllib3
    from kubernetes.client.rest import RESTClientObject, RESTResponse

USER_AGENT = "pipehook"
"""Also the field manager of what is created: the API takes it from here where no fieldManager is named."""
MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer: a page of 500 large objects stays well below."""
MAX_IDLE_SECONDS = 60.0
"""Connections that idled longer (an instance was frozen meanwhile, perhaps) are not trusted but opened anew."""
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of the API: `path` has its segments quoted."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Json] | None = None
    impersonate: str = ""
    """A user's name for Impersonate-User."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What is asked for, as an access review names it; empty for what is no resource."""
    path_is_doubted: bool = False
    """The path may be served a moment later, that of a kind of which a CRD has just come."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered, whatever the status."""

    status: int
    retry_after: str
    body: bytes


class NoAnswerError(Exception):
    """No whole answer came. `maybe_done`: the request may have been carried out. `cause`: `certificate` or empty."""

    def __init__(self, text: str, *, maybe_done: bool, cause: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.maybe_done = maybe_done
        self.cause = cause


class Session:
    """Connections to one cluster as one identity, shared by threads. `tried` turns true with the first answer."""

    def __init__(self, access: ClusterAccess, *, connections: int, context: ssl.SSLContext | None = None) -> None:
        self.access = access
        self.process = os.getpid()
        self.tried = False
        self.last_used = time.time()
        self._connections = connections
        self._context = context or _tls(access)
        self._headers = {"Accept": "application/json", "User-Agent": USER_AGENT}
        if access.token:
            self._headers["Authorization"] = f"Bearer {access.token}"
        self._rest = _client(access, connections, self._context)

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
        with _plain_faults():
            response = self._send(request, connect=connect, read=read)
            try:
                body = _body(response.response, deadline)
            except BaseException:
                response.response.close()
                raise
        self.tried = True
        self.last_used = time.time()
        return Answer(response.status, response.headers.get("Retry-After", ""), body)

    def _send(self, request: Request, *, connect: float, read: float) -> RESTResponse:
        headers = dict(self._headers)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if request.impersonate:
            headers["Impersonate-User"] = request.impersonate
        query = f"?{urlencode(request.query, quote_via=quote)}" if request.query else ""
        response: RESTResponse = self._rest.request(  # type: ignore[no-untyped-call] # the client types no arguments
            request.method,
            f"{self.access.server}{request.path}{query}",
            headers=headers,
            body=request.body,
            _request_timeout=(connect, read),
        )
        return response


def _client(access: ClusterAccess, connections: int, context: ssl.SSLContext) -> RESTClientObject:
    import urllib3  # noqa: PLC0415 -- the client brings it anyway, when the cluster is first used

    configuration_class, client_class = load()
    configuration = configuration_class(
        host=access.server,
        verify_ssl=not access.insecure,
        tls_server_name=access.tls_server_name or None,
        connection_pool_maxsize=connections,
        # neither retries nor redirects of urllib3's own: both are decided above, with the deadline in view
        retries=urllib3.Retry(total=False),
        **_proxy(access.proxy_url),
    )
    configuration.keep_alive = True
    client = client_class(configuration)
    # The client itself would read client certificates from files, and the authority's anew for every connection.
    client.pool_manager.connection_pool_kw["ssl_context"] = context
    if access.insecure:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # said once, when the kubeconfig was read
    return client


def _proxy(url: str) -> dict[str, Any]:
    """Return Configuration's arguments; without a proxy-url, HTTPS_PROXY and NO_PROXY hold, as for kubectl."""
    if not url:
        return {}
    import urllib3  # noqa: PLC0415 -- as above

    parts = urlsplit(url)
    if not parts.username:
        return {"proxy": url, "no_proxy": ""}
    user, password = unquote(parts.username), unquote(parts.password or "")
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    headers = urllib3.make_headers(proxy_basic_auth=f"{user}:{password}")
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
    return ConfigurationError(
        "the kubeconfig has 1 mistake(s), which the log lists", [f"kubeconfig: {mistake}{detail}"]
    )


def _body(response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes:
    """Read an answer to its end. The socket's limit is for one read; many small ones are bounded by the deadline."""
    chunks = []
    size = 0
    while chunk := response.read1(_CHUNK):
        size += len(chunk)
        if size > MAX_ANSWER:
            raise NoAnswerError(f"the answer is larger than {MAX_ANSWER // 1024**2} MiB", maybe_done=True)
        chunks.append(chunk)
        if deadline.remaining() <= 0:
            raise NoAnswerError("the answer had not ended when the time was up", maybe_done=True)
    return b"".join(chunks)


@contextlib.contextmanager
def _plain_faults() -> Iterator[None]:
    """Turn what urllib3 and the client raise into NoAnswerError, in words without addresses, paths or bodies.

    Raises LastingError for what can never be sent: every value is judged before, so this is a net.
    """
    from kubernetes.client.exceptions import ApiException  # noqa: PLC0415 -- loaded with the client
    from urllib3 import exceptions  # noqa: PLC0415 -- as above

    try:
        yield
    except (ApiException, exceptions.SSLError) as error:
        # the client turns urllib3's SSLError alone into an ApiException without a status
        raise _tls_fault(error) from error
    except exceptions.ReadTimeoutError as error:
        raise NoAnswerError("no answer came in time", maybe_done=True) from error
    except exceptions.NameResolutionError as error:
        raise NoAnswerError("its name cannot be resolved", maybe_done=False) from error
    except exceptions.NewConnectionError as error:
        cause = error.__cause__
        said = cause.strerror.lower() if isinstance(cause, OSError) and cause.strerror else "no connection"
        raise NoAnswerError(said, maybe_done=False) from error
    except exceptions.ConnectTimeoutError as error:  # the base of the two above
        raise NoAnswerError("no connection came about in time", maybe_done=False) from error
    except exceptions.ProxyError as error:
        raise NoAnswerError("the proxy does not connect to it", maybe_done=False) from error
    except (UnicodeError, exceptions.LocationValueError) as error:
        raise LastingError("it cannot be sent: a name in it is none that a request or a server could have") from error
    except exceptions.HTTPError as error:  # the base of all that urllib3 raises
        raise NoAnswerError("the connection was closed before the whole answer came", maybe_done=True) from error


def _tls_fault(error: Exception) -> NoAnswerError:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            text = f"its certificate is not accepted: {seen.verify_message}"
            return NoAnswerError(text, maybe_done=False, cause="certificate")
        nested = next((arg for arg in seen.args if isinstance(arg, BaseException)), None)
        seen = nested or seen.__cause__ or seen.__context__
    # an alert may also come late in TLS 1.3, as an answer to the client's certificate
    return NoAnswerError("the TLS handshake failed", maybe_done=True, cause="tls")
