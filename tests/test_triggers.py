"""Every way in which a listener comes to its triggers, end to end, from files and from the cluster."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.standins.apiserver import ACCOUNT, ApiServer
from tests.standins.kubernetes.access import Rule, User
from tests.support.deliveries import PING, PUSH, SECRET, encoded, headers
from tests.support.function import Answer
from tests.support.sources import Source, cel, github, inline, listener, manifest, run, template, trigger
from tests.support.workspace import Workspace

BODY = encoded(PUSH)
A = {"app": "a"}


@pytest.fixture
def cluster() -> Iterator[ApiServer]:
    """A cluster of the test's own: selectors see all of it."""
    with ApiServer() as server:
        yield server


@pytest.fixture(params=["files", "cluster"])
def source(workspace: Workspace, request: pytest.FixtureRequest) -> Source:
    found = Source(workspace, request.param)
    found.secret("hook", "token", SECRET)
    found.put(template())
    return found


def push(source: Source, path: str = "/", **environment: str) -> Answer:
    return source.application(**environment).post(BODY, headers("push", BODY), path)


def names(answer: Answer) -> list[str]:
    return [found["name"] for found in answer.json["triggers"]]


def params(found: dict[str, Any]) -> dict[str, str]:
    return {param["name"]: param["value"] for param in found["spec"]["params"]}


def test_inline_triggers(source: Source) -> None:
    source.put(listener(inline("one"), inline("two")))
    answer = push(source)
    assert (answer.status, answer.statuses, names(answer)) == (202, ["created", "created"], ["one", "two"])
    stored = source.created(kind="EventListener")
    assert answer.json["eventListenerUID"] == (stored[0]["metadata"]["uid"] if stored else "")
    labels = [found["metadata"]["labels"] for found in source.created()]
    assert sorted(found["triggers.tekton.dev/trigger"] for found in labels) == ["one", "two"]
    assert {found["triggers.tekton.dev/eventlistener"] for found in labels} == {"listener"}
    assert {found["triggers.tekton.dev/triggers-eventid"] for found in labels} == {answer.json["eventID"]}


def test_a_trigger_without_a_name_is_labelled_so(source: Source) -> None:
    unnamed = inline()
    del unnamed["name"]
    source.put(listener(unnamed, unnamed))
    answer = push(source)
    assert answer.statuses == ["created", "created"], "two triggers, though they look the same"
    assert {found["metadata"]["labels"]["triggers.tekton.dev/trigger"] for found in source.created()} == {""}


def test_trigger_objects_by_reference(source: Source) -> None:
    source.put(listener({"triggerRef": "object"}, {"triggerRef": "absent"}), trigger("object", labels={}))
    answer = push(source)
    assert (answer.status, answer.statuses) == (422, ["created", "failed"])
    assert answer.reasons[1] == (
        f"Trigger {source.namespace}/absent, which triggers[1].triggerRef names, does not exist"
    )
    assert source.created()[0]["metadata"]["labels"]["triggers.tekton.dev/trigger"] == "object"


def test_a_label_selector_selects_in_the_listeners_namespace(source: Source) -> None:
    source.put(
        listener(labelSelector={"matchLabels": A}),
        trigger("chosen", labels=A),
        trigger("other-label", labels={"app": "b"}),
        trigger("elsewhere", labels=A, namespace=f"{source.namespace}-other"),
    )
    assert names(push(source)) == ["chosen"]


@pytest.mark.parametrize(
    ("operator", "values", "chosen"),
    [
        ("In", ["a"], ["t-a"]),
        ("NotIn", ["a"], ["t-b", "t-none"]),
        ("Exists", None, ["t-a", "t-b"]),
        ("DoesNotExist", None, ["t-none"]),
    ],
)
def test_match_expressions(source: Source, operator: str, values: list[str] | None, chosen: list[str]) -> None:
    expression = {"key": "app", "operator": operator} | ({"values": values} if values else {})
    source.put(
        listener(labelSelector={"matchExpressions": [expression]}),
        trigger("t-a", labels=A),
        trigger("t-b", labels={"app": "b"}),
        trigger("t-none", labels={}),
    )
    assert names(push(source)) == chosen


def test_inline_triggers_and_selected_ones_both_run(source: Source) -> None:
    source.put(listener(inline("first"), labelSelector={"matchLabels": A}), trigger("second", labels=A))
    assert names(push(source)) == ["first", "second"]


