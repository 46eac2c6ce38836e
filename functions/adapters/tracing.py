"""Traces of requests as OpenTelemetry spans in Cloud Trace: loaded with TRACING, its libraries by the first request."""

from __future__ import annotations

import contextlib
import logging
import os
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
    from opentelemetry.sdk.trace import Tracer as SdkTracer
    from opentelemetry.sdk.trace.export import SpanExporter

FLUSH_SECONDS = 1.0
"""What a reply waits for its spans at most: an instance may be frozen as soon as it has replied."""

_LOG = logging.getLogger(__name__)


def open_cloud_trace(project: str) -> SpanExporter:
    """Return an exporter to Cloud Trace, with the credentials of the function's own identity."""
    from opentelemetry.exporter.cloud_trace import CloudTraceSpanExporter  # noqa: PLC0415 -- gRPC: only when tracing

    return CloudTraceSpanExporter(project_id=project or None)  # type: ignore[no-untyped-call]  # it has no types


class _Collector:
    """A span processor that keeps the finished spans of this thread's request until they are taken."""

    def __init__(self) -> None:
        self._local = threading.local()

    def on_start(self, span: object, parent_context: object = None) -> None:
        """Do nothing."""

    def _on_ending(self, span: object) -> None:
        """Do nothing."""

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span, whose request runs in this thread."""
        self._local.__dict__.setdefault("spans", []).append(span)

    def take(self) -> list[ReadableSpan]:
        """Return what was kept and forget it."""
        spans: list[ReadableSpan] = self._local.__dict__.pop("spans", [])
        return spans

    def shutdown(self) -> None:
        """Do nothing."""

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002 -- OpenTelemetry's form
        """Do nothing: `take` flushes."""
        return True


class OpenTelemetryTracer:
    """Fulfils the Tracer port. A trace that cannot be sent never hurts its request."""

    def __init__(self, open_exporter: Callable[[], SpanExporter]) -> None:
        self._open_exporter = open_exporter
        self._collector = _Collector()
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
    def _tracer(self) -> SdkTracer:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 -- only when tracing
        from opentelemetry.sdk.trace import SpanLimits, TracerProvider  # noqa: PLC0415

        provider = TracerProvider(
            resource=Resource({"service.name": os.environ.get("K_SERVICE", "pipehook")}),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attributes=16),
        )
        provider.add_span_processor(self._collector)  # type: ignore[arg-type]  # it has a processor's form
        return provider.get_tracer("pipehook")  # type: ignore[return-value]  # the SDK's provider gives the SDK's

    @property
    def reserve(self) -> float:
        """Return what sending may take."""
        return FLUSH_SECONDS

    @contextlib.contextmanager
    def request(self, name: str, request: Headed) -> Iterator[None]:
        """Span one request and send its spans before it ends, within FLUSH_SECONDS."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._flush)
            stack.enter_context(self._spanned(name, _parent(request)))
            yield

    def span(self, stage: str) -> contextlib.AbstractContextManager[object]:
        """Span one stage."""
        return self._spanned(stage, None)

    @contextlib.contextmanager
    def _spanned(self, name: str, parent: Context | None) -> Iterator[None]:
        """Span what is done in the context; of an exception, its type alone is told, as in a traceback of the log."""
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 -- only when tracing

        with self._tracer.start_as_current_span(
            name, context=parent, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def _flush(self) -> None:
        spans = self._collector.take()
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
    from opentelemetry import trace  # noqa: PLC0415 -- only when tracing

    trace_id, span_id = found
    parent = trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(1))
    return trace.set_span_in_context(trace.NonRecordingSpan(parent))


def current_trace_parent() -> str:
    """Return the current span as W3C's `traceparent`, for what another process goes on with; empty without a span."""
    from opentelemetry import trace  # noqa: PLC0415 -- only when tracing

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
