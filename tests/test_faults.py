"""The fault matrix through the real function and its real clients: docs/faults.md, row by row.

Each fault meets a step of a delivery twice: while it stays (the reply, what is tried again, what exists then) and when
it ends in the middle. In every row, once all is well, a redelivery ends with exactly the wanted objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.adapters.kubernetes import calls
from tests.standins.apiserver import ACCOUNT, ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.access import User
from tests.standins.kubernetes.starting import Stage
from tests.support.application import Application
from tests.support.fault_cases import CREATING, DISCOVERING, LOOKING, OF_SEVERAL, SECRETS, SECRETS_PASSING, TAKEN, Case
from tests.support.function import Answer
from tests.support.hanging import cut_short
from tests.support.production import (
    KEY,
    KUBECONFIG,
    NAMESPACE,
    PROJECT,
    Production,
    config_map,
    manifests,
    open_production,
    push,
    pushed,
    widget,
)
from tests.support.relay import Relay
from tests.support.sources import run


@pytest.fixture
def production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Production]:
    with open_production(tmp_path, monkeypatch) as found:
        yield found


def arm(production: Production, case: Case, **where: Any) -> Callable[[], int | None]:
    """Put a case into force; return what counts the requests that met it, or None where none gets through."""
    if case.fault is None:
        production.cluster.refuse()
        return lambda: None
    armed = production.cluster.faults.add(replace(case.fault, **where))
    return lambda: armed.fired


def expect(answer: Answer, case: Case, met: int | None) -> None:
    """Check the reply to a delivery that met a case's fault until it gave up."""
    assert (answer.status, answer.statuses) == (case.http, ["failed"]), answer.text
    assert case.says in answer.reasons[0]
    assert answer.headers.get("Retry-After") == case.retry_after
    assert ("tried " in answer.reasons[0]) is case.again
    assert met is None or (met > 3 if case.again or case.confirmed else met == 1)


def ending(cases: Mapping[str, Case]) -> list[str]:
    """Return the cases that are tried again, and so may end in the middle of a delivery."""
    return [name for name, case in cases.items() if (case.again or case.confirmed) and case.fault]


def recover(production: Production, function: Application, body: bytes, *kinds: str) -> None:
    """Make all well: a redelivery must end with one object of each kind, and one more must change nothing."""
    production.cluster.faults.clear()
    production.cluster.accept()
    production.manager.mend()
    production.pass_by(30)
    wanted = kinds or ("PipelineRun",)
    answer = push(function, body)
    assert (answer.status, answer.statuses) in ((202, ["created"]), (202, ["duplicate"])), answer.text
    assert [made["kind"] for made in answer.json["triggers"][0]["resources"]] == list(wanted)
    assert push(function, body).statuses == ["duplicate"]
    assert [len(production.objects(kind)) for kind in wanted] == [1] * len(wanted)


