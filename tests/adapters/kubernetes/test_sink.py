"""The sink on a well cluster: what is created, what is a duplicate, what is a stranger's; reruns; the dry run."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from functions.adapters.kubernetes.dry_run import DryRunSink
from functions.adapters.kubernetes.sink import MAX_RUNS
from functions.adapters.kubernetes.workers import Workers
from functions.common.values import Outcome, ResourceRef, Status
from functions.model.annotations import KEY_ANNOTATION
from functions.settings import Redelivery
from tests.adapters.kubernetes.support import KEY, NAMESPACE, Side, config_map, pipeline_run, work
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.access import Rule, User
from tests.standins.kubernetes.kinds import Kind

TENANT = Kind(group="example.com", kind="Tenant", plural="tenants", versions=("v1",), namespaced=False)
JOB = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "job-"}, "spec": {}}


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(namespaces=[NAMESPACE, "other"], strict_namespaces=True, kinds=[TENANT]) as standin:
        yield standin


@pytest.fixture
def side(server: ApiServer) -> Side:
    return Side(server)


class TestCreate:
    """The first delivery."""

    def test_one_request_creates_the_object_and_names_it(self, server: ApiServer, side: Side) -> None:
        found = side.one(work(verified=True))
        (run,) = server.objects("PipelineRun", NAMESPACE)
        ref = ResourceRef("tekton.dev/v1", "PipelineRun", NAMESPACE, run["metadata"]["name"])
        assert found == Outcome("github-trigger", NAMESPACE, Status.CREATED, "", (ref,), verified=True)
        assert found.milliseconds >= 0
        assert [(seen.method, seen.query) for seen in server.requests] == [("POST", "")]
        assert run["metadata"]["annotations"][KEY_ANNOTATION] == KEY
        assert run["spec"] == pipeline_run()["spec"]

    def test_the_order_is_the_works_and_the_templates(self, side: Side) -> None:
        names = [f"settings-{number}" for number in range(12)]
        works = [work(*(config_map(name=f"{trigger}-{name}") for name in names), trigger=trigger) for trigger in "abc"]
        outcomes = side.accept(*works)
        assert [outcome.name for outcome in outcomes] == ["a", "b", "c"]
        assert [ref.name for ref in outcomes[1].resources] == [f"b-{name}" for name in names]

    def test_resources_are_created_at_the_same_time(self, server: ApiServer, side: Side) -> None:
        # the first is never answered: one after the other, the second would not be asked for before the deadline
        armed = server.faults.add(Fault(action="hang", method="POST", kind="ConfigMap", times=1))
        deadline = threading.Thread(
            target=side.accept, args=(work(config_map(), pipeline_run()),), kwargs={"seconds": 1}
        )
        deadline.start()
        server.requests.wait(count=2)
        deadline.join()
        assert armed.fired == 1

    def test_the_resources_own_namespace_comes_before_the_triggers(self, server: ApiServer, side: Side) -> None:
        found = side.one(work(pipeline_run(name="deploy", namespace="other"), pipeline_run(name="deploy")))
        assert [ref.namespace for ref in found.resources] == ["other", NAMESPACE]
        assert len(server.objects("PipelineRun", "other")) == 1

    def test_a_cluster_scoped_kind_is_discovered_and_has_no_namespace(self, server: ApiServer, side: Side) -> None:
        tenant = {"apiVersion": "example.com/v1", "kind": "Tenant", "metadata": {"name": "acme"}}
        assert side.one(work(tenant)).resources == (ResourceRef("example.com/v1", "Tenant", "", "acme"),)
        assert side.one(work(tenant)).status is Status.DUPLICATE
        discoveries = [seen for seen in server.requests if seen.path == "/apis/example.com/v1"]
        assert len(discoveries) == 1

    def test_a_trigger_without_resources_is_created(self, side: Side) -> None:
        found = side.one(replace(work(), resources=()))
        assert (found.status, found.resources) == (Status.CREATED, ())

    def test_a_missing_namespace_is_named_with_what_to_do(self, side: Side) -> None:
        found = side.one(work(pipeline_run(name="deploy", namespace="nowhere")))
        assert (found.status, found.passing) == (Status.FAILED, False)
        assert found.reason == (
            'PipelineRun nowhere/deploy: the cluster answers 404 NotFound: namespaces "nowhere" not found; create the '
            "namespace, or correct metadata.namespace in the template"
        )

    def test_a_resource_without_a_kind_spoils_no_other(self, side: Side) -> None:
        found = side.one(work({"apiVersion": "v1", "metadata": {"name": "x"}}, config_map()))
        assert (found.status, found.reason) == (Status.FAILED, "resource 1 of the template has no kind")
        assert [ref.kind for ref in found.resources] == ["ConfigMap"]

    @pytest.mark.parametrize("name", ["..", ".", "a/b", "a%2fb", "a b"])
    @pytest.mark.parametrize("field", ["name", "namespace"])
    def test_names_that_would_leave_their_path_go_nowhere(
        self, server: ApiServer, side: Side, name: str, field: str
    ) -> None:
        server.put_object({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": NAMESPACE}})
        found = side.one(work(config_map(**{"name": "x", field: name})))
        assert (found.status, found.passing) == (Status.FAILED, False)
        assert all(seen.path == f"/api/v1/namespaces/{NAMESPACE}/configmaps" for seen in server.requests)

    def test_an_api_version_that_is_none_is_not_asked_for(self, server: ApiServer, side: Side) -> None:
        found = side.one(work({**config_map(), "apiVersion": "../../healthz"}))
        assert "its apiVersion is no group/version such as tekton.dev/v1" in found.reason
        assert len(server.requests) == 0


class TestServiceAccount:
    """A trigger's serviceAccountName is impersonated."""

    def test_the_api_sees_the_triggers_account(self, server: ApiServer, side: Side) -> None:
        assert side.one(work(service_account="deployer")).status is Status.CREATED
        (seen,) = server.requests
        assert seen.impersonated == f"system:serviceaccount:{NAMESPACE}:deployer"

    def test_without_one_nobody_is_impersonated(self, server: ApiServer, side: Side) -> None:
        side.one(work())
        assert [seen.impersonated for seen in server.requests] == [""]

    @pytest.mark.parametrize("name", ["two words", "a:b", "line\r\nX-Remote-User: root", "Ünïcode", "-", "x" * 254])
    def test_what_is_no_accounts_name_is_not_sent(self, server: ApiServer, side: Side, name: str) -> None:
        found = side.one(work(service_account=name))
        assert (found.status, found.passing, len(server.requests)) == (Status.FAILED, False, 0)
        assert "serviceAccountName is no name of a ServiceAccount" in found.reason

    def test_an_account_that_may_not_impersonate_is_told_what_to_do(self) -> None:
        user = User(name="ci", rules=(Rule(verbs=("create", "get")),))
        with ApiServer(tokens={"token-of-ci": user}) as server:
            found = Side(server).one(work(service_account="deployer"))
        assert (found.status, found.passing) == (Status.FAILED, False)
        assert 'User "ci" cannot impersonate resource "serviceaccounts"' in found.reason
        assert "or remove serviceAccountName" in found.reason

    def test_an_impersonated_account_needs_no_right_to_look(self) -> None:
        account = f"system:serviceaccount:{NAMESPACE}:deployer"
        users = {"token-of-ci": User(name="ci"), "unused": User(name=account, rules=(Rule(verbs=("create",)),))}
        with ApiServer(tokens=users) as server:
            side = Side(server)
            assert side.one(work(service_account="deployer")).status is Status.CREATED
            assert side.one(work(service_account="deployer")).status is Status.DUPLICATE


