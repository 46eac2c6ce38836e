"""TRIGGERS_SOURCE=cluster and SECRETS_SOURCE=cluster, end to end: what only the cluster as a source can do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from functions.adapters.kubernetes.source import listeners as cluster_source
from functions.adapters.kubernetes.source.listeners import Freshness
from tests.standins.apiserver import ACCOUNT, ApiServer
from tests.standins.faults import Fault
from tests.standins.kubernetes.access import Rule, User
from tests.standins.kubernetes.starting import Stage
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.sources import Source, cel, github, inline, listener, template, trigger
from tests.support.workspace import Workspace

BODY = encoded(PUSH)
SENT = headers("push", BODY)


@pytest.fixture
def cluster() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


@pytest.fixture
def source(workspace: Workspace) -> Source:
    found = Source(workspace, "cluster")
    found.secret("hook", "token", SECRET)
    found.put(template(), listener(inline()))
    return found


def test_nothing_is_asked_before_the_first_delivery(source: Source) -> None:
    application = source.application()
    assert application.request("GET").status == 200
    assert len(source.workspace.cluster.requests) == 0
    assert application.post(BODY, SENT).statuses == ["created"]


def test_a_cold_instance_that_cannot_read_answers_503_and_works_once_it_can(
    source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    application = source.application()
    fault = source.workspace.cluster.faults.add(Fault(status=401, path="/eventlisteners"))
    answer = application.post(BODY, SENT)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
    assert answer.json["errorMessage"] == (
        "the triggers cannot be read now; sending the delivery again later will help"
    )
    assert answer.json["eventID"] == SENT["X-GitHub-Delivery"]
    [entry] = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"delivery"' in line]
    assert (entry["severity"], entry["status"]) == ("ERROR", 503)
    assert "the triggers cannot be read from the cluster" in entry["message"]
    source.workspace.cluster.faults.remove(fault)
    assert source.application().post(BODY, SENT).statuses == ["created"]


def test_listeners_that_may_not_be_read_are_500_and_the_log_says_what_to_do(
    source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    server = source.workspace.cluster
    server.add_token(server.token, User(name=ACCOUNT, rules=()))
    answer = source.application().post(BODY, SENT)
    assert answer.status == 500
    assert "eventlisteners" not in answer.text
    assert "add it to the Role of the kubeconfig's ServiceAccount" in capsys.readouterr().out


def test_a_cold_instance_and_a_server_that_starts_is_503(source: Source) -> None:
    server = source.workspace.cluster
    server.stage = Stage.NO_RBAC
    application = source.application()
    assert application.post(BODY, SENT, f"/{source.namespace}/listener").status == 503
    server.stage = Stage.READY
    assert source.application().post(BODY, SENT).statuses == ["created"]


def test_of_several_listeners_none_answers_for_another_while_the_view_is_narrow(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = f"{source.namespace}-other"
    source.secret("hook", "token", SECRET, namespace=other)
    place = {"namespace": other}
    source.put(template(**place), listener(inline(), name="theirs") | {"metadata": {"name": "theirs", **place}})
    always = Freshness(ahead=0, fresh=0, retry=0)
    monkeypatch.setattr(cluster_source, "Freshness", lambda: always)
    application = source.application()
    theirs = f"/{other}/theirs"
    assert application.post(BODY, SENT, theirs).statuses == ["created"]

    server = source.workspace.cluster
    here = Rule(namespaces=(source.namespace,))
    server.add_token(server.token, User(name=ACCOUNT, rules=(here,)))
    for path in (theirs, "/", "/hook"):
        answer = application.post(BODY, SENT, path)
        assert answer.status == 404, answer.text
    assert source.created() == []
    assert application.post(BODY, SENT, f"/{source.namespace}/listener").statuses == ["created"]


@pytest.mark.parametrize("name", ["", "listener"])
def test_without_the_namespace_of_a_listener_whoever_makes_one_is_served_and_the_log_says_so(
    source: Source, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source.application(EVENT_LISTENER=f"{source.namespace}/listener")
    said = "whoever may create an EventListener where the account may list them is served"
    assert said not in capsys.readouterr().out
    application = source.application(EVENT_LISTENER=name)
    assert said in capsys.readouterr().out
    other = f"{source.namespace}-other"
    source.secret("hook", "token", SECRET, namespace=other)
    place = {"namespace": other}
    source.put(template(**place), listener(inline()) | {"metadata": {"name": "listener", **place}})
    answer = application.post(BODY, SENT, f"/{other}/listener")
    assert (answer.status, answer.statuses) == ((500, []) if name else (202, ["created"]))


def test_an_account_with_the_roles_of_the_infrastructure_suffices(source: Source) -> None:
    server = source.workspace.cluster
    here = (source.namespace,)
    kinds = ("eventlisteners", "interceptors", "triggerbindings", "triggers", "triggertemplates")
    rules = (
        Rule(verbs=("create", "get"), groups=("tekton.dev",), resources=("pipelineruns",), namespaces=here),
        Rule(verbs=("get", "list", "watch"), groups=("triggers.tekton.dev",), resources=kinds, namespaces=here),
        Rule(verbs=("get",), groups=("",), resources=("secrets",), namespaces=here, names=("hook",)),
    )
    server.add_token(server.token, User(name=ACCOUNT, rules=rules))
    # NAMESPACE is left at its default, in which the account may read nothing: the kubeconfig's namespace counts too
    assert source.application(NAMESPACE="").post(BODY, SENT).statuses == ["created"]
    named = source.application(NAMESPACE="", EVENT_LISTENER=f"{source.namespace}/listener")
    assert named.post(BODY, SENT).statuses == ["duplicate"]


def test_a_listener_that_was_never_valid_fails_and_no_other_one_takes_its_deliveries(
    source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    source.put(listener(inline(), name="broken", trigers=[]))
    application = source.application()
    answer = application.post(BODY, SENT, f"/{source.namespace}/broken")
    assert (answer.status, answer.statuses) == (422, ["failed"])
    assert "broken" not in answer.text
    assert application.post(BODY, SENT, "/").status == 404, "two listeners, so the path has to choose"
    assert f"EventListener {source.namespace}/broken has mistakes" in capsys.readouterr().out


def test_an_invalid_trigger_fails_with_its_reason(source: Source) -> None:
    source.put(
        listener(inline(), labelSelector={"matchLabels": {"app": "a"}}),
        trigger("wrong", labels={"app": "a"}, bindngs=[]),
    )
    answer = source.application().post(BODY, SENT)
    assert (answer.status, answer.statuses) == (422, ["created", "failed"])
    assert answer.reasons[1].startswith(f"Trigger {source.namespace}/wrong is not valid: spec.bindngs: ")


def test_every_read_counts_when_it_can_be_had_and_the_last_one_otherwise(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    always = Freshness(ahead=0, fresh=0, retry=0)
    monkeypatch.setattr(cluster_source, "Freshness", lambda: always)
    application = source.application()
    assert application.post(BODY, SENT).statuses == ["created"]
    source.put(listener(inline("one"), inline("two")))
    assert application.post(BODY, SENT).statuses == ["created", "created"]
    fault = source.workspace.cluster.faults.add(Fault(status=401, method="GET", path="triggers.tekton.dev"))
    body = encoded(PUSH | {"ref": "refs/heads/other"})
    assert application.post(body, headers("push", body)).statuses == ["created", "created"]
    assert fault.fired > 0


def test_a_secret_is_read_in_the_triggers_namespace_only(source: Source) -> None:
    other = f"{source.namespace}-other"
    source.secret("theirs", "token", SECRET, namespace=other)
    secret_ref = {"secretName": "theirs", "secretKey": "token", "namespace": other}
    source.put(
        listener(
            inline("by-name", github("theirs")),
            inline("by-namespace", github(secretRef=secret_ref)),
            inline("by-expression", cel(f"'{SECRET.decode()}'.compareSecret('token', 'theirs', '{other}')")),
            inline("ours"),
        )
    )
    answer = source.application().post(BODY, SENT)
    assert answer.statuses == ["failed", "failed", "failed", "created"]
    read = [request.path for request in source.workspace.cluster.requests if "/secrets/" in request.path]
    assert set(read) == {f"/api/v1/namespaces/{source.namespace}/secrets/{name}" for name in ("theirs", "hook")}
    assert all(other not in reason or "secretRef" in reason for reason in answer.reasons)


def test_a_secret_that_cannot_be_read_now_is_503(source: Source) -> None:
    source.workspace.cluster.faults.add(Fault(status=503, path="/secrets/"))
    answer = source.application().post(BODY, SENT)
    assert (answer.status, answer.statuses) == (503, ["failed"])
    assert "hook" not in answer.text