class TestCreating:
    """Faults that the POST meets."""

    @pytest.mark.parametrize("name", CREATING)
    def test_creating_while_it_stays(self, production: Production, name: str) -> None:
        case, function, body = CREATING[name], production.application(), pushed()
        met = arm(production, case, method="POST")
        expect(push(function, body), case, met())
        assert len(production.objects()) == case.exists
        recover(production, function, body)

    @pytest.mark.parametrize("name", ending(CREATING))
    def test_creating_when_it_ends(self, production: Production, name: str) -> None:
        function, body = production.application(), pushed()
        met = arm(production, CREATING[name], method="POST", times=2)
        answer = push(function, body)
        assert (answer.status, answer.statuses, met()) == (202, ["created"], 2)
        assert len(production.objects()) == 1
        recover(production, function, body)

    def test_a_short_retry_after_is_waited_for(self, production: Production) -> None:
        function = production.application()
        production.cluster.faults.add(Fault(status=429, headers={"Retry-After": "3"}, method="POST", times=1))
        assert push(function, pushed()).statuses == ["created"]
        assert [wait for wait in production.clock.slept if wait >= 3] == [3.09]

    @pytest.mark.parametrize("digits", [7, 400, 5000])
    def test_an_endless_retry_after_is_none(self, production: Production, digits: int) -> None:
        production.write(*manifests(run(), config_map()))
        function, endless = production.application(), "9" * digits
        body = f'{{"kind":"Status","details":{{"retryAfterSeconds":{endless}}}}}'
        production.cluster.faults.add(
            Fault(status=429, headers={"Retry-After": endless}, body=body, method="POST", kind="ConfigMap")
        )
        answer = push(function, pushed())
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
        assert [made["kind"] for made in answer.json["triggers"][0]["resources"]] == ["PipelineRun"]

    def test_the_eight_seconds_are_kept(self, production: Production) -> None:
        function = production.application()
        production.cluster.faults.add(Fault(status=500, method="POST"))
        assert push(function, pushed()).status == 503
        assert 5 < sum(production.clock.slept) < 8

    def test_no_answer_at_all(self, production: Production) -> None:
        function, body = production.application(), pushed()
        production.cluster.faults.add(Fault(action="hang", method="POST"))
        with cut_short(production.clock, method="POST"):
            answer = push(function, body)
        assert (answer.status, answer.statuses) == (503, ["failed"])
        assert "no answer came in time" in answer.reasons[0]
        recover(production, function, body)

    def test_an_answer_that_comes_too_late(self, production: Production) -> None:
        function, body = production.application(), pushed()
        production.cluster.faults.add(Fault(action="delay", method="POST", seconds=20))
        with cut_short(production.clock, method="POST"):
            assert push(function, body).status == 503
        production.cluster.requests.wait(lambda seen: seen.method == "POST")
        assert len(production.objects()) == 1
        recover(production, function, body)

    def test_200_instead_of_201(self, production: Production) -> None:
        function, body = production.application(), pushed()
        production.cluster.faults.add(Fault(action="recode", status=200, method="POST"))
        assert push(function, body).statuses == ["created"]
        recover(production, function, body)

    def test_kept_alive_connections_that_died(self, production: Production) -> None:
        function = production.application()
        push(function, pushed())
        production.cluster.drop_connections()
        assert push(function, pushed()).statuses == ["created"]
        assert production.clock.slept == []

    def test_kept_alive_connections_that_say_nothing(
        self, production: Production, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Relay(production.cluster.url.removeprefix("https://")) as relay:
            direct = production.cluster.kubeconfig(namespace=NAMESPACE)
            production.add_kubeconfig(direct.replace(production.cluster.url, f"https://{relay.host}"))
            function = production.application()
            push(function, pushed())
            monkeypatch.setattr(calls, "DOUBT_SECONDS", 0.2)
            relay.freeze()
            assert push(function, pushed()).statuses == ["created"]
        assert production.clock.slept == []

    def test_a_server_that_the_kubeconfigs_authority_has_not_signed(self, production: Production) -> None:
        with ApiServer() as other:
            ours = production.cluster.kubeconfig(namespace=NAMESPACE)
            theirs = other.kubeconfig(token=production.cluster.token, namespace=NAMESPACE)
            production.add_kubeconfig(theirs.replace(other.url, production.cluster.url))
        function, body = production.application(), pushed()
        answer = push(function, body)
        assert (answer.status, answer.statuses) == (503, ["failed"])
        assert "its certificate is not accepted" in answer.reasons[0]
        production.add_kubeconfig(ours)
        recover(production, function, body)


class TestStarting:
    """A server that has only just been started: it refuses everybody, and says itself that it is not ready."""

    @pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.READY])
    def test_while_it_starts(self, production: Production, stage: Stage) -> None:
        production.cluster.stage = stage
        function, body = production.application(), pushed()
        answer = push(function, body)
        assert (answer.status, answer.statuses) == (503, ["failed"]), answer.text
        assert production.objects() == []
        production.cluster.stage = Stage.READY
        recover(production, function, body)

    @pytest.mark.parametrize("account", ["", "builder"])
    def test_until_it_is_ready(self, production: Production, account: str) -> None:
        documents = manifests()
        documents[0]["spec"]["serviceAccountName"] = account
        documents[0]["spec"]["triggers"][0]["serviceAccountName"] = account
        production.write(*documents)
        function, body = production.application(), pushed()
        production.clock.then(0.0, lambda: setattr(production.cluster, "stage", Stage.NO_RBAC))
        production.clock.then(0.3, lambda: setattr(production.cluster, "stage", Stage.NO_ROLES))
        production.clock.then(0.6, lambda: setattr(production.cluster, "stage", Stage.NO_PATHS))
        production.clock.then(1.2, lambda: setattr(production.cluster, "stage", Stage.READY))
        assert push(function, body).statuses == ["created"]
        recover(production, function, body)

    def test_a_right_that_is_missing_is_told_at_once(self, production: Production) -> None:
        production.cluster.add_token(production.cluster.token, User(name=ACCOUNT, rules=()))
        function = production.application()
        answer = push(function, pushed())
        assert (answer.status, answer.statuses) == (422, ["failed"])
        assert "add it to the Role of the kubeconfig's ServiceAccount" in answer.reasons[0]
        assert production.clock.slept == []

    def test_neither_readiness_nor_rights_can_be_asked(self, production: Production) -> None:
        production.cluster.faults.add(Fault(status=403, path="^/readyz$|selfsubjectaccessreviews"))
        production.cluster.add_token(production.cluster.token, User(name=ACCOUNT, rules=()))
        function, body = production.application(), pushed()
        answers = []
        for _ in range(7):
            answers.append(push(function, body))
            production.pass_by(2)
        assert [answer.status for answer in answers[:3]] == [503] * 3
        assert answers[-1].status == 422
        assert "add it to the Role" in answers[-1].reasons[0]


