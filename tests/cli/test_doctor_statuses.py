"""`pipehook doctor` with statuses: the right to read runs, the token's permission, Tekton's sink and its last event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.cli.support import Done, pipehook
from tests.cli.test_doctor import looked
from tests.standins.apiserver import ApiServer
from tests.standins.kubernetes.access import Rule, User
from tests.status.support import KEY, REPOSITORY, Scene, commit, open_scene
from tests.support.sources import run
from tests.support.workspace import Workspace

RUNS = ("pipelineruns",)
MAKES = Rule(verbs=("create", "get"), groups=("tekton.dev",), resources=RUNS)
READS = Rule(verbs=("get", "list"), groups=("tekton.dev",), resources=(*RUNS, "taskruns"))
HOOK = ("--hook", f"repos/{REPOSITORY}/hooks/1")
TOKEN = f"GitHub's token for {REPOSITORY}"


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with ApiServer(tokens={"admin": User(name="admin", rules=(Rule(),))}) as server:
        yield server


@pytest.fixture
def scene(tmp_path: Any, server: ApiServer, request: pytest.FixtureRequest) -> Iterator[Scene]:
    namespace = f"lab-{abs(hash(request.node.nodeid)):x}"[:40]
    server.put_object({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    server.put_object({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tekton-pipelines"}})
    workspace = Workspace(tmp_path / "w", server, namespace=namespace)
    (tmp_path / "admin").write_text(server.kubeconfig(token="admin", namespace=namespace))
    with open_scene(workspace) as scene:
        allow(scene, MAKES, READS)
        sink(scene, f"https://report:{KEY.decode()}@report.example.com/")
        yield scene


def allow(scene: Scene, *rules: Rule) -> None:
    """Let the function's account do this and no more."""
    scene.workspace.cluster.add_token("function", User(name="function", rules=rules))
    text = scene.workspace.cluster.kubeconfig(token="function", namespace=scene.namespace)
    (scene.workspace.directory / "kubeconfig").write_text(text)


def sink(scene: Scene, url: str) -> None:
    metadata = {"name": "config-events", "namespace": "tekton-pipelines"}
    scene.workspace.cluster.put_object(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"sink": url} if url else {}}
    )


def event(scene: Scene, reason: str, minute: int) -> None:
    metadata = {"name": f"{reason.lower()}-{minute}", "namespace": scene.namespace}
    involved = {"kind": "PipelineRun", "name": "x", "namespace": scene.namespace}
    scene.workspace.cluster.put_object(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": metadata,
            "involvedObject": involved,
            "reason": reason,
            "message": f"https://report:{KEY.decode()}@report.example.com/ {reason}",
            "lastTimestamp": f"2026-11-22T10:{minute:02}:00Z",
        }
    )


def doctor(scene: Scene, *args: str, **more: str) -> tuple[Done, dict[str, list[tuple[str, str]]]]:
    admin = ("--kubeconfig", str(scene.workspace.directory.parent / "admin"))
    done = pipehook("doctor", "-o", "json", *HOOK, *admin, *args, environment=scene.environment(**more))
    assert KEY.decode() not in done.out + done.err
    return done, looked(done)


def test_a_deployment_that_tells(scene: Scene) -> None:
    sha = commit()
    name = scene.push(sha)
    scene.end(name)
    scene.hint(name)
    event(scene, "CloudEventFailed", 1)
    event(scene, "CloudEventSent", 2)
    before = scene.posted(sha)

    _, found = doctor(scene)

    where = f"statuses in {scene.namespace}"
    assert found[where] == [
        ("ok", "the account may list pipelineruns"),
        ("ok", "the account may get pipelineruns"),
        ("ok", "the account may list taskruns"),
    ]
    assert found[TOKEN] == [("ok", "it may write statuses")]
    assert found["last run"] == [
        ("ok", f"what is shown of {scene.namespace}/{name} (ci/build) is what the cluster says")
    ]
    secret = "projects/acme/secrets/report"
    assert found["Tekton's sink"] == [("ok", f"events go to report.example.com, with the key of {secret}")]
    assert found[f"last event in {scene.namespace}"] == [("ok", "it was sent, at 2026-11-22T10:02:00Z")]
    assert scene.posted(sha) == before
    assert scene.hub.posted(REPOSITORY, "0" * 40, "pipehook doctor") == []


Break = Callable[[Scene], dict[str, str]]


def unreadable(scene: Scene) -> dict[str, str]:
    allow(scene, MAKES)
    return {}


