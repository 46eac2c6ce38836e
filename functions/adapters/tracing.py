"""Traces of requests as OpenTelemetry spans in Cloud Trace: loaded with TRACING, its libraries by the first request."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import cached_property
from typing import TYPE_CHECKING

from functions.adapters.logs import trace_parent
from functions.common.tracing import Headed

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

    from functions.adapters.spans import Spans

FLUSH_SECONDS = 1.0
"""What a reply waits for its spans at most: an instance may be frozen as soon as it has replied."""

_LOG = logging.getLogger(__name__)


def open_cloud_trace(project: str) -> SpanExporter:
    """Return an exporter to Cloud Trace, with the credentials of the function's own identity."""
    from opentelemetry.exporter.cloud_trace import CloudTraceSpanExporter  # noqa: PLC0415 -- gRPC: only when tracing

    return CloudTraceSpanExporter(project_id=project or None)  # type: ignore[no-untyped-call]  # it has no types


class OpenTelemetryTracer:
    """Fulfils the Tracer port. A trace that cannot be sent never hurts its request."""

    def __init__(self, open_exporter: Callable[[], SpanExporter]) -> None:
        self._open_exporter = open_exporter
        self._lock = threading.Lock()

    @cached_property
    def _exporter(self) -> SpanExporter:
        with self._lock:
            return self._open_exporter()

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        # one thread: while Cloud Trace hangs, the spans of later requests are dropped and not heaped up
        return ThreadPoolExecutor(1, thread_name_prefix="traces")

    @cached_property
    def _spans(self) -> Spans:
        from functions.adapters.spans import Spans  # noqa: PLC0415 -- only when tracing

        return Spans()

    @property
    def reserve(self) -> float:
        """Return what sending may take."""
        return FLUSH_SECONDS

    @contextlib.contextmanager
    def request(self, name: str, request: Headed) -> Iterator[None]:
        """Span one request and send its spans before it ends, within FLUSH_SECONDS."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._flush)
            stack.enter_context(self._spans.span(name, _parent(request)))
            yield

    def span(self, stage: str) -> contextlib.AbstractContextManager[object]:
        """Span one stage."""
        return self._spans.span(stage)

    def _flush(self) -> None:
        spans = self._spans.take()
        pending = self._pool.submit(self._send, spans)
        try:
            pending.result(FLUSH_SECONDS)
        except FutureTimeoutError:
            _LOG.warning("the trace of a request was not sent within %s s", FLUSH_SECONDS)
            self._drop_waiting(pending)
        except Exception as error:  # noqa: BLE001 -- credentials, transport: none of it may hurt a request
            _LOG.warning("the trace of a request could not be sent: %s", type(error).__name__)

    def _send(self, spans: list[ReadableSpan]) -> None:
        self._exporter.export(spans)

    @staticmethod
    def _drop_waiting(pending: Future[None]) -> None:
        pending.cancel()


def _parent(request: Headed) -> Context | None:
    found = trace_parent(request)
    if found is None:
        return None
    from functions.adapters.spans import remote  # noqa: PLC0415 -- only when tracing

    return remote(*found)


def current_trace_parent() -> str:
    """Return the current span as W3C's `traceparent`, for what another process goes on with; empty without a span."""
    from functions.adapters import spans  # noqa: PLC0415 -- only when tracing

    return spans.current_trace_parent()
