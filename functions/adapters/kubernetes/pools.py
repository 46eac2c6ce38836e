"""The connections beneath the `kubernetes` client: urllib3's pools, whose answers are read within bounds.

The client itself would read TLS material from files for every connection, retry and redirect by itself, and read the
answer to a refused request to its end, however slowly that comes. Imported when the cluster is first used.
"""

from __future__ import annotations

import io
import ssl
from functools import partial
from typing import Any

import urllib3
from urllib3 import exceptions

from functions.adapters.bounded import whole
from functions.adapters.kubernetes.answers import MAX_ANSWER, ends


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
        response, body = whole(partial(super().urlopen, method, url, **kw), deadline=ends.get(), size=MAX_ANSWER)
        headers = response.headers
        headers.discard("Content-Encoding")  # it is decoded
        return urllib3.HTTPResponse(
            io.BytesIO(body), headers, response.status, reason=response.reason, preload_content=False
        )


class _Pools(_Bounded):
    """Without a proxy."""


class _ProxiedPools(_Bounded, urllib3.ProxyManager):
    """Through a proxy."""
