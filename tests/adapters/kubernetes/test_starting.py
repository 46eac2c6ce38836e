"""What a control plane answers in passing: a server that starts, paths and kinds on their way, admission."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.adapters.kubernetes.errors import ApiRefusedError, ApiUnavailableError
from functions.adapters.kubernetes.refusals import REMEMBERED_SECONDS, SETTLED_SECONDS, UNKNOWN_SECONDS
from functions.adapters.kubernetes.verdicts import Verdict, verdict
from functions.common.errors import PassingError
from functions.common.values import Outcome, Status
from tests.adapters.kubernetes.support import NAMESPACE, Side, work
from tests.standins.apiserver import ACCOUNT, ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.access import Rule, User
from tests.standins.kubernetes.kinds import Kind
from tests.standins.kubernetes.starting import Stage

REVIEWS = "selfsubjectaccessreviews"
NO_RIGHT = json.dumps(
    {
        "kind": "Status",
        "reason": "Forbidden",
        "code": 403,
        "message": f'pipelineruns.tekton.dev is forbidden: User "{ACCOUNT}" cannot create resource "pipelineruns" in '
        f'API group "tekton.dev" in the namespace "{NAMESPACE}"',
        "details": {"group": "tekton.dev", "kind": "pipelineruns"},
    }
)
WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"generateName": "widget-"}}
WIDGETS = Kind(group="example.com", kind="Widget", plural="widgets")


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(namespaces=[NAMESPACE]) as standin:
        yield standin


@pytest.fixture
def side(server: ApiServer) -> Side:
    return Side(server)


def without_rights(server: ApiServer) -> None:
    server.add_token(server.token, User(name=ACCOUNT, rules=()))


def asked(server: ApiServer, path: str) -> int:
    return sum(path in seen.path for seen in server.requests)


def lasts(found: Outcome, whose: str = "kubeconfig") -> bool:
    """Say whether an outcome is the plain reason for a right that is missing."""
    assert found.status is Status.FAILED
    if found.passing:
        assert "not confirmed yet, since an API server that starts says the same" in found.reason
        return False
    assert found.reason.endswith(f"; add it to the Role of the {whose}'s ServiceAccount")
    return True


class TestConfirming:
    """A 403 of the authorizer: what makes it last."""

    def test_a_review_of_a_server_that_is_ready_costs_no_wait(self, server: ApiServer, side: Side) -> None:
        without_rights(server)
        assert lasts(side.one(work()))
        assert side.clock.slept == []
        assert [asked(server, path) for path in ("pipelineruns", "/readyz", REVIEWS)] == [1, 1, 1]

    def test_an_impersonated_account_is_reviewed_as_itself(self, server: ApiServer, side: Side) -> None:
        may = Rule(verbs=("impersonate",), groups=("",), resources=("serviceaccounts",))
        server.add_token(server.token, User(name=ACCOUNT, rules=(may,)))
        server.add_token("theirs", User(name=f"system:serviceaccount:{NAMESPACE}:builder", rules=()))
        assert lasts(side.one(work(service_account="builder")), whose="trigger")
        [review] = [seen for seen in server.requests if REVIEWS in seen.path]
        assert review.impersonated == f"system:serviceaccount:{NAMESPACE}:builder"
        assert side.clock.slept == []

    def test_one_that_nobody_may_impersonate_is_confirmed_by_some_seconds(self, server: ApiServer, side: Side) -> None:
        without_rights(server)
        found = side.one(work(service_account="builder"))
        assert (found.status, found.passing) == (Status.FAILED, False)
        assert "allow the kubeconfig's account to impersonate that ServiceAccount" in found.reason
        assert SETTLED_SECONDS <= sum(side.clock.slept) < 2 * SETTLED_SECONDS

    def test_without_a_review_some_seconds_confirm_and_are_paid_once(self, server: ApiServer, side: Side) -> None:
        without_rights(server)
        server.faults.add(Fault(status=403, path=REVIEWS))
        assert lasts(side.one(work()))
        assert SETTLED_SECONDS <= sum(side.clock.slept) < 2 * SETTLED_SECONDS
        side.clock.slept.clear()
        side.clock.sleep(REMEMBERED_SECONDS - 10)
        assert lasts(side.one(work(key="0e" * 32)))
        assert len(side.clock.slept) == 1
        side.clock.sleep(REMEMBERED_SECONDS + 1)
        assert lasts(side.one(work(key="0f" * 32)))
        assert len(side.clock.slept) > 2

    @pytest.mark.parametrize(
        "says",
        [
            {"allowed": True},
            {"allowed": False, "reason": 'RBAC: role.rbac.authorization.k8s.io "pipehook" not found'},
            {"allowed": False, "evaluationError": "the webhook authorizer is down"},
            "nothing",
        ],
    )
    def test_a_review_that_does_not_say_no_confirms_nothing(self, server: ApiServer, side: Side, says: object) -> None:
        server.faults.add(Fault(status=201, path=REVIEWS, body=json.dumps({"status": says})))
        fault = server.faults.add(Fault(status=403, method="POST", path="pipelineruns", body=NO_RIGHT, times=3))
        assert side.one(work()).status is Status.CREATED
        server.faults.remove(fault)
        without_rights(server)
        side.clock.slept.clear()
        assert lasts(side.one(work(key="0e" * 32)))
        assert sum(side.clock.slept) >= SETTLED_SECONDS

    @pytest.mark.parametrize("readyz", [{"status": 500}, {"status": 503}, {"action": "reset"}])
    def test_nothing_confirms_while_the_server_is_not_ready(
        self, server: ApiServer, side: Side, readyz: dict[str, Any]
    ) -> None:
        without_rights(server)
        server.faults.add(Fault(path="^/readyz$", **readyz))
        for _ in range(6):
            assert not lasts(side.one(work()))
        assert sum(side.clock.slept) > UNKNOWN_SECONDS
        server.faults.clear()
        assert lasts(side.one(work()))

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_where_readiness_cannot_be_asked_a_review_and_some_seconds_confirm(
        self, server: ApiServer, side: Side, status: int
    ) -> None:
        without_rights(server)
        server.faults.add(Fault(status=status, path="^/readyz$"))
        assert lasts(side.one(work()))
        assert SETTLED_SECONDS <= sum(side.clock.slept) < 2 * SETTLED_SECONDS

    def test_where_nothing_can_be_asked_half_a_minute_confirms(self, server: ApiServer, side: Side) -> None:
        without_rights(server)
        server.faults.add(Fault(status=403, path=f"^/readyz$|{REVIEWS}"))
        began = side.clock()
        while not lasts(side.one(work())):
            assert side.clock() - began < 2 * UNKNOWN_SECONDS
        assert side.clock() - began >= UNKNOWN_SECONDS

    def test_what_was_granted_meanwhile_is_forgotten(self, server: ApiServer, side: Side) -> None:
        server.faults.add(Fault(status=403, path=REVIEWS))
        refused = Fault(status=403, method="POST", path="pipelineruns", body=NO_RIGHT, times=2)
        server.faults.add(refused)
        assert side.one(work()).status is Status.CREATED
        side.clock.sleep(SETTLED_SECONDS + 1)
        server.faults.add(refused)
        assert side.one(work(key="0e" * 32)).status is Status.CREATED

    def test_two_restarts_are_no_confirmation_of_each_other(self, server: ApiServer, side: Side) -> None:
        for number in range(3):
            server.stage = Stage.NO_RBAC
            side.clock.coming.clear()
            side.clock.then(1.0, lambda: setattr(server, "stage", Stage.READY))
            assert side.one(work(key=f"{number:02}" * 32)).status is Status.CREATED
            side.clock.sleep(UNKNOWN_SECONDS)

    def test_what_exists_is_looked_at_in_the_same_way(self, server: ApiServer, side: Side) -> None:
        side.one(work())
        server.faults.add(Fault(status=403, method="GET", path="pipelineruns", body=NO_RIGHT, times=3))
        assert side.one(work()).status is Status.DUPLICATE


class TestPaths:
    """404 of a path: a CRD that is being established, discovery that is behind."""

    def test_a_kind_that_comes_while_it_is_asked_for(self, server: ApiServer, side: Side) -> None:
        side.clock.then(1.0, lambda: server.register(WIDGETS))
        assert side.one(work(WIDGET)).status is Status.CREATED

    def test_a_known_kind_whose_path_comes_while_it_is_created(self, server: ApiServer, side: Side) -> None:
        server.faults.add(
            Fault(status=404, body="404 page not found\n", content_type="text/plain", method="POST", times=3)
        )
        assert side.one(work()).status is Status.CREATED

    def test_a_group_whose_discovery_is_behind(self, server: ApiServer, side: Side) -> None:
        server.register(Kind(group="example.com", kind="Gadget", plural="gadgets"))
        side.clock.then(1.0, lambda: server.register(WIDGETS))
        assert side.one(work(WIDGET)).status is Status.CREATED

    def test_discovery_of_one_kind_costs_the_group_nothing(self, server: ApiServer, side: Side) -> None:
        server.register(WIDGETS)
        wrong = side.one(work(WIDGET | {"kind": "Widgett"}))
        assert (wrong.passing, "serves no Widgett of example.com/v1" in wrong.reason) == (False, True)
        assert side.one(work(WIDGET)).status is Status.CREATED

    def test_a_kind_that_was_replaced_is_discovered_anew(self, server: ApiServer, side: Side) -> None:
        server.register(WIDGETS)
        assert side.one(work(WIDGET)).status is Status.CREATED
        server.faults.add(Fault(status=404, path="/widgets$", body="404 page not found\n", content_type="text/plain"))
        again = {"resources": [{"name": "widgetries", "kind": "Widget", "namespaced": True}]}
        server.faults.add(Fault(status=201, path="/widgetries$", body="{}"))
        server.faults.add(Fault(status=200, path="^/apis/example.com/v1$", body=json.dumps(again)))
        assert side.one(work(WIDGET, key="0e" * 32)).status is Status.CREATED
        assert server.requests[-1].path.endswith("/widgetries")

    def test_until_that_is_confirmed_it_passes(self, server: ApiServer, side: Side) -> None:
        with pytest.raises(PassingError, match="not confirmed yet"):
            side.api.resource("example.com/v1", "Widget", deadline=side.deadline(SETTLED_SECONDS / 2))
        server.register(Kind(group="example.com", kind="Gadget", plural="gadgets"))
        with pytest.raises(PassingError, match="does not know it yet"):
            side.api.resource("example.com/v1", "Widget", deadline=side.deadline(SETTLED_SECONDS / 2))


class TestEverywhere:
    """Lists and reviews of access are calls as every other."""

    def test_a_list_that_is_refused_in_passing(self, server: ApiServer, side: Side) -> None:
        resource = side.api.resource("triggers.tekton.dev/v1beta1", "Trigger", deadline=side.deadline())
        server.stage = Stage.NO_RBAC
        with pytest.raises(ApiUnavailableError):
            list(side.api.list(resource, deadline=side.deadline()))
        server.stage = Stage.READY
        assert list(side.api.list(resource, deadline=side.deadline())) == []
        without_rights(server)
        with pytest.raises(ApiRefusedError):
            list(side.api.list(resource, deadline=side.deadline()))

    def test_a_review_that_is_refused(self, server: ApiServer, side: Side) -> None:
        def review() -> bool:
            return side.api.review_access(
                "create", group="tekton.dev", resource="pipelineruns", namespace=NAMESPACE, deadline=side.deadline()
            ).allowed

        side.clock.then(1.0, lambda: setattr(server, "stage", Stage.READY))
        server.stage = Stage.NO_RBAC
        assert review()


PHRASES: list[tuple[int, str, str, Verdict]] = [
    (401, "Unauthorized", "Unauthorized", Verdict.PASSES_SLOWLY),
    (403, "Forbidden", 'x is forbidden: User "a" cannot create resource "x" in API group ""', Verdict.DOUBTED),
    (403, "Forbidden", 'forbidden: User "a" cannot get path "/apis/x/v1"', Verdict.DOUBTED),
    (403, "Forbidden", 'User "a" cannot create resource "x": requires one of ["container.x"]', Verdict.DOUBTED),
    (403, "Forbidden", 'x is forbidden: User "a" cannot get resource "x": RBAC: role "r" not found', Verdict.DOUBTED),
    (403, "Forbidden", 'admission webhook "w" denied the request: User "a" cannot push', Verdict.LASTS),
    (403, "Forbidden", 'admission webhook "w" denied the request: exceeded quota', Verdict.LASTS),
    (403, "Forbidden", 'x is forbidden: User "a\\"b" cannot create resource "x"', Verdict.DOUBTED),
    (403, "Forbidden", 'x is forbidden: cannot set blockOwnerDeletion: RBAC: role "r" not found', Verdict.DOUBTED),
    (403, "Forbidden", "x is forbidden: violates PodSecurity", Verdict.LASTS),
    (403, "Forbidden", "x is forbidden: exceeded quota: q", Verdict.PASSES_SLOWLY),
    # what an event says, where a policy or a field error quotes it, decides nothing
    (403, "Forbidden", "x is forbidden: ValidatingAdmissionPolicy 'p' denied request: exceeded quota", Verdict.LASTS),
    (403, "Forbidden", "p: title: because it is being terminated", Verdict.LASTS),
    (422, "Invalid", 'run "x" is invalid: spec.t: Invalid value: "failed calling webhook"', Verdict.LASTS),
    (403, "Forbidden", "x is forbidden: status unknown for quota: q, resources: pods", Verdict.PASSES),
    (403, "Forbidden", "x is forbidden: failed quota: q: must specify limits.cpu", Verdict.LASTS),
    (403, "Forbidden", "x is forbidden: not yet ready to handle request", Verdict.PASSES),
    (403, "Forbidden", "no new content in namespace n because it is being terminated", Verdict.PASSES_SLOWLY),
    (404, "NotFound", 'namespaces "n" not found', Verdict.LASTS),
    (404, "NotFound", "the server could not find the requested resource", Verdict.DOUBTED),
    (404, "Not Found", "", Verdict.DOUBTED),
    (409, "AlreadyExists", 'x "n" already exists', Verdict.LASTS),
    (409, "Conflict", "Operation cannot be fulfilled on resourcequotas", Verdict.PASSES),
    (409, "Conflict", "the object has been modified", Verdict.PASSES),
    (422, "Invalid", "x is invalid: spec: Required value", Verdict.LASTS),
    (422, "Invalid", 'failed calling webhook "w": connection refused', Verdict.PASSES),
    (400, "BadRequest", 'Internal error occurred: failed calling webhook "w": EOF', Verdict.PASSES),
    (400, "BadRequest", 'admission webhook "w" denied the request: failed calling webhook', Verdict.LASTS),
    (500, "InternalError", 'Internal error occurred: failed calling webhook "w": EOF', Verdict.PASSES),
    (500, "InternalError", "conversion webhook for tekton.dev/v1beta1 failed: connection refused", Verdict.PASSES),
    (500, "InternalError", "etcdserver: request is too large", Verdict.LASTS),
    (503, "ServiceUnavailable", "the request has been made before all known HTTP paths", Verdict.PASSES),
    (504, "Timeout", "request did not complete within the allotted timeout", Verdict.PASSES),
    (408, "", "", Verdict.PASSES),
    (429, "TooManyRequests", "", Verdict.PASSES),
    (302, "", "", Verdict.LASTS),
]


@pytest.mark.parametrize(("status", "cause", "message", "expected"), PHRASES)
def test_what_each_refusal_is_worth(status: int, cause: str, message: str, expected: Verdict) -> None:
    assert verdict(status, cause, message, {}, doubted={404}) is expected


def test_a_list_is_doubted_in_any_words() -> None:
    assert verdict(403, "Forbidden", "no", {}, doubted={403}) is Verdict.DOUBTED
    assert verdict(403, "Forbidden", 'admission webhook "w" denied the request', {}, doubted={403}) is Verdict.LASTS


def test_a_path_is_doubted_only_where_something_is_created_or_discovered() -> None:
    assert verdict(404, "NotFound", "could not find the requested resource", {}) is Verdict.LASTS
    assert verdict(404, "NotFound", 'x "n" not found', {"name": "n"}, doubted={404}) is Verdict.LASTS
