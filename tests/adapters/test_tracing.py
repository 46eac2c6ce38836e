"""Traces of a delivery's stages, sent to a Cloud Trace stand-in over gRPC before the reply."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest
from google.cloud.trace_v2 import TraceServiceClient
from google.cloud.trace_v2.services.trace_service.transports import TraceServiceGrpcTransport
from google.cloud.trace_v2.types import BatchWriteSpansRequest
from google.protobuf.empty_pb2 import Empty
from opentelemetry.exporter.cloud_trace import CloudTraceSpanExporter

from functions.adapters import tracing
from functions.adapters.tracing import OpenTelemetryTracer
from functions.delivery import Delivery, canonical_headers
from tests.support.application import Application
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import ROOT
from tests.support.workspace import Workspace

# the exporter itself uses what its libraries have deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TRACE = "105445aa7843bc8bf206b12000100000"


class CloudTrace:
    """Keeps the spans that are written; `held` makes it hang."""

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

    def _write(self, request: BatchWriteSpansRequest, _context: grpc.ServicerContext) -> Empty:
        self.released.wait(10)
        self.written.append(request)
        return Empty()

    def exporter(self) -> CloudTraceSpanExporter:
        channel = grpc.insecure_channel(self.host)
        client = TraceServiceClient(transport=TraceServiceGrpcTransport(channel=channel))
        return CloudTraceSpanExporter(project_id="my-project", client=client)  # type: ignore[no-untyped-call]  # untyped

    def close(self) -> None:
        self.released.set()
        self._server.stop(None).wait()


@pytest.fixture
def cloud_trace() -> Iterator[CloudTrace]:
    server = CloudTrace()
    yield server
    server.close()


def delivery(**sent: str) -> Delivery:
    found = canonical_headers((name.replace("_", "-"), value) for name, value in sent.items())
    return Delivery(path="/", headers=found, body=b"{}", received_at=0, nonce="n")


@pytest.mark.parametrize(
    "sent",
    [
        {"X_Cloud_Trace_Context": f"{TRACE}/255;o=1"},
        {"Traceparent": f"00-{TRACE}-00000000000000ff-01"},
    ],
)
def test_stages_are_children_of_the_delivery_in_the_callers_trace(
    cloud_trace: CloudTrace, sent: dict[str, str]
) -> None:
    tracer = OpenTelemetryTracer(cloud_trace.exporter)
    with tracer.delivery(delivery(**sent)), tracer.span("verify"):
        pass
    [request] = cloud_trace.written
    verify, whole = request.spans
    assert request.name == "projects/my-project"
    assert (verify.display_name.value, whole.display_name.value) == ("verify", "delivery")
    assert verify.parent_span_id == whole.span_id
    assert whole.parent_span_id == "00000000000000ff"
    assert all(span.name.startswith(f"projects/my-project/traces/{TRACE}/") for span in request.spans)


@pytest.mark.parametrize("header", ["", "x", f"{TRACE}/0", f"{'0' * 32}/1", f"{TRACE}/{'9' * 20}"])
def test_a_header_that_names_no_trace_starts_a_new_one(cloud_trace: CloudTrace, header: str) -> None:
    tracer = OpenTelemetryTracer(cloud_trace.exporter)
    with tracer.delivery(delivery(X_Cloud_Trace_Context=header)):
        pass
    [request] = cloud_trace.written
    assert request.spans[0].parent_span_id == ""


def test_a_cloud_trace_that_hangs_or_fails_never_hurts_a_delivery(
    cloud_trace: CloudTrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "FLUSH_SECONDS", 0.05)
    cloud_trace.released.clear()
    hanging = OpenTelemetryTracer(cloud_trace.exporter)
    done = []
    for number in range(3):
        with hanging.delivery(delivery()):
            done.append(number)

    def refuse() -> CloudTraceSpanExporter:
        raise OSError("no credentials")

    with OpenTelemetryTracer(refuse).delivery(delivery()):
        done.append(3)
    assert done == [0, 1, 2, 3]
    cloud_trace.released.set()


def test_spans_of_parallel_deliveries_do_not_mix(cloud_trace: CloudTrace) -> None:
    tracer = OpenTelemetryTracer(cloud_trace.exporter)

    def deliver(number: int) -> None:
        trace = f"{number + 1:032x}"
        with tracer.delivery(delivery(X_Cloud_Trace_Context=f"{trace}/1")), tracer.span("verify"):
            pass

    with futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, range(24)))
    assert len(cloud_trace.written) == 24
    for request in cloud_trace.written:
        assert len({span.name.split("/")[3] for span in request.spans}) == 1


def test_the_functions_stages_are_traced_when_tracing_is_on(
    cloud_trace: CloudTrace, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "open_cloud_trace", lambda _project: cloud_trace.exporter())
    for path in sorted((ROOT / "infra" / "triggers").glob("*.yaml")):
        workspace.write(path.read_text().replace("goldstine-lab", workspace.namespace), path.name)
    workspace.secret("github-webhook", "secretkey", SECRET)
    body = encoded(PUSH)
    application = Application(workspace.environment(TRACING="true"))
    assert application.post(body, headers("push", body)).statuses == ["created"]
    [request] = cloud_trace.written
    names = [span.display_name.value for span in request.spans]
    assert names == ["verify", "intercept", "render", "create", "delivery"]
