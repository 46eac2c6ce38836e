"""The connections beneath the `kubernetes` client: urllib3's pools, whose answers are read within bounds.

The client itself would read TLS material from files for every connection, retry and redirect by itself, and read the
answer to a refused request to its end, however slowly that comes. Imported when the cluster is first used.
"""

from __future__ import annotations

import contextlib
import io
import ssl
from collections.abc import Iterator
from typing import Any

import urllib3
from urllib3 import exceptions

from functions.adapters.kubernetes.answers import MAX_ANSWER, NoAnswerError, ends
from functions.common.errors import LastingError
from functions.common.ports import Deadline

_CHUNK = 64 * 1024


def pools(
    context: ssl.SSLContext, *, beside: urllib3.PoolManager, connections: int, server_name: str
) -> urllib3.PoolManager:
    """Return pools that go the way of `beside`, the client's own: through the same proxy, if through any."""
    settings: dict[str, Any] = {
        "ssl_context": context,
        "maxsize": connections,
        # neither retries nor redirects: both are decided above, with the deadline in view
        "retries": urllib3.Retry(total=False),
    }
    if server_name:
        settings["server_hostname"] = server_name
    if context.verify_mode == ssl.CERT_NONE:
        urllib3.disable_warnings(exceptions.InsecureRequestWarning)  # said once, when the kubeconfig was read
    if isinstance(beside, urllib3.ProxyManager) and beside.proxy is not None:
        return _ProxiedPools(beside.proxy.url, proxy_headers=beside.proxy_headers, **settings)
    return _Pools(**settings)


class _Bounded(urllib3.PoolManager):
    def urlopen(self, method: str, url: str, *_: object, **kw: Any) -> urllib3.BaseHTTPResponse:
        """Return an answer that has been read to its end. Raises NoAnswerError."""
        kw |= {"redirect": False, "preload_content": False}
        with _plain_faults():
            response = super().urlopen(method, url, **kw)
            try:
                body = read(response, ends.get())
            except BaseException:
                response.close()
                raise
        headers = response.headers
        headers.discard("Content-Encoding")  # it is decoded
        return urllib3.HTTPResponse(
            io.BytesIO(body), headers, response.status, reason=response.reason, preload_content=False
        )


class _Pools(_Bounded):
    """Without a proxy."""


class _ProxiedPools(_Bounded, urllib3.ProxyManager):
    """Through a proxy."""


def read(response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes:
    """Return an answer's body. The socket's limit is for one read; many small ones are bounded by the deadline."""
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
    """Turn what urllib3 raises into NoAnswerError, in words without addresses, paths or bodies.

    Raises LastingError for what can never be sent: every value is judged before, so this is a net.
    """
    try:
        yield
    except exceptions.SSLError as error:
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