class TestLooking:
    """Faults that the GET meets after a 409."""

    @pytest.mark.parametrize("name", LOOKING)
    def test_looking_while_it_stays(self, production: Production, name: str) -> None:
        function, body = production.application(), pushed()
        push(function, body)
        case = LOOKING[name]
        met = arm(production, case, method="GET", kind="PipelineRun")
        expect(push(function, body), case, met())
        assert len(production.objects()) == 1
        recover(production, function, body)

    @pytest.mark.parametrize("name", ending(LOOKING))
    def test_looking_when_it_ends(self, production: Production, name: str) -> None:
        function, body = production.application(), pushed()
        push(function, body)
        met = arm(production, LOOKING[name], method="GET", kind="PipelineRun", times=2)
        answer = push(function, body)
        assert (answer.status, answer.statuses, met()) == (202, ["duplicate"], 2)
        recover(production, function, body)

    def test_a_name_that_comes_and_goes(self, production: Production) -> None:
        function, body = production.application(), pushed()
        armed = production.cluster.faults.add(Fault(status=409, body=TAKEN, method="POST"))
        answer = push(function, body)
        assert (answer.status, answer.statuses, armed.fired) == (503, ["failed"], 3)
        assert "come and go" in answer.reasons[0]
        recover(production, function, body)

    def test_an_object_that_is_gone_when_it_is_looked_at(self, production: Production) -> None:
        function, body = production.application(), pushed()
        production.cluster.faults.add(Fault(status=409, body=TAKEN, method="POST", times=1))
        assert push(function, body).statuses == ["created"]
        recover(production, function, body)


class TestDiscovering:
    """Faults of the question which path a kind has."""

    @pytest.fixture(autouse=True)
    def _widgets(self, production: Production) -> None:
        production.write(*manifests(widget()))

    @pytest.mark.parametrize("name", DISCOVERING)
    def test_discovering_while_it_stays(self, production: Production, name: str) -> None:
        case, function, body = DISCOVERING[name], production.application(), pushed()
        met = arm(production, case, path="^/apis/example.com/v1$")
        expect(push(function, body), case, met())
        assert (production.posts("widgets"), production.objects("Widget")) == ([], [])
        recover(production, function, body, "Widget")

    @pytest.mark.parametrize("name", ending(DISCOVERING))
    def test_discovering_when_it_ends(self, production: Production, name: str) -> None:
        function, body = production.application(), pushed()
        met = arm(production, DISCOVERING[name], path="^/apis/example.com/v1$", times=2)
        assert (push(function, body).statuses, met()) == (["created"], 2)
        recover(production, function, body, "Widget")


