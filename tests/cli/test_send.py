"""`pipehook send`, `record` and `replay`: signed as their senders sign, kept without secrets, sent again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from functions.cli.commands.record import renumbered
from functions.cli.recorded import Recorded, made_up, sample, sample_names
from functions.cli.signing import signed
from functions.interceptors.event_shapes import SHAPES
from tests.cli.support import SECRET, Running, pipehook
from tests.standins.apiserver import ApiServer
from tests.standins.secret_manager import SecretManager
from tests.support.function import ServedFunction, free_port
from tests.support.sources import inline, listener, template
from tests.support.workspace import Workspace

KEY = {"WEBHOOK_SECRET": SECRET}


def interceptor(name: str, **params: Any) -> dict[str, Any]:
    given = {"secretRef": {"secretName": "hook", "secretKey": "token"}} | params
    return {"ref": {"name": name}, "params": [{"name": key, "value": value} for key, value in given.items()]}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedFunction]:
    """A function with one trigger for each sender; it accepts whom it can verify."""
    with ApiServer(namespaces=["senders"]) as cluster:
        workspace = Workspace(tmp_path_factory.mktemp("send") / "w", cluster, namespace="senders")
        triggers = [inline(name, interceptor(name)) for name in ("github", "gitlab", "bitbucket")]
        workspace.write([listener(*triggers), template()])
        workspace.secret("hook", "token", SECRET.encode())
        with ServedFunction(workspace.environment()) as function:
            yield function


@pytest.mark.parametrize("name", sample_names())
def test_every_built_in_event_is_signed_as_its_sender_does_and_runs(served: ServedFunction, name: str) -> None:
    done = pipehook("send", served.url, "--event", name, "-o", "json", environment=KEY)
    assert done.code == 0, done.err
    assert done.json["status"] == 202
    provider = name.partition(":")[0] if ":" in name else "github"
    ends = {trigger["name"]: trigger["status"] for trigger in done.json["reply"]["triggers"]}
    assert ends == {
        other: "created" if other == provider else "rejected" for other in ("github", "gitlab", "bitbucket")
    }


SPELLINGS = [
    ("push", "X-GitHub-Event", "push"),
    ("github:pull-request", "X-GitHub-Event", "pull_request"),
    ("Workflow_Run", "X-GitHub-Event", "workflow_run"),
    ("gitlab:push", "X-Gitlab-Event", "Push Hook"),
    ("gitlab:tag-push", "X-Gitlab-Event", "Tag Push Hook"),
    ("gitlab:tag_push_hook", "X-Gitlab-Event", "Tag Push Hook"),
    ("gitlab:Merge Request Hook", "X-Gitlab-Event", "Merge Request Hook"),
    ("Push Hook", "X-Gitlab-Event", "Push Hook"),
    ("bitbucket:repo:push", "X-Event-Key", "repo:push"),
    ("bitbucket:repo-push", "X-Event-Key", "repo:push"),
    ("repo:push", "X-Event-Key", "repo:push"),
    ("bitbucket:pullrequest-created", "X-Event-Key", "pullrequest:created"),
]
BARE_PAYLOADS = [
    ("check_suite", "X-GitHub-Event", "check_suite"),
    ("gitlab:build", "X-Gitlab-Event", "Job Hook"),
    ("gitlab:wiki_page", "X-Gitlab-Event", "Wiki Page Hook"),
    ("gitlab:access_token", "X-Gitlab-Event", "Resource Access Token Hook"),
    ("bitbucket:pullrequest-comment-created", "X-Event-Key", "pullrequest:comment_created"),
    ("bitbucket:pr:reviewer:approved", "X-Event-Key", "pr:reviewer:approved"),
]


def header(recorded: Recorded, name: str) -> str:
    return dict(recorded.headers)[name]


@pytest.mark.parametrize(("spelling", "name", "value"), SPELLINGS)
def test_an_events_usual_spellings_name_the_built_in_one(spelling: str, name: str, value: str) -> None:
    assert header(sample(spelling), name) == value


@pytest.mark.parametrize(("spelling", "name", "value"), [*SPELLINGS, *BARE_PAYLOADS])
def test_a_payload_is_sent_under_its_senders_own_name_of_the_event(spelling: str, name: str, value: str) -> None:
    assert header(made_up(spelling, b"{}"), name) == value


def test_built_in_events_are_listed_as_their_senders_call_them() -> None:
    assert {"push", "gitlab:tag_push", "bitbucket:repo:push", "bitbucket:pullrequest:created"} <= set(sample_names())


@pytest.mark.parametrize("name", ["gitea:push", "nothing", "bitbucket:repo:nothing"])
def test_an_event_that_is_none_is_refused_with_those_there_are(name: str) -> None:
    done = pipehook("render", "--event", name)
    assert done.code == 2
    assert name in done.err


def test_built_in_github_events_have_the_shape_of_their_event() -> None:
    for name in sample_names():
        if ":" not in name and name in SHAPES:
            assert SHAPES[name].fits(json.loads(sample(name).body)), name


def test_a_built_in_deletion_of_a_branch_is_a_push_without_a_commit() -> None:
    deleted = sample("push_deleted")
    body = json.loads(deleted.body)
    assert header(deleted, "X-GitHub-Event") == "push"
    assert (body["deleted"], body["head_commit"], body["after"]) == (True, None, "0" * 40)
    assert SHAPES["push"].fits(body)


def test_the_reply_is_a_table_and_a_refusal_ends_with_1(served: ServedFunction) -> None:
    good = pipehook("send", served.url, "--event", "push", environment=KEY)
    assert good.out.startswith("HTTP 202 Accepted\n")
    assert "senders/github" in good.out
    assert "PipelineRun senders/run-" in good.out
    bad = pipehook("send", served.url, "--event", "push", "--unsigned")
    assert bad.code == 1
    assert "no X-Hub-Signature-256 header set" in bad.out


def test_a_payload_and_the_key_in_a_file(served: ServedFunction, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(SECRET + "\n")
    (tmp_path / "body.json").write_text('{"ref": "refs/heads/x", "after": "1", "commits": []}')
    args = ["send", served.url, "--event", "push", "--payload", str(tmp_path / "body.json")]
    assert pipehook(*args, "--secret-file", tmp_path / "key").code == 0


def test_without_a_key_or_a_url_it_says_how_to_give_them(served: ServedFunction) -> None:
    assert "WEBHOOK_SECRET" in pipehook("send", served.url, "--event", "push").err
    assert "OTHER is not set" in pipehook("send", served.url, "--event", "push", "--secret-env", "OTHER").err
    assert pipehook("send", "ftp://x", "--event", "push", "--unsigned").code == 2


def test_nobody_there_ends_with_3() -> None:
    done = pipehook("send", f"http://127.0.0.1:{free_port()}", "--event", "push", "--unsigned")
    assert done.code == 3
    assert "cannot be reached: connection refused" in done.err


def test_of_a_json_object_nothing_but_a_member_is_a_key() -> None:
    with SecretManager() as manager:
        manager.add("p", "hook", b'{"token": "hidden-value"}')
        done = pipehook(
            *("send", "http://127.0.0.1:9", "--event", "push", "--secret", "projects/p/secrets/hook"),
            environment={"SECRET_MANAGER_EMULATOR_HOST": manager.host},
        )
    assert done.code == 1
    assert "projects/p/secrets/hook holds a JSON object" in done.err
    assert "--secret-key" in done.err
    assert "hidden-value" not in done.err


def test_a_header_that_http_cannot_carry_is_said(tmp_path: Path) -> None:
    recorded = Recorded((("X-GitHub-Event", "push"), ("X-Note", "one\ntwo")), b"{}")
    (tmp_path / "push.json").write_text(recorded.text())
    done = pipehook("send", "http://127.0.0.1:9", "--request", tmp_path / "push.json", "--unsigned")
    assert done.code == 2
    assert "a header that HTTP has no way to send" in done.err
    assert "two" not in done.err


def test_slack_is_signed_with_its_time() -> None:
    from msgspec.structs import replace

    recorded = replace(sample("push"), headers=(("Content-Type", "x"),), stripped=("X-Slack-Signature",))
    names = dict(signed(recorded, b"k").headers)
    assert names["X-Slack-Signature"].startswith("v0=")
    assert names["X-Slack-Request-Timestamp"].isdecimal()


def test_deliveries_are_kept_without_secrets_and_sent_again_signed_anew(
    served: ServedFunction, workspace: Workspace, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    workspace.write(
        [listener(inline("github", interceptor("github")), inline("gitlab", interceptor("gitlab"))), template()]
    )
    workspace.secret("hook", "token", SECRET.encode())
    with Running("record", kept, "--port", "0", environment=workspace.environment()) as recording:
        url = recording.url("Serving")
        assert pipehook("send", url, "--event", "push", environment=KEY).code == 0
        assert pipehook("send", url, "--event", "gitlab:push", environment=KEY).code == 0
        recording.wait_for("Push-Hook.json")
    assert recording.code == 0
    files = sorted(kept.iterdir())
    assert [file.name.split("-", 2)[1] for file in files] == ["0001", "0002"]
    for file in files:
        assert SECRET not in file.read_text()
        assert "sha256=" not in file.read_text()
        assert file.stat().st_mode & 0o077 == 0
    assert [json.loads(file.read_text())["stripped"] for file in files] == [["X-Hub-Signature-256"], ["X-Gitlab-Token"]]
    assert len(workspace.cluster.objects("PipelineRun", workspace.namespace)) == 2

    again = pipehook("replay", served.url, kept, environment=KEY)
    assert again.code == 0, again.err
    assert again.out.count("HTTP 202") == 2
    assert "created" in again.out
    assert pipehook("replay", served.url, files[1], environment=KEY).out.count("duplicate") == 1
    for file in files:  # a signed push is known by its body
        assert pipehook("replay", served.url, file, "--new-id", environment=KEY).out.count("created") == 1
    refused = pipehook("replay", served.url, kept, "--unsigned")
    assert refused.code == 1
    assert "2 deliveries were not taken" in refused.err


@pytest.mark.parametrize(
    ("content_type", "body", "same"),
    [
        ("application/json", b'{"a": 1}', json.loads),
        ("application/x-www-form-urlencoded", b"payload=%7B%7D", lambda text: json.loads(parse_qs(text)["payload"][0])),
        ("application/x-www-form-urlencoded", b"token=t&text=deploy+it", lambda text: parse_qs(text)["text"]),
    ],
)
def test_other_bytes_say_the_same(content_type: str, body: bytes, same: Callable[[str], Any]) -> None:
    recorded = Recorded((("Content-Type", content_type), ("X-GitHub-Delivery", "1")), body)
    first, second = renumbered(recorded), renumbered(recorded)
    assert len({body, first.body, second.body}) == 3
    assert same(first.body.decode()) == same(second.body.decode()) == same(body.decode())
    assert header(first, "X-GitHub-Delivery") != header(second, "X-GitHub-Delivery")


def test_there_must_be_something_to_send_again(tmp_path: Path) -> None:
    done = pipehook("replay", "http://127.0.0.1:1", tmp_path, "--unsigned")
    assert done.code == 2
    assert "no recorded delivery" in done.err