def without_tasks(scene: Scene) -> dict[str, str]:
    allow(scene, MAKES, Rule(verbs=("get", "list"), groups=("tekton.dev",), resources=RUNS))
    return {}


def reading_token(scene: Scene) -> dict[str, str]:
    scene.hub.restrict(scene.hub.token, permissions={"statuses": "read"})
    return {}


def other_repository(scene: Scene) -> dict[str, str]:
    scene.hub.commits.repositories = {"acme/other"}
    return {}


def untold(scene: Scene) -> dict[str, str]:
    scene.end(scene.push(commit()))
    return {}


def no_sink(scene: Scene) -> dict[str, str]:
    sink(scene, "")
    return {}


def another_key(scene: Scene) -> dict[str, str]:
    sink(scene, "https://report.example.com/another-key")
    return {}


def in_clear(scene: Scene) -> dict[str, str]:
    sink(scene, f"http://report.example.com/{KEY.decode()}")
    return {}


def lost(scene: Scene) -> dict[str, str]:
    event(scene, "CloudEventSent", 1)
    event(scene, "CloudEventFailed", 2)
    return {}


@pytest.mark.parametrize(
    ("broken", "check", "result", "said", "remedy"),
    [
        (unreadable, "statuses in NAMESPACE", "failed", "may not list pipelineruns", "--verb=get,list"),
        (without_tasks, "statuses in NAMESPACE", "warning", "may not list taskruns", "taskruns.tekton.dev"),
        (lambda _: {"GITHUB_TOKEN_SECRET": ""}, "statuses of ", "failed", "nothing is told", "docs/status.md"),
        (reading_token, TOKEN, "failed", "needs Commit statuses: read and write", "docs/status.md"),
        (other_repository, TOKEN, "failed", "404", "docs/status.md"),
        (untold, "last run", "warning", "has ended, and that is not shown", "reconcile"),
        (no_sink, "Tekton's sink", "warning", "nowhere", "sink_command"),
        (another_key, "Tekton's sink", "failed", "none of the keys", "sink_command"),
        (in_clear, "Tekton's sink", "warning", "in clear", "https"),
        (lambda _: {"REPORT_KEY_SECRET": ""}, "Tekton's sink", "ok", "REPORT_KEY_SECRET would tell", ""),
        (lost, "last event in NAMESPACE", "failed", "reached nobody, at 2026-11-22T10:02:00Z", "report"),
        (lambda _: {}, "last event in NAMESPACE", "warning", "sent none lately", "start a run"),
    ],
)
def test_what_is_missing_is_found(scene: Scene, broken: Break, check: str, result: str, said: str, remedy: str) -> None:
    more = broken(scene)
    done, _ = doctor(scene, **more)

    found = [
        one
        for one in done.json
        if one["check"].startswith(check.replace("NAMESPACE", scene.namespace)) and one["result"] == result
    ]
    assert [one for one in found if said in one["detail"] and remedy in one["remedy"]], done.out


@pytest.mark.long
def test_without_somebodys_own_access_it_says_what_it_cannot_see(scene: Scene) -> None:
    done = pipehook("doctor", "-o", "json", *HOOK, environment=scene.environment())

    unseen = [one for one in done.json if one["check"] in ("Tekton's sink", f"last event in {scene.namespace}")]
    assert [(one["result"], "--kubeconfig" in one["remedy"]) for one in unseen] == [("warning", True)] * 2


@pytest.mark.long
def test_without_a_repository_the_token_is_not_tried(scene: Scene) -> None:
    done = pipehook("doctor", "-o", "json", environment=scene.environment())

    assert looked(done)["GitHub's token"] == [
        ("warning", "no repository is known to try the token with: no hook, and no run that was told of")
    ]


def test_an_app_is_tried_with_what_its_installation_was_given(scene: Scene) -> None:
    app = {
        "GITHUB_TOKEN_SECRET": "",
        "GITHUB_APP_ID": scene.hub.app_id,
        "GITHUB_APP_KEY_SECRET": "projects/acme/secrets/app",
        "STATUS_API": "checks",
    }
    assert doctor(scene, **app)[1][TOKEN] == [("ok", "it may write statuses")]

    scene.hub.give_app({"statuses": "write"})
    ((result, said),) = doctor(scene, **app)[1][TOKEN]
    assert (result, "422" in said or "permission" in said) == ("failed", True)


def test_manifests_that_ask_for_none_need_none(scene: Scene) -> None:
    scene.write(run())
    _, found = doctor(scene)

    assert not [name for name in found if "status" in name or "Tekton's sink" in name or "GitHub's token" in name]
