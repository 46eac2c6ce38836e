"""OpenTelemetry's side of the traces: spans that are kept until their request ends. Imported by the first request."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider


class _Collector(SpanProcessor):
    """Keeps the finished spans of this thread's request until they are taken."""

    def __init__(self) -> None:
        self._local = threading.local()

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span, whose request runs in this thread."""
        self._local.__dict__.setdefault("spans", []).append(span)

    def take(self) -> list[ReadableSpan]:
        """Return what was kept and forget it."""
        spans: list[ReadableSpan] = self._local.__dict__.pop("spans", [])
        return spans


class Spans:
    """Spans of requests and their stages. Shared by all threads."""

    def __init__(self) -> None:
        self._collector = _Collector()
        provider = TracerProvider(
            resource=Resource({"service.name": os.environ.get("K_SERVICE", "pipehook")}),
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attributes=16),
        )
        provider.add_span_processor(self._collector)
        self._tracer: trace.Tracer = provider.get_tracer("pipehook")

    @contextlib.contextmanager
    def span(self, name: str, parent: Context | None = None) -> Iterator[None]:
        """Span what is done in the context; of an exception, its type alone is told, as in a traceback of the log."""
        with self._tracer.start_as_current_span(
            name, context=parent, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
                raise

    def take(self) -> list[ReadableSpan]:
        """Return the spans of this thread that have ended, once."""
        return self._collector.take()


def remote(trace_id: int, span_id: int) -> Context:
    """Return the context of a caller's span, whose children are to be recorded."""
    parent = trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(1))
    return trace.set_span_in_context(trace.NonRecordingSpan(parent))


def current_trace_parent() -> str:
    """Return the current span as W3C's `traceparent`; empty without a span."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"
