"""Answers of the services that the operator chose, over urllib3: read whole within a deadline and a size, or a fault.

The socket's limit is for one read: a name server that says nothing, and headers that come byte by byte, end by their
own limits alone. What manifests name is called through `outbound`, which ends these, too.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

from functions.common.errors import LastingError, settled
from functions.common.ports import Deadline

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_CHUNK = 64 * 1024

Cause = Literal["", "certificate", "size", "time", "tls"]


class NoAnswerError(Exception):
    """No whole answer came. `maybe_done`: the request may have been carried out."""

    def __init__(self, text: str, *, maybe_done: bool, cause: Cause = "") -> None:
        super().__init__(text)
        self.text = text
        self.maybe_done = maybe_done
        self.cause: Cause = cause


def whole(ask: Callable[[], BaseHTTPResponse], *, deadline: Deadline, size: int) -> tuple[BaseHTTPResponse, bytes]:
    """Return the answer to a request that `ask` sends without reading the body, and the body: `size` bytes at most.

    Raises NoAnswerError, in words without addresses, paths or bodies, and LastingError for what can never be sent.
    """
    with _plain_faults():
        response = ask()
        try:
            return response, _read(response, deadline, size)
        except BaseException:
            response.close()
            raise


def _read(response: BaseHTTPResponse, deadline: Deadline, size: int) -> bytes:
    chunks = []
    left = size
    while chunk := response.read1(_CHUNK):
        left -= len(chunk)
        if left < 0:
            raise NoAnswerError(f"the answer is larger than {size // 1024**2} MiB", maybe_done=True, cause="size")
        chunks.append(chunk)
        if deadline.remaining() <= 0:
            raise NoAnswerError("the answer had not ended when the time was up", maybe_done=True, cause="time")
    return b"".join(chunks)


@contextlib.contextmanager
def _plain_faults() -> Iterator[None]:
    from urllib3 import exceptions  # noqa: PLC0415 -- it is there when `ask` is

    # urllib3's frames hold the errors that hold them, and through them the delivery
    try:
        yield
    except exceptions.SSLError as error:
        raise _tls_fault(error) from settled(error)
    except exceptions.ReadTimeoutError as error:
        raise NoAnswerError("no answer came in time", maybe_done=True, cause="time") from settled(error)
    except exceptions.NameResolutionError as error:
        raise NoAnswerError("its name cannot be resolved", maybe_done=False) from settled(error)
    except exceptions.NewConnectionError as error:
        cause = error.__cause__
        said = cause.strerror.lower() if isinstance(cause, OSError) and cause.strerror else "no connection"
        raise NoAnswerError(said, maybe_done=False) from settled(error)
    except exceptions.ConnectTimeoutError as error:  # the base of the two above
        raise NoAnswerError("no connection came about in time", maybe_done=False, cause="time") from settled(error)
    except exceptions.ProxyError as error:
        raise NoAnswerError("the proxy does not connect to it", maybe_done=False) from settled(error)
    except (UnicodeError, exceptions.LocationValueError) as error:
        # every value is judged before, so this is a net
        raise LastingError(
            "it cannot be sent: a name in it is none that a request or a server could have"
        ) from settled(error)
    except exceptions.HTTPError as error:  # the base of all that urllib3 raises
        raise NoAnswerError("the connection was closed before the whole answer came", maybe_done=True) from settled(
            error
        )


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
