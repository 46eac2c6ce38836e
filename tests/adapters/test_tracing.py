"""Traces of a delivery's stages, sent to a Cloud Trace stand-in over gRPC before the reply."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures

import pytest
from opentelemetry.exporter.cloud_trace import CloudTraceSpanExporter

from functions.adapters import tracing
from functions.adapters.tracing import OpenTelemetryTracer
from functions.delivery import Delivery, canonical_headers
from tests.support.application import Application
from tests.support.cloud_trace import CloudTrace
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import ROOT
from tests.support.workspace import Workspace

# the exporter itself uses what its libraries have deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TRACE = "105445aa7843bc8bf206b12000100000"


@pytest.fixture
def cloud_trace(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudTrace]:
    with CloudTrace() as running:
        running.is_waited_for(monkeypatch)
        yield running


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
    with tracer.request("delivery", delivery(**sent)), tracer.span("verify"):
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
    with tracer.request("delivery", delivery(X_Cloud_Trace_Context=header)):
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
        with hanging.request("delivery", delivery()):
            done.append(number)

    def refuse() -> CloudTraceSpanExporter:
        raise OSError("no credentials")

    with OpenTelemetryTracer(refuse).request("delivery", delivery()):
        done.append(3)
    assert done == [0, 1, 2, 3]
    cloud_trace.released.set()


def test_a_span_names_an_exceptions_type_and_never_its_text(cloud_trace: CloudTrace) -> None:
    tracer = OpenTelemetryTracer(cloud_trace.exporter)
    with pytest.raises(ValueError, match="canary"), tracer.request("delivery", delivery()), tracer.span("verify"):
        raise ValueError("canary")
    [request] = cloud_trace.written
    assert [span.status.message for span in request.spans] == ["ValueError", "ValueError"]
    assert "canary" not in str(request)


def test_the_current_span_is_told_as_a_traceparent(cloud_trace: CloudTrace) -> None:
    tracer = OpenTelemetryTracer(cloud_trace.exporter)
    with tracer.request("delivery", delivery()), tracer.span("create"):
        told = tracing.current_trace_parent()
    create, _ = cloud_trace.spans
    assert told.rpartition("-")[0] == f"00-{create.name.split('/')[3]}-{create.span_id}"
    assert int(told.rpartition("-")[2], 16) & 1, "it is sampled"
    assert tracing.current_trace_parent() == ""


def test_spans_of_parallel_deliveries_do_not_mix(cloud_trace: CloudTrace) -> None:
    tracer = OpenTelemetryTracer(cloud_trace.exporter)

    def deliver(number: int) -> None:
        trace = f"{number + 1:032x}"
        with tracer.request("delivery", delivery(X_Cloud_Trace_Context=f"{trace}/1")), tracer.span("verify"):
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