class TestDuplicatesAndStrangers:
    """Names that are taken."""

    def test_the_same_delivery_again_is_a_duplicate_and_names_what_exists(self, server: ApiServer, side: Side) -> None:
        first = side.one(work())
        found = Side(server).one(work())
        assert (found.status, found.resources) == (Status.DUPLICATE, first.resources)
        assert found.reason == "this delivery had been created before, which has not ended"
        assert len(server.objects("PipelineRun", NAMESPACE)) == 1

    def test_another_delivery_is_no_duplicate(self, server: ApiServer, side: Side) -> None:
        assert [side.one(work(key=key)).status for key in ("a", "b")] == [Status.CREATED] * 2
        assert len(server.objects("PipelineRun", NAMESPACE)) == 2

    def test_two_triggers_of_one_delivery_are_no_duplicates(self, server: ApiServer, side: Side) -> None:
        outcomes = side.accept(work(trigger="a"), work(trigger="b"))
        assert [outcome.status for outcome in outcomes] == [Status.CREATED] * 2

    @pytest.mark.parametrize(
        ("other", "why"),
        [
            ({"key": "other"}, "another delivery has made it"),
            ({"trigger": "nightly"}, "trigger nightly of listener listener has made it"),
            ({"listener": "second"}, "trigger github-trigger of listener second has made it"),
        ],
    )
    def test_a_strangers_object_is_a_lasting_failure_that_names_it(
        self, server: ApiServer, side: Side, other: dict[str, str], why: str
    ) -> None:
        side.one(work(pipeline_run(name="deploy"), **other))
        found = side.one(work(pipeline_run(name="deploy")))
        assert (found.status, found.passing, found.resources) == (Status.FAILED, False, ())
        assert f"PipelineRun {NAMESPACE}/deploy: an object of this name exists, and {why}" in found.reason
        assert len(server.objects("PipelineRun", NAMESPACE)) == 1

    def test_an_object_that_somebody_applied_is_a_strangers(self, server: ApiServer, side: Side) -> None:
        server.put_object({**config_map(name="settings", namespace=NAMESPACE), "data": {"kept": "yes"}})
        found = side.one(work(config_map(name="settings")))
        assert "it carries no annotation pipehook.dev/delivery-key" in found.reason
        assert server.objects("ConfigMap", NAMESPACE)[0]["data"] == {"kept": "yes"}

    def test_a_strangers_object_is_one_even_after_a_lost_answer(self, server: ApiServer, side: Side) -> None:
        side.one(work(pipeline_run(name="deploy"), key="other"))
        server.faults.add(Fault(action="lose", method="POST", times=1))
        assert side.one(work(pipeline_run(name="deploy"))).status is Status.FAILED

    def test_a_run_that_has_ended_was_not_made_a_moment_ago(self, server: ApiServer, side: Side) -> None:
        name = side.one(work()).resources[0].name
        for ended, expected in ((False, Status.CREATED), (True, Status.DUPLICATE)):
            if ended:
                server.finish("PipelineRun", NAMESPACE, name)
            server.faults.add(Fault(action="lose", method="POST", times=1))
            assert side.one(work()).status is expected

    def test_two_resources_of_one_name_fail_the_second_always(self, server: ApiServer, side: Side) -> None:
        twice = work(config_map(name="settings"), pipeline_run(), config_map(name="settings"))
        for _ in range(2):
            found = side.one(twice)
            assert (found.status, found.passing) == (Status.FAILED, False)
            assert found.reason == (
                f"ConfigMap {NAMESPACE}/settings: resource 3 of trigger {NAMESPACE}/github-trigger has the same name "
                f"as resource 1 of trigger {NAMESPACE}/github-trigger; use generateName, or another name"
            )
            assert [ref.kind for ref in found.resources] == ["ConfigMap", "PipelineRun"]

    def test_two_unnamed_triggers_cannot_take_each_others_objects_for_their_own(self, side: Side) -> None:
        fixed = [work(config_map(name="settings"), trigger="", identity=str(number)) for number in range(2)]
        assert [found.status for found in side.accept(*fixed)] == [Status.CREATED, Status.FAILED]

    def test_versions_of_one_kind_share_their_names(self, side: Side) -> None:
        beta = {**pipeline_run(name="deploy"), "apiVersion": "tekton.dev/v1beta1"}
        assert side.one(work(pipeline_run(name="deploy"), beta)).status is Status.FAILED