class TestOneOfThree:
    """Faults that the second of three resources meets."""

    @pytest.mark.parametrize("name", OF_SEVERAL)
    def test_one_of_three_while_it_stays(self, production: Production, name: str) -> None:
        production.write(*manifests(run(), config_map(), widget()))
        case, function, body = OF_SEVERAL[name], production.application(), pushed()
        met = arm(production, case, method="POST", kind="ConfigMap")
        answer = push(function, body)
        expect(answer, case, met())
        assert [made["kind"] for made in answer.json["triggers"][0]["resources"]] == ["PipelineRun", "Widget"]
        assert "ConfigMap" in answer.reasons[0]
        assert "PipelineRun" not in answer.reasons[0]
        assert [len(production.objects(kind)) for kind in ("PipelineRun", "ConfigMap", "Widget")] == [1, case.exists, 1]
        recover(production, function, body, "PipelineRun", "ConfigMap", "Widget")


class TestSecrets:
    """Faults of Secret Manager while a cold instance reads the key and the kubeconfig, and while a warm one does."""

    @pytest.mark.parametrize("name", SECRETS)
    def test_reading_the_key_when_cold(
        self, production: Production, capsys: pytest.CaptureFixture[str], name: str
    ) -> None:
        case, function, body = SECRETS[name], production.application(), pushed()
        case.arm(production, KEY)
        answer = push(function, body)
        assert (answer.status, answer.statuses) == (case.http, ["failed"])
        assert answer.reasons == [
            "the delivery cannot be verified now; sending it again later will help"
            if case.http == 503
            else "verification is not set up for this delivery; the function's log says what is missing"
        ]
        assert answer.headers.get("Retry-After") == ("30" if case.http == 503 else None)
        assert case.says in capsys.readouterr().out
        assert production.calls_ended(KEY, case.calls)
        assert push(function, body, key=b"forged").status == case.http
        assert len(production.cluster.requests) == 0
        case.mend(production, KEY)
        recover(production, function, body)

    @pytest.mark.parametrize("name", SECRETS)
    def test_reading_the_kubeconfig_when_cold(self, production: Production, name: str) -> None:
        case, function, body = SECRETS[name], production.application(), pushed()
        if name == "checksum":
            # the key is read before, and not damaged
            push(function, body, key=b"forged")
        case.arm(production, KUBECONFIG)
        answer = push(function, body)
        assert (answer.status, answer.statuses) == (case.http, ["failed"])
        assert case.says in answer.reasons[0]
        assert f"projects/{PROJECT}/secrets/{KUBECONFIG}" in answer.reasons[0]
        assert answer.headers.get("Retry-After") == ("30" if case.http == 503 else None)
        assert production.calls_ended(KUBECONFIG, case.calls)
        assert len(production.cluster.requests) == 0
        case.mend(production, KUBECONFIG)
        recover(production, function, body)

    @pytest.mark.parametrize("name", SECRETS)
    def test_reading_the_key_again(self, production: Production, name: str) -> None:
        case, function = SECRETS[name], production.application()
        push(function, pushed("first"))
        case.arm(production, KEY)
        production.pass_by(61)
        body = pushed("second")
        passing = name in SECRETS_PASSING
        assert push(function, body).status == (202 if passing else 422)
        assert production.revisions() == (["first", "second"] if passing else ["first"])
        case.mend(production, KEY)
        production.manager.mend()
        production.pass_by(30)
        assert push(function, body).status == 202
        assert production.revisions() == ["first", "second"]

    @pytest.mark.parametrize("name", SECRETS)
    def test_reading_the_kubeconfig_again(self, production: Production, name: str) -> None:
        case, function, body = SECRETS[name], production.application(), pushed("second")
        push(function, pushed("first"))
        case.arm(production, KUBECONFIG)
        production.pass_by(30)
        # as long as the API takes it, nobody asks for it
        assert push(function, pushed("third")).status == 202
        production.cluster.rotate_token("the-next-token")
        answer = push(function, body)
        assert (answer.status, answer.statuses) == (case.http, ["failed"])
        assert production.revisions() == ["first", "third"]
        production.add_kubeconfig()
        production.manager.mend()
        production.pass_by(30)
        assert push(function, body).statuses == ["created"]
        assert production.revisions() == ["first", "second", "third"]