@pytest.mark.parametrize(("selected", "chosen"), [(["OTHER"], ["there"]), (["*"], ["here", "there"])])
def test_a_namespace_selector_selects_elsewhere(source: Source, selected: list[str], chosen: list[str]) -> None:
    other = f"{source.namespace}-other"
    source.secret("hook", "token", SECRET, namespace=other)
    source.put(
        listener(namespaceSelector={"matchNames": [name.replace("OTHER", other) for name in selected]}),
        trigger("here", labels={}),
        trigger("there", labels={}, namespace=other),
        template(namespace=other),
    )
    answer = push(source)
    assert (answer.status, names(answer)) == (202, chosen)
    assert len(source.created(other)) == 1
    assert len(source.created()) == len(chosen) - 1


def test_a_trigger_of_another_namespace_finds_everything_there(source: Source) -> None:
    other = f"{source.namespace}-other"
    source.secret("hook", "token", b"the other namespace's", namespace=other)
    source.put(
        listener(namespaceSelector={"matchNames": [other]}),
        trigger("there", labels={}, namespace=other, bindings=[{"ref": "binding"}]),
        manifest("TriggerBinding", "binding", {"params": [{"name": "p", "value": "theirs"}]}, namespace=other),
        manifest("TriggerBinding", "binding", {"params": [{"name": "p", "value": "ours"}]}),
        template("template", run(p="$(tt.params.p)"), namespace=other),
    )
    application = source.application()
    assert application.post(BODY, headers("push", BODY)).status == 401, "signed with the listener's namespace's key"
    answer = application.post(BODY, headers("push", BODY, secret=b"the other namespace's"))
    assert answer.statuses == ["created"]
    assert [params(found) for found in source.created(other)] == [{"p": "theirs"}]
    assert source.created() == []


def group(*interceptors: dict[str, Any], name: str = "group", **selector: Any) -> dict[str, Any]:
    wanted = selector or {"labelSelector": {"matchLabels": A}}
    return {"name": name, "interceptors": list(interceptors), "triggerSelector": wanted}


def test_a_group_verifies_for_its_triggers_and_hands_its_extensions_on(source: Source) -> None:
    grouped = trigger(
        "grouped",
        cel("extensions.branch == 'main'", both="extensions.branch + '!'"),
        labels=A,
        bindings=[{"name": "branch", "value": "$(extensions.branch) $(extensions.both)"}],
        template={"ref": "with-branch"},
    )
    overlay = cel("", branch="body.ref.split('/')[2]")
    source.put(
        listener(triggerGroups=[group(github(), overlay)]),
        grouped,
        template("with-branch", run(branch="$(tt.params.branch)")),
    )
    application = source.application()
    answer = application.post(BODY, headers("push", BODY))
    assert (answer.status, answer.statuses, names(answer)) == (202, ["created"], ["grouped"])
    assert [params(found) for found in source.created()] == [{"branch": "main main!"}]
    assert application.post(BODY, headers("push", BODY, secret=b"forged")).status == 401


def test_what_a_group_filters_none_of_its_triggers_sees(source: Source) -> None:
    source.put(
        listener(
            inline("alone"),
            triggerGroups=[group(github(), cel("body.ref == 'refs/heads/other'")), group(github(), name="open")],
        ),
        trigger("grouped", labels=A),
    )
    answer = push(source)
    assert names(answer) == ["alone", "grouped", "grouped"]
    assert answer.statuses == ["created", "filtered", "created"], "of two groups, each runs the trigger by itself"


def test_a_groups_secret_is_the_listeners_namespaces(source: Source) -> None:
    other = f"{source.namespace}-other"
    source.put(
        listener(triggerGroups=[group(github(), namespaceSelector={"matchNames": [other]})]),
        trigger("there", cel("true"), labels={}, namespace=other),
        template(namespace=other),
    )
    assert push(source).statuses == ["created"]


def test_a_group_that_cannot_work_fails_its_triggers(source: Source) -> None:
    source.put(
        listener(inline("alone"), triggerGroups=[group(github(), cel("body.ref =="))]), trigger("grouped", labels=A)
    )
    answer = push(source)
    assert (answer.status, answer.statuses) == (422, ["created", "failed"])
    assert answer.reasons[1].startswith("trigger group group: ")


