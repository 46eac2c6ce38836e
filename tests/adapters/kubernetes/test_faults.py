"""The fault matrix of the cluster's side: each fault at each step, over HTTPS with the real client (docs/faults.md)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from functions.common.values import Status
from tests.adapters.kubernetes.support import NAMESPACE, Side, config_map, pipeline_run, work
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.kinds import Kind
from tests.support.hanging import cut_short

WIDGETS = Kind(group="example.com", kind="Widget", plural="widgets", versions=("v1",), namespaced=True)

WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"generateName": "widget-"}}

WEBHOOK_DOWN = (
    '{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"InternalError","code":500,"message":"Internal '
    'error occurred: failed calling webhook \\"webhook.pipeline.tekton.dev\\": failed to call webhook: Post '
    '\\"https://tekton-pipelines-webhook.tekton-pipelines.svc:443/defaulting\\": connection refused"}'
)
WEBHOOK_DENIES = (
    '{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"BadRequest","code":400,"message":"admission '
    'webhook \\"validation.webhook.pipeline.tekton.dev\\" denied the request: validation failed: expected exactly one"}'
)
QUOTA_RACE = (
    '{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409,"message":"Operation cannot '
    'be fulfilled on resourcequotas \\"runs\\": the object has been modified"}'
)
QUOTA_FULL = (
    '{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"pipelineruns.'
    'tekton.dev \\"build\\" is forbidden: exceeded quota: runs, requested: count/pipelineruns.tekton.dev=1"}'
)
TOO_LARGE = '{"kind":"Status","reason":"InternalError","code":500,"message":"etcdserver: request is too large"}'
NO_NAMESPACE = '{"kind":"Status","code":404,"message":"namespaces \\"x\\" not found","details":{"kind":"namespaces"}}'
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"

PASSING = {
    "408": Fault(status=408),
    "429": Fault(status=429, headers={"Retry-After": "1"}),
    "500": Fault(status=500),
    "500-webhook-down": Fault(status=500, body=WEBHOOK_DOWN),
    "502-html": Fault(status=502, body=HTML, content_type="text/html"),
    "503": Fault(status=503, headers={"Retry-After": "1"}),
    "504": Fault(status=504),
    "409-of-a-quota": Fault(status=409, body=QUOTA_RACE),
    "reset": Fault(action="reset"),
    "lost": Fault(action="lose"),
    "half": Fault(action="half"),
    "garbage": Fault(action="garbage"),
}
LASTING = {
    "500-etcd": (Fault(status=500, body=TOO_LARGE), "request is too large; make the template smaller"),
    "400": (Fault(status=400), "400 BadRequest"),
    "400-webhook-denies": (Fault(status=400, body=WEBHOOK_DENIES), "denied the request: validation failed"),
    "403": (Fault(status=403), "403 Forbidden"),
    "404": (Fault(status=404, body=NO_NAMESPACE), "create the namespace"),
    "405": (Fault(status=405), "405 MethodNotAllowed"),
    "413": (Fault(status=413), "413 RequestEntityTooLarge"),
    "415": (Fault(status=415), "415 UnsupportedMediaType"),
    "422": (Fault(status=422), "422 Invalid"),
    "302": (Fault(status=302, headers={"Location": "https://login.example.com/"}), "redirects are not followed"),
}


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(namespaces=[NAMESPACE], kinds=[WIDGETS]) as standin:
        yield standin


@pytest.fixture
def side(server: ApiServer) -> Side:
    return Side(server)


def runs(server: ApiServer) -> int:
    return len(server.objects("PipelineRun", NAMESPACE))


class TestCreate:
    """Faults that the POST meets."""

    @pytest.mark.parametrize("name", PASSING)
    def test_a_passing_fault_that_is_over_soon_ends_as_one_object(
        self, server: ApiServer, side: Side, name: str
    ) -> None:
        armed = server.faults.add(replace(PASSING[name], method="POST", times=2))
        found = side.one(work())
        assert (found.status, found.reason, armed.fired) == (Status.CREATED, "", 2)
        assert runs(server) == 1
        assert side.one(work()).status is Status.DUPLICATE

    @pytest.mark.parametrize("name", PASSING)
    def test_a_passing_fault_that_stays_fails_within_the_deadline_and_helps_itself_later(
        self, server: ApiServer, side: Side, name: str
    ) -> None:
        server.faults.add(replace(PASSING[name], method="POST"))
        found = side.one(work())
        assert (found.status, found.passing) == (Status.FAILED, True)
        assert found.reason.startswith(f"PipelineRun {NAMESPACE}/build-")
        assert "tried " in found.reason
        assert sum(side.clock.slept) < 8
        assert len(server.requests) > 3
        server.faults.clear()
        assert side.one(work()).status in (Status.CREATED, Status.DUPLICATE)
        assert runs(server) == 1

    @pytest.mark.parametrize("name", LASTING)
    def test_a_lasting_fault_is_asked_once_and_told(self, server: ApiServer, side: Side, name: str) -> None:
        fault, said = LASTING[name]
        server.faults.add(replace(fault, method="POST"))
        found = side.one(work())
        assert (found.status, found.passing, found.resources) == (Status.FAILED, False, ())
        assert said in found.reason
        assert len(server.requests) == 1
        assert runs(server) == 0

    def test_an_html_page_is_not_repeated(self, server: ApiServer, side: Side) -> None:
        server.faults.add(replace(PASSING["502-html"], method="POST"))
        assert "html" not in side.one(work()).reason

    def test_an_answer_that_never_comes_is_a_passing_fault(self, server: ApiServer, side: Side) -> None:
        server.faults.add(Fault(action="hang", method="POST"))
        with cut_short(side.clock, method="POST"):
            found = side.one(work())
        assert (found.status, found.passing, runs(server)) == (Status.FAILED, True, 0)
        assert "no answer came in time" in found.reason

    def test_an_answer_that_comes_too_late_is_found_done_by_the_redelivery(self, server: ApiServer, side: Side) -> None:
        server.faults.add(Fault(action="delay", method="POST", seconds=60))
        with cut_short(side.clock, method="POST"):
            assert side.one(work()).passing
        server.requests.wait(lambda seen: seen.method == "POST")
        server.faults.clear()
        assert side.one(work()).status is Status.DUPLICATE
        assert runs(server) == 1

    def test_a_slow_answer_is_waited_for(self, server: ApiServer, side: Side) -> None:
        server.faults.add(Fault(action="delay", method="POST", seconds=0.05, times=1))
        assert side.one(work()).status is Status.CREATED

    def test_200_instead_of_201_is_fine(self, server: ApiServer, side: Side) -> None:
        server.faults.add(Fault(action="recode", status=200, method="POST"))
        assert side.one(work()).status is Status.CREATED

    def test_retry_after_is_waited_for(self, server: ApiServer, side: Side) -> None:
        server.faults.add(Fault(status=429, headers={"Retry-After": "3"}, method="POST", times=1))
        assert side.one(work()).status is Status.CREATED
        assert side.clock.slept == [3.05]

    def test_retry_after_beyond_the_deadline_fails_at_once_and_is_handed_on(
        self, server: ApiServer, side: Side
    ) -> None:
        server.faults.add(Fault(status=503, headers={"Retry-After": "60"}, method="POST"))
        found = side.one(work())
        assert (found.passing, found.retry_after, side.clock.slept) == (True, 60, [])
        assert len(server.requests) == 1

    def test_backoff_doubles_up_to_its_cap_with_full_jitter(self, server: ApiServer, side: Side) -> None:
        server.faults.add(Fault(status=500, method="POST"))
        side.draw = 1.0
        side.one(work())
        assert side.clock.slept == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]

    def test_a_full_quota_is_passing_but_not_worth_asking_again_at_once(self, server: ApiServer, side: Side) -> None:
        server.faults.add(Fault(status=403, body=QUOTA_FULL, method="POST"))
        found = side.one(work())
        assert (found.passing, len(server.requests)) == (True, 1)
        assert "exceeded quota: runs" in found.reason

    def test_refused_connections_are_a_passing_fault(self, server: ApiServer, side: Side) -> None:
        with server.refusing():
            found = side.one(work())
        assert (found.passing, runs(server)) == (True, 0)
        assert "the cluster cannot be reached: connection refused; tried " in found.reason
        assert side.one(work()).status is Status.CREATED

    def test_connections_that_died_while_idle_are_replaced_at_once(self, server: ApiServer, side: Side) -> None:
        side.one(work())
        server.drop_connections()
        assert side.one(work(key="other")).status is Status.CREATED
        assert side.clock.slept == []

    def test_no_time_left_means_nothing_is_sent(self, server: ApiServer, side: Side) -> None:
        found = side.one(work(), seconds=0)
        assert (found.status, found.passing, len(server.requests)) == (Status.FAILED, True, 0)
        assert "no time was left" in found.reason


class TestLookingAtWhatExists:
    """Faults that the GET meets after a 409."""

    @pytest.mark.parametrize("name", PASSING)
    def test_a_passing_fault_that_is_over_soon_ends_as_duplicate(
        self, server: ApiServer, side: Side, name: str
    ) -> None:
        side.one(work())
        server.faults.add(replace(PASSING[name], method="GET", times=2))
        assert side.one(work()).status is Status.DUPLICATE
        assert runs(server) == 1

    @pytest.mark.parametrize("name", PASSING)
    def test_a_passing_fault_that_stays_is_a_passing_failure(self, server: ApiServer, side: Side, name: str) -> None:
        side.one(work())
        server.faults.add(replace(PASSING[name], method="GET"))
        found = side.one(work())
        assert (found.status, found.passing, runs(server)) == (Status.FAILED, True, 1)

    def test_an_account_that_may_not_look_is_told_so(self, server: ApiServer, side: Side) -> None:
        side.one(work())
        server.faults.add(replace(LASTING["403"][0], method="GET"))
        found = side.one(work())
        assert (found.status, found.passing) == (Status.FAILED, False)
        assert "an object of this name exists" in found.reason

    @pytest.mark.parametrize("body", ["", '{"message":"exists"}', '{"kind":"Status","code":409}'])
    def test_a_409_that_names_no_reason_is_looked_into_at_once(self, server: ApiServer, side: Side, body: str) -> None:
        side.one(work())
        server.requests.clear()
        server.faults.add(Fault(status=409, body=body, method="POST"))
        assert side.one(work()).status is Status.DUPLICATE
        assert [seen.method for seen in server.requests] == ["POST", "GET"]

    def test_an_object_that_is_gone_when_looked_at_is_created(self, server: ApiServer, side: Side) -> None:
        body = '{"kind":"Status","reason":"AlreadyExists","code":409,"message":"it exists"}'
        server.faults.add(Fault(status=409, body=body, method="POST", times=1))
        assert side.one(work()).status is Status.CREATED
        assert runs(server) == 1

    def test_a_name_that_comes_and_goes_is_a_passing_failure(self, server: ApiServer, side: Side) -> None:
        body = '{"kind":"Status","reason":"AlreadyExists","code":409,"message":"it exists"}'
        server.faults.add(Fault(status=409, body=body, method="POST"))
        found = side.one(work())
        assert (found.passing, runs(server)) == (True, 0)
        assert "come and go" in found.reason


class TestDiscovery:
    """Faults of the question which path a kind has."""

    @pytest.mark.parametrize("name", [name for name in PASSING if name != "lost"])
    def test_a_passing_fault_that_is_over_soon_does_no_harm(self, server: ApiServer, side: Side, name: str) -> None:
        server.faults.add(replace(PASSING[name], path="^/apis/example.com/v1$", times=2))
        assert side.one(work(WIDGET)).status is Status.CREATED

    @pytest.mark.parametrize("name", PASSING)
    def test_a_passing_fault_that_stays_is_not_remembered(self, server: ApiServer, side: Side, name: str) -> None:
        server.faults.add(replace(PASSING[name], path="^/apis/example.com/v1$"))
        found = side.one(work(WIDGET))
        assert (found.status, found.passing) == (Status.FAILED, True)
        assert found.reason.startswith(f"Widget {NAMESPACE}/widget-")
        server.faults.clear()
        assert side.one(work(WIDGET)).status is Status.CREATED

    def test_a_kind_that_nobody_serves_is_a_lasting_failure_that_says_what_to_do(self, side: Side) -> None:
        gadget = {**WIDGET, "kind": "Gadget"}
        found = side.one(work(gadget))
        assert (found.status, found.passing) == (Status.FAILED, False)
        assert "the cluster serves no Gadget of example.com/v1: install its CRD" in found.reason


class TestSeveralResources:
    """One resource's fault is that resource's alone."""

    def test_the_others_are_created_and_a_retry_completes_what_is_missing(self, server: ApiServer, side: Side) -> None:
        item = work(pipeline_run(), config_map(), pipeline_run(name="deploy"))
        server.faults.add(Fault(status=500, method="POST", kind="ConfigMap"))
        found = side.one(item)
        assert (found.status, found.passing) == (Status.FAILED, True)
        assert [ref.kind for ref in found.resources] == ["PipelineRun", "PipelineRun"]
        assert f"ConfigMap {NAMESPACE}/settings-" in found.reason
        server.faults.clear()
        found = side.one(item)
        assert (found.status, found.reason) == (Status.CREATED, "2 of 3 resources existed from this delivery")
        assert [ref.kind for ref in found.resources] == ["PipelineRun", "ConfigMap", "PipelineRun"]
        assert (runs(server), len(server.objects("ConfigMap", NAMESPACE))) == (2, 1)

    def test_a_passing_and_a_lasting_fault_together_are_worth_a_redelivery(self, server: ApiServer, side: Side) -> None:
        server.faults.add(Fault(status=500, method="POST", kind="ConfigMap"))
        server.faults.add(Fault(status=422, method="POST", kind="PipelineRun"))
        found = side.one(work(pipeline_run(), config_map()))
        assert (found.status, found.passing) == (Status.FAILED, True)
        assert found.reason.index("422 Invalid") < found.reason.index("500 InternalError")

    def test_one_triggers_fault_spoils_no_others(self, server: ApiServer, side: Side) -> None:
        server.faults.add(Fault(status=422, method="POST", kind="ConfigMap"))
        outcomes = side.accept(work(), work(config_map(), trigger="b"), work(trigger="c"))
        assert [outcome.status for outcome in outcomes] == [Status.CREATED, Status.FAILED, Status.CREATED]
        assert [outcome.name for outcome in outcomes] == ["github-trigger", "b", "c"]


@pytest.mark.parametrize("copies", [50])
def test_fifty_copies_at_once_through_two_instances_end_as_one_object(server: ApiServer, copies: int) -> None:
    sides = [Side(server), Side(server)]
    gate = threading.Barrier(copies)
    found: list[Status] = []

    def deliver(number: int) -> None:
        gate.wait()
        found.append(sides[number % 2].one(work(pipeline_run(), config_map())).status)

    threads = [threading.Thread(target=deliver, args=(number,)) for number in range(copies)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == copies
    assert set(found) <= {Status.CREATED, Status.DUPLICATE}
    assert Status.CREATED in found
    assert (runs(server), len(server.objects("ConfigMap", NAMESPACE))) == (1, 1)
