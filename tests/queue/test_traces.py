"""The worker's and the sweep's spans, and the trace that a queued trigger keeps from the webhook to the worker."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Request

from functions.adapters import tracing
from functions.adapters.tracing import OpenTelemetryTracer
from functions.common.ports import Deadline, Work
from functions.common.tracing import Untraced
from functions.common.values import Outcome, Status
from functions.delivery import Delivery
from functions.entrypoints.dispatch import CREATE_SECONDS, Dispatch
from functions.entrypoints.redeliver import Redeliver, open_sweep
from functions.queue.messages import encode
from functions.settings import read_settings
from tests.adapters.kubernetes.support import NAMESPACE, Clock, pipeline_run, work
from tests.queue.test_dispatch import envelope, push, worker
from tests.redelivery.test_redeliver import TOKEN, Sleeper, named
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.github_api import GitHubApi
from tests.standins.secret_manager import SecretManager
from tests.standins_tests.receivers import Receiver
from tests.support.application import Application
from tests.support.cloud_trace import CloudTrace
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import ROOT
from tests.support.pubsub import TestedPubSub
from tests.support.sources import Source, inline, listener, template
from tests.support.workspace import Workspace

# the exporter itself uses what its libraries have deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TRACE = "105445aa7843bc8bf206b12000100000"
PARENT = "00000000000000ff"
NOT_SOON = {"Retry-After": "600"}


@pytest.fixture
def cloud_trace(monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudTrace]:
    """The Cloud Trace that functions with TRACING write to."""
    with CloudTrace() as running:
        monkeypatch.setattr(tracing, "open_cloud_trace", lambda _project: running.exporter())
        running.is_waited_for(monkeypatch)
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workspace]:
    with ApiServer() as cluster:
        yield Workspace(tmp_path / "workspace", cluster, namespace=NAMESPACE)


def names(cloud_trace: CloudTrace) -> list[str]:
    return [span.display_name.value for span in cloud_trace.spans]


def traces(cloud_trace: CloudTrace) -> set[str]:
    return {span.name.split("/")[3] for span in cloud_trace.spans}


def test_taking_and_creating_are_spans_of_the_trace_that_published_the_message(
    place: Workspace, cloud_trace: CloudTrace, capsys: pytest.CaptureFixture[str]
) -> None:
    application = worker(place, TRACING="true", GOOGLE_CLOUD_PROJECT="p")
    capsys.readouterr()

    answer = push(application, work(), attributes={"traceparent": f"00-{TRACE}-{PARENT}-01"})

    assert answer.json["outcome"] == "created"
    create, message = cloud_trace.spans
    assert names(cloud_trace) == ["create", "message"]
    assert (create.parent_span_id, message.parent_span_id) == (message.span_id, PARENT)
    assert traces(cloud_trace) == {TRACE}
    line = json.loads(capsys.readouterr().out)
    assert line["logging.googleapis.com/trace"] == f"projects/p/traces/{TRACE}"


def test_burying_is_a_span(place: Workspace, cloud_trace: CloudTrace, pubsub: TestedPubSub) -> None:
    topic = pubsub.topic("dead")
    subscription = pubsub.subscription(topic)
    application = worker(place, TRACING="true", DEAD_LETTER_TOPIC=topic)

    push(application, work({**pipeline_run(), "kind": "Unknown"}), attributes={"traceparent": "any"})

    assert names(cloud_trace) == ["create", "bury", "message"]
    (letter,) = pubsub.take(subscription, most=1)
    assert letter.attributes["traceparent"] == "any"


@pytest.mark.parametrize(
    "told",
    [
        "",
        "x",
        f"00-{TRACE}-{PARENT}",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        "٠" * 55,
        "9" * 100_000,
    ],
)
def test_what_is_no_traceparent_is_passed_over(place: Workspace, cloud_trace: CloudTrace, told: str) -> None:
    body = envelope(encode(work()).data, attributes={"traceparent": told})
    answer = worker(place, TRACING="true").post(body, {"X-Cloud-Trace-Context": f"{'a' * 32}/1"})

    assert (answer.status, answer.json["outcome"]) == (200, "created")
    assert traces(cloud_trace) == {"a" * 32}


def test_a_queued_trigger_keeps_its_deliverys_trace(
    place: Workspace, cloud_trace: CloudTrace, pubsub: TestedPubSub
) -> None:
    source = Source(place, "files")
    source.secret("hook", "token", SECRET)
    source.put(template(), listener(inline("one")))
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    armed = place.cluster.faults.add(Fault(method="POST", status=503, headers=NOT_SOON))
    body = encoded(PUSH)
    webhook = source.application(QUEUE_TOPIC=topic, TRACING="true")
    assert webhook.post(body, headers("push", body)).statuses == ["queued"]
    place.cluster.faults.remove(armed)
    (queued,) = pubsub.take(subscription, most=1)

    answer = worker(place, TRACING="true").post(envelope(queued.data, attributes=queued.attributes), {})

    assert answer.json["outcome"] == "created"
    assert names(cloud_trace) == ["verify", "intercept", "render", "create", "delivery", "create", "message"]
    assert len(traces(cloud_trace)) == 1
    assert cloud_trace.spans[-1].parent_span_id == cloud_trace.spans[3].span_id


def test_an_untraced_webhook_publishes_no_trace(place: Workspace, pubsub: TestedPubSub) -> None:
    source = Source(place, "files")
    source.secret("hook", "token", SECRET)
    source.put(template(), listener(inline("one")))
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    body = encoded(PUSH)
    source.application(QUEUE_TOPIC=topic, QUEUE_MODE="always").post(body, headers("push", body))

    (queued,) = pubsub.take(subscription, most=1)
    assert "traceparent" not in queued.attributes


class Idle:
    """A sink that creates nothing and keeps the deadline that it was given."""

    def __init__(self) -> None:
        self.deadlines: list[Deadline] = []

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        self.deadlines.append(deadline)
        return [Outcome(one.trigger, one.trigger_namespace, Status.DUPLICATE, verified=True) for one in work]


def test_the_worker_keeps_the_time_that_sending_its_trace_may_take(cloud_trace: CloudTrace, clock: Clock) -> None:
    sink = Idle()
    dispatch = Dispatch(sink, None, tracer=OpenTelemetryTracer(cloud_trace.exporter))

    dispatch._create(work())

    (deadline,) = sink.deadlines
    assert deadline.expires == clock() + CREATE_SECONDS - dispatch.tracer.reserve


@pytest.fixture
def github() -> Iterator[GitHubApi]:
    with GitHubApi() as running:
        yield running


def test_what_github_is_asked_is_spanned(cloud_trace: CloudTrace, github: GitHubApi) -> None:
    with Receiver(503) as receiver:
        hook = github.add_hook("repos/o/r", receiver.url)
        github.deliver(hook, "push", {}, delivered_at=datetime.now(UTC) - timedelta(hours=1))
        receiver.status = 202
        given = {"GITHUB_HOOKS": named(hook), "GITHUB_TOKEN_SECRET": TOKEN, "GITHUB_API_URL": github.url}
        tracer = OpenTelemetryTracer(cloud_trace.exporter)
        sweep = open_sweep(
            read_settings(given), fetch=lambda *_: github.token.encode(), sleep=Sleeper(github), tracer=tracer
        )
        nothing = Delivery(path="/", headers={}, body=b"", received_at=0, nonce="n")
        with tracer.request("sweep", nothing):
            assert sweep.run().total("came_through") == 1

    assert names(cloud_trace) == ["list", "redeliver", "list", "sweep"]
    assert len(traces(cloud_trace)) == 1


def test_a_sweep_is_a_span_of_its_callers_trace(
    cloud_trace: CloudTrace, github: GitHubApi, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = github.add_hook("repos/o/r", "http://127.0.0.1:1/")
    with SecretManager() as secrets:
        secrets.add("p", "github-token", github.token.encode())
        function = Application(
            {
                "GITHUB_HOOKS": named(hook),
                "GITHUB_TOKEN_SECRET": TOKEN,
                "GITHUB_API_URL": github.url,
                "SECRET_MANAGER_EMULATOR_HOST": secrets.host,
                "TRACING": "true",
            },
            target="redeliver",
        )
        capsys.readouterr()
        assert function.request("POST", headers={"Traceparent": f"00-{TRACE}-{PARENT}-01"}).status == 200

    assert names(cloud_trace) == ["list", "sweep"]
    assert cloud_trace.spans[-1].parent_span_id == PARENT
    assert traces(cloud_trace) == {TRACE}
    assert json.loads(capsys.readouterr().out)["logging.googleapis.com/trace"] == f"projects/p/traces/{TRACE}"


def test_a_sweep_is_logged_before_its_spans_are_sent_which_is_no_part_of_its_time(
    github: GitHubApi, capsys: pytest.CaptureFixture[str]
) -> None:
    class Sending(Untraced):
        @contextmanager
        def request(self, *_: object) -> Iterator[None]:
            yield
            logged.append(capsys.readouterr().out)

    logged: list[str] = []
    given = {"GITHUB_HOOKS": named(github.add_hook("repos/o/r", "http://127.0.0.1:1/")), "GITHUB_TOKEN_SECRET": TOKEN}
    settings = read_settings({**given, "GITHUB_API_URL": github.url})
    sweep = open_sweep(settings, fetch=lambda *_: github.token.encode(), sleep=Sleeper(github))

    Redeliver(sweep, tracer=Sending())(Request({"REQUEST_METHOD": "POST", "wsgi.input": BytesIO()}))

    assert [json.loads(line)["kind"] for line in logged] == ["sweep"]


IMPORTED = """
import json, sys
from tests.support.application import Application
# Google's clients import OpenTelemetry's interface themselves
PARTS = ("opentelemetry.sdk", "opentelemetry.exporter", "functions.common.tracing", "functions.adapters.tracing")
job = json.load(sys.stdin)
application = Application(job["environment"], target=job["target"])
status = application.post(job["body"].encode(), {}).status
print(json.dumps([status, [name for name in sys.modules if name.startswith(PARTS)]]))
"""


@pytest.mark.parametrize("target", ["dispatch", "redeliver"])
def test_without_tracing_nothing_is_imported_for_it(place: Workspace, github: GitHubApi, target: str) -> None:
    hook = github.add_hook("repos/o/r", "http://127.0.0.1:1/")
    with SecretManager() as secrets:
        secrets.add("p", "github-token", github.token.encode())
        environment = {
            "KUBECONFIG": str(place.directory / "kubeconfig"),
            "GITHUB_HOOKS": named(hook),
            "GITHUB_TOKEN_SECRET": TOKEN,
            "GITHUB_API_URL": github.url,
            "SECRET_MANAGER_EMULATOR_HOST": secrets.host,
        }
        job = {"environment": environment, "target": target, "body": envelope(encode(work()).data).decode()}
        done = subprocess.run(
            [sys.executable, "-c", IMPORTED],
            cwd=ROOT,
            input=json.dumps(job),
            capture_output=True,
            text=True,
            check=True,
        )
    assert json.loads(done.stdout.splitlines()[-1]) == [200, ["functions.common.tracing"]]