def test_the_path_chooses_between_listeners(source: Source) -> None:
    source.put(listener(inline("a"), name="one"), listener(inline("b"), name="two"))
    assert names(push(source, f"/{source.namespace}/two/more?x=1")) == ["b"]
    assert push(source, "/").status == 404
    assert push(source, f"/{source.namespace}/three").status == 404
    assert names(push(source, "/anywhere", EVENT_LISTENER="one")) == ["a"]
    assert names(push(source, "/", EVENT_LISTENER=f"{source.namespace}/two")) == ["b"]


def test_a_listener_that_does_not_exist_is_refused_and_named_in_the_log_alone(
    source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    source.put(listener(inline()))
    answer = push(source, EVENT_LISTENER="absent")
    assert answer.status == 500
    assert answer.json["errorMessage"].startswith("Pipehook cannot serve: its configuration is wrong")
    assert "absent" not in answer.text
    assert "EVENT_LISTENER: absent: there is no such listener" in capsys.readouterr().out


def test_an_inline_template(source: Source) -> None:
    spec = {
        "params": [{"name": "p", "default": "by default"}, {"name": "q"}],
        "resourcetemplates": [run(p="$(tt.params.p)", q="$(tt.params.q)")],
    }
    source.put(listener(inline(template={"spec": spec}, bindings=[{"name": "q", "value": "$(body.head_commit.id)"}])))
    assert push(source).statuses == ["created"]
    assert [params(found) for found in source.created()] == [{"p": "by default", "q": PUSH["head_commit"]["id"]}]


def test_bindings_of_every_kind(source: Source) -> None:
    bindings = [
        {"ref": "namespaced"},
        {"ref": "clustered", "kind": "ClusterTriggerBinding"},
        {"name": "inline", "value": "$(body.pusher.name)"},
    ]
    source.put(
        listener(inline(bindings=bindings, template={"ref": "with-params"})),
        manifest("TriggerBinding", "namespaced", {"params": [{"name": "ns", "value": "$(body.ref)"}]}),
        manifest(
            "ClusterTriggerBinding", "clustered", {"params": [{"name": "cl", "value": "$(header.X-GitHub-Event)"}]}
        ),
        template("with-params", run(all="$(tt.params.ns) $(tt.params.cl) $(tt.params.inline)")),
    )
    assert push(source).statuses == ["created"]
    assert [params(found) for found in source.created()] == [{"all": "refs/heads/main push mosuke5"}]


def test_a_triggers_service_account_creates_its_resources(source: Source) -> None:
    other = f"{source.namespace}-other"
    source.secret("hook", "token", SECRET, namespace=other)
    source.put(
        listener(inline("as-builder", serviceAccountName="builder"), namespaceSelector={"matchNames": [other]}),
        trigger("as-theirs", labels={}, namespace=other, serviceAccountName="theirs"),
        template(namespace=other),
    )
    assert push(source).statuses == ["created", "created"]
    posts = [request for request in source.workspace.cluster.requests if request.path.endswith("/pipelineruns")]
    assert {request.path.split("/")[-2]: request.impersonated for request in posts} == {
        source.namespace: f"system:serviceaccount:{source.namespace}:builder",
        other: f"system:serviceaccount:{other}:theirs",
    }


def test_an_account_that_may_not_be_impersonated_fails_its_trigger_alone(source: Source) -> None:
    source.put(listener(inline("as-builder", serviceAccountName="builder"), inline("plain")))
    server = source.workspace.cluster
    rules = tuple(
        Rule(verbs=("create", "get", "list"), groups=(name,)) for name in ("", "tekton.dev", "triggers.tekton.dev")
    )
    server.add_token(server.token, User(name=ACCOUNT, rules=rules))
    answer = push(source)
    assert (answer.status, answer.statuses) == (422, ["failed", "created"])
    assert "impersonate" in answer.reasons[0]


def test_a_chain_that_let_the_event_through_unverified_is_rejected(source: Source) -> None:
    chain = cel("body.ref == 'refs/heads/main' || header.canonical('X-Token').compareSecret('token', 'hook')")
    source.put(listener(inline("lazy", chain)))
    answer = push(source)
    assert (answer.status, answer.statuses) == (401, ["rejected"])
    assert "without verifying it" in answer.reasons[0]
    assert source.created() == []
    body = encoded(PUSH | {"ref": "refs/heads/other"})
    sent = headers("push", body) | {"X-Token": SECRET.decode()}
    assert source.application().post(body, sent).statuses == ["created"], "compared, where the first half is false"
    assert push(source, UNVERIFIED_TRIGGERS="allow").statuses == ["created"]


def test_a_signed_body_under_another_events_name_is_401(source: Source) -> None:
    source.put(listener(inline()))
    answer = source.application().post(BODY, headers("ping", BODY))
    assert (answer.status, answer.statuses) == (401, ["rejected"])
    ping = encoded(PING)
    assert source.application().post(ping, headers("ping", ping)).status == 202


MISSING: dict[str, tuple[dict[str, Any], str]] = {
    "a binding": ({"bindings": [{"ref": "absent"}]}, "TriggerBinding NS/absent, which bindings[0].ref names"),
    "a cluster's binding": (
        {"bindings": [{"ref": "absent", "kind": "ClusterTriggerBinding"}]},
        "ClusterTriggerBinding absent, which bindings[0].ref names",
    ),
    "a template": ({"template": {"ref": "absent"}}, "TriggerTemplate NS/absent, which template.ref names"),
    "a secret": ({"interceptors": [github("absent")]}, "secret NS/absent, key token"),
    "a key": (
        {"interceptors": [github(secretRef={"secretName": "hook", "secretKey": "absent"})]},
        "absent",
    ),
    "a param twice": (
        {"bindings": [{"name": "p", "value": "1"}, {"name": "p", "value": "2"}]},
        "duplicate param name: p",
    ),
    "a field of the event": (
        {"bindings": [{"name": "p", "value": "$(body.absent)"}]},
        "failed to replace JSONPath value for param p: $(body.absent): absent is not found",
    ),
}


@pytest.mark.parametrize("missing", MISSING)
def test_what_is_missing_is_named_and_fails_its_trigger_alone(source: Source, missing: str) -> None:
    wrong, named = MISSING[missing]
    source.put(listener(inline("wrong", **wrong), inline("right")))
    answer = push(source)
    assert (answer.status, answer.statuses) == (422, ["failed", "created"])
    assert named.replace("NS", source.namespace) in answer.reasons[0]
    assert len(source.created()) == 1


@pytest.fixture
def interceptor() -> Iterator[HTTPServer]:
    """An interceptor that adds the path that it was asked at."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = json.dumps({"continue": True, "extensions": {"asked": self.path}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_namespaced_interceptor_is_the_listeners_namespaces(source: Source, interceptor: HTTPServer) -> None:
    other = f"{source.namespace}-other"
    host = f"127.0.0.1:{interceptor.server_port}"

    def client(path: str) -> dict[str, Any]:
        return {"clientConfig": {"url": f"http://{host}/{path}"}}

    refs = [{"ref": {"name": "adds", "kind": kind}} for kind in ("NamespacedInterceptor", "ClusterInterceptor")]
    told: dict[str, Any] = {
        "bindings": [{"name": "p", "value": "$(extensions.asked)"}],
        "namespace": other,
        "labels": {},
    }
    source.put(
        listener(namespaceSelector={"matchNames": [other]}),
        trigger("clustered", refs[1], **told),
        trigger("namespaced", refs[0], **told),
        template("template", run(p="$(tt.params.p)"), namespace=other),
        manifest("Interceptor", "adds", client("listeners-namespace")),
        manifest("Interceptor", "adds", client("triggers-namespace"), namespace=other),
        manifest("ClusterInterceptor", "adds", client("cluster")),
    )
    assert push(source, OUTBOUND_HOSTS=host).statuses == ["created", "created"]
    assert sorted(params(found)["p"] for found in source.created(other)) == ["/cluster", "/listeners-namespace"]


def test_an_interceptor_that_is_missing_or_out_of_reach_fails_its_trigger_alone(source: Source) -> None:
    service = {"clientConfig": {"service": {"name": "adds", "namespace": "tools"}}}
    source.put(
        listener(
            inline("absent", github(), {"ref": {"name": "nobody"}}),
            inline("absent-here", github(), {"ref": {"name": "adds", "kind": "NamespacedInterceptor"}}),
            inline("inside", github(), {"ref": {"name": "adds"}}),
            inline("right"),
        ),
        manifest("ClusterInterceptor", "adds", service),
    )
    answer = push(source)
    assert (answer.status, answer.statuses) == (422, ["failed", "failed", "failed", "created"])
    for reason, named in zip(
        answer.reasons,
        ("ClusterInterceptor nobody", f"Interceptor {source.namespace}/adds", "adds.tools.svc"),
        strict=False,
    ):
        assert named in reason