class TestRerun:
    """REDELIVERY=rerun: once the earlier run has ended, a redelivery starts another one."""

    @pytest.fixture
    def side(self, server: ApiServer) -> Side:
        return Side(server, redelivery=Redelivery.RERUN)

    @staticmethod
    def finish_all(server: ApiServer, *, succeeded: bool = True) -> None:
        for run in server.objects("PipelineRun", NAMESPACE):
            server.finish("PipelineRun", NAMESPACE, run["metadata"]["name"], succeeded)

    def test_while_the_run_has_not_ended_it_is_a_duplicate(self, server: ApiServer, side: Side) -> None:
        side.one(work())
        assert side.one(work()).status is Status.DUPLICATE
        assert len(server.objects("PipelineRun", NAMESPACE)) == 1

    @pytest.mark.parametrize("succeeded", [True, False])
    def test_an_ended_run_is_followed_by_another(self, server: ApiServer, side: Side, succeeded: bool) -> None:
        side.one(work())
        for number in (2, 3):
            self.finish_all(server, succeeded=succeeded)
            found = side.one(work())
            assert found.status is Status.CREATED
            assert found.reason == f"run {number} of this delivery: the earlier one has ended"
            assert side.one(work()).reason == (
                f"this delivery had been created before (run {number} of it), which has not ended"
            )
        runs = server.objects("PipelineRun", NAMESPACE)
        assert len({run["metadata"]["name"] for run in runs}) == 3
        assert {run["metadata"]["annotations"][KEY_ANNOTATION] for run in runs} == {KEY}

    def test_deduplicate_never_reruns(self, server: ApiServer) -> None:
        side = Side(server)
        side.one(work())
        self.finish_all(server)
        found = side.one(work())
        assert (found.status, found.reason) == (Status.DUPLICATE, "this delivery had been created before")

    def test_an_incomplete_earlier_attempt_is_completed_first(self, server: ApiServer, side: Side) -> None:
        item = work(pipeline_run(), config_map())
        server.faults.add(Fault(status=500, method="POST", kind="ConfigMap"))
        side.one(item)
        server.faults.clear()
        self.finish_all(server)
        assert side.one(item).reason == "1 of 2 resources existed from this delivery"
        assert len(server.objects("PipelineRun", NAMESPACE)) == 1
        assert side.one(item).reason == "run 2 of this delivery: the earlier one has ended"
        assert (len(server.objects("PipelineRun", NAMESPACE)), len(server.objects("ConfigMap", NAMESPACE))) == (2, 2)

    def test_an_incomplete_later_attempt_is_completed_too(self, server: ApiServer, side: Side) -> None:
        item = work(pipeline_run(), config_map())
        side.one(item)
        self.finish_all(server)
        server.faults.add(Fault(status=500, method="POST", kind="ConfigMap"))
        assert side.one(item).passing
        server.faults.clear()
        found = side.one(item)
        assert found.status is Status.CREATED
        assert found.reason == (
            "run 2 of this delivery: the earlier one has ended; 1 of 2 resources existed from this delivery"
        )
        assert (len(server.objects("PipelineRun", NAMESPACE)), len(server.objects("ConfigMap", NAMESPACE))) == (2, 2)

    def test_copies_at_once_start_one_run(self, server: ApiServer, side: Side) -> None:
        item = work(pipeline_run(), config_map())
        side.one(item)
        self.finish_all(server)
        sides = [side, Side(server, redelivery=Redelivery.RERUN)]
        gate = threading.Barrier(20)
        found: list[Status] = []

        def deliver(number: int) -> None:
            gate.wait()
            found.append(sides[number % 2].one(item).status)

        threads = [threading.Thread(target=deliver, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 20
        assert set(found) <= {Status.CREATED, Status.DUPLICATE}
        assert (len(server.objects("PipelineRun", NAMESPACE)), len(server.objects("ConfigMap", NAMESPACE))) == (2, 2)

    def test_a_job_ends_with_complete_or_failed(self, server: ApiServer, side: Side) -> None:
        side.one(work(JOB))
        assert side.one(work(JOB)).status is Status.DUPLICATE
        (job,) = server.objects("Job", NAMESPACE)
        server.put_object({**job, "status": {"conditions": [{"type": "Complete", "status": "True"}]}})
        assert side.one(work(JOB)).status is Status.CREATED

    def test_what_never_runs_never_reruns(self, server: ApiServer, side: Side) -> None:
        assert [side.one(work(config_map())).status for _ in range(2)] == [Status.CREATED, Status.DUPLICATE]

    def test_a_fixed_name_cannot_run_again(self, server: ApiServer, side: Side) -> None:
        item = work(pipeline_run(name="deploy"))
        side.one(item)
        self.finish_all(server)
        assert side.one(item).status is Status.DUPLICATE

    def test_a_fixed_name_beside_a_generated_one_stays_as_it_is(self, server: ApiServer, side: Side) -> None:
        item = work(pipeline_run(), config_map(name="settings"))
        side.one(item)
        self.finish_all(server)
        found = side.one(item)
        assert (found.status, len(found.resources)) == (Status.CREATED, 2)
        assert (len(server.objects("PipelineRun", NAMESPACE)), len(server.objects("ConfigMap", NAMESPACE))) == (2, 1)

    def test_a_fault_on_the_way_is_that_triggers_failure(self, server: ApiServer, side: Side) -> None:
        side.accept(work(), work(config_map(), trigger="b"))
        self.finish_all(server)
        server.faults.add(Fault(status=500, method="GET", kind="PipelineRun", skip=1))
        outcomes = side.accept(work(), work(config_map(), trigger="b"))
        assert [outcome.status for outcome in outcomes] == [Status.FAILED, Status.DUPLICATE]
        assert outcomes[0].passing

    def test_the_number_of_runs_is_bounded(self, server: ApiServer, side: Side) -> None:
        for _ in range(MAX_RUNS):
            assert side.one(work()).status is Status.CREATED
            self.finish_all(server)
        found = side.one(work())
        assert (found.status, found.passing) == (Status.FAILED, False)
        assert f"has run {MAX_RUNS} times" in found.reason
        assert len(server.objects("PipelineRun", NAMESPACE)) == MAX_RUNS


class TestDryRun:
    """DRY_RUN=true."""

    def test_it_names_what_would_be_created_and_creates_nothing(self, side: Side) -> None:
        (found,) = DryRunSink().accept([work(pipeline_run(name="deploy"), config_map(name="x"))], side.deadline())
        assert (found.status, found.resources, found.verified) == (Status.FILTERED, (), True)
        assert found.reason == f"dry run: would create PipelineRun {NAMESPACE}/deploy, ConfigMap {NAMESPACE}/x"

    def test_what_could_never_be_created_fails_here_too(self, side: Side) -> None:
        (found,) = DryRunSink().accept([work(config_map(name="x"), config_map(name="x"))], side.deadline())
        assert (found.status, found.passing) == (Status.FAILED, False)
        assert "has the same name as" in found.reason


class TestWorkers:
    """The threads behind several resources."""

    def test_one_call_is_made_in_the_calling_thread(self) -> None:
        assert Workers(2).run([threading.current_thread]) == [threading.current_thread()]

    def test_none_is_fine(self) -> None:
        assert Workers(2).run([]) == []

    def test_a_request_does_not_wait_for_anothers_calls(self) -> None:
        workers, gate = Workers(1), threading.Event()
        busy = threading.Thread(target=workers.run, args=([gate.wait, gate.wait],))
        busy.start()
        try:
            assert workers.run([lambda: 1, lambda: 2, lambda: 3]) == [1, 2, 3]
        finally:
            gate.set()
            busy.join()

    def test_a_forked_process_starts_its_own_threads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        workers = Workers(1)
        (_, before) = workers.run([threading.current_thread] * 2)
        monkeypatch.setattr("functions.adapters.kubernetes.workers.os.getpid", lambda: -1)
        gate = threading.Barrier(2, timeout=10)

        def meet() -> threading.Thread:
            gate.wait()
            return threading.current_thread()

        assert before not in workers.run([meet, meet])
