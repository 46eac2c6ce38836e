"""A Cloud Trace for tests: over gRPC, as Google's exporter writes to it."""

from __future__ import annotations

import threading
from concurrent import futures
from types import TracebackType
from typing import Self

import grpc
import pytest
from google.cloud.trace_v2 import TraceServiceClient
from google.cloud.trace_v2.services.trace_service.transports import TraceServiceGrpcTransport
from google.cloud.trace_v2.types import BatchWriteSpansRequest, Span
from google.protobuf.empty_pb2 import Empty
from opentelemetry.exporter.cloud_trace import CloudTraceSpanExporter

from functions.adapters import tracing


class CloudTrace:
    """Keeps the spans that are written; while `released` is cleared it hangs."""

    def __init__(self) -> None:
        self.written: list[BatchWriteSpansRequest] = []
        self.released = threading.Event()
        self.released.set()
        write = grpc.unary_unary_rpc_method_handler(
            self._write,
            request_deserializer=BatchWriteSpansRequest.deserialize,
            response_serializer=Empty.SerializeToString,
        )
        self._server = grpc.server(futures.ThreadPoolExecutor(2))
        self._server.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(
                    "google.devtools.cloudtrace.v2.TraceService", {"BatchWriteSpans": write}
                )
            ]
        )
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()
        self._channels: list[grpc.Channel] = []

    def _write(self, request: BatchWriteSpansRequest, _context: grpc.ServicerContext) -> Empty:
        self.released.wait(10)
        self.written.append(request)
        return Empty()

    def exporter(self) -> CloudTraceSpanExporter:
        """Return Google's own exporter, which writes here."""
        channel = grpc.insecure_channel(self.host)
        self._channels.append(channel)
        client = TraceServiceClient(transport=TraceServiceGrpcTransport(channel=channel))
        return CloudTraceSpanExporter(project_id="my-project", client=client)  # type: ignore[no-untyped-call]  # untyped

    @staticmethod
    def is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
        """Let requests wait for their spans however busy the machine is; they keep as much time for it as ever."""
        monkeypatch.setattr(tracing.OpenTelemetryTracer, "reserve", tracing.FLUSH_SECONDS)
        monkeypatch.setattr(tracing, "FLUSH_SECONDS", 60.0)

    @property
    def spans(self) -> list[Span]:
        """All spans, as they ended."""
        return [span for request in self.written for span in request.spans]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for channel in self._channels:
            channel.close()  # an exporter that is still sending tries no further
        self.released.set()
        self._server.stop(None).wait()
