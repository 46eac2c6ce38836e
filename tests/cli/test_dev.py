"""`pipehook dev`: the function on this machine, its reload, and the inspector closed to other sites."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3
import yaml

from tests.cli.support import SECRET, Running, pipehook
from tests.support.application import Application
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.function import ROOT, free_port
from tests.support.processes import run as run_module
from tests.support.sources import github, inline, listener, run, template
from tests.support.workspace import Workspace

KEY = {"WEBHOOK_SECRET": SECRET}
ANY = ["dev", "--port", "0", "--inspector-port", "0"]


def write(directory: Path, *names: str) -> None:
    documents = [listener(*(inline(name, github()) for name in names)), template("template", run())]
    (directory / "triggers.yaml").write_text(yaml.safe_dump_all(documents))


@pytest.fixture
def triggers(tmp_path: Path) -> Path:
    directory = tmp_path / "triggers"
    directory.mkdir()
    write(directory, "one")
    return directory


@pytest.fixture
def dev(triggers: Path) -> Iterator[Running]:
    with Running("dev", "--port", "0", "--inspector-port", "0", "--triggers", triggers, environment=KEY) as running:
        running.wait_for("Ctrl-C ends both")
        yield running


def names(url: str, event: str = "push") -> list[str]:
    done = pipehook("send", url, "--event", event, "-o", "json", environment=KEY)
    return [trigger["name"] for trigger in done.json["reply"]["triggers"]]


def test_manifests_are_loaded_again_when_they_change_and_mistakes_do_not_end_it(dev: Running, triggers: Path) -> None:
    url = dev.url("Serving")
    assert names(url) == ["one"]
    write(triggers, "one", "two")
    dev.wait_for("were loaded again")
    assert names(url) == ["one", "two"]
    (triggers / "triggers.yaml").write_text("kind: [")
    dev.wait_for("what was loaded before serves on")
    assert any("triggers.yaml:1" in line for line in dev.lines)
    assert names(url) == ["one", "two"]
    before = len(dev.lines)
    write(triggers, "three")
    dev.wait_for("were loaded again", after=before)
    assert names(url) == ["three"]


def test_it_ends_quietly_on_ctrl_c(triggers: Path) -> None:
    with Running("dev", "--port", "0", "--inspector-port", "0", "--triggers", triggers) as running:
        running.wait_for("Ctrl-C ends both")
    assert running.code == 0
    assert not any("Traceback" in line for line in running.lines)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_leaves_no_key_behind_when_its_terminal_closes(
    triggers: Path, tmp_path: Path, number: signal.Signals
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with Running(*ANY, "--triggers", triggers, environment={"TMPDIR": str(temporary)}) as running:
        running.wait_for("Ctrl-C ends both")
        assert list(temporary.iterdir())
        running.send(number)
    assert running.code == 0
    assert list(temporary.iterdir()) == []


IN_ANOTHER_THREAD = """
import os, signal, threading, time
from functions.cli import serving

def end():
    time.sleep(0.2)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    os.kill(os.getpid(), signal.SIGTERM)

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
serving.progress = lambda text: threading.Thread(target=end).start()
serving.wait_for_end("")
print("ended")
"""


def test_a_signal_ends_it_whichever_thread_it_comes_to(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(IN_ANOTHER_THREAD)
    done = run_module("program", environment={"PYTHONPATH": str(ROOT)}, directory=tmp_path, seconds=60)
    assert (done.returncode, done.stdout) == (0, "ended\n")


def test_without_a_key_it_draws_one_and_says_how_to_sign(triggers: Path) -> None:
    with Running("dev", "--port", "0", "--inspector-port", "0", "--triggers", triggers) as running:
        line = running.wait_for("export WEBHOOK_SECRET=")
        key = line.partition("=")[2].strip()
        url = running.url("Serving")
        args = ["send", url, "--event", "push"]
        assert pipehook(*args, environment={"WEBHOOK_SECRET": key}).code == 0
        assert pipehook(*args, environment={"WEBHOOK_SECRET": "other"}).code == 1


def test_with_a_cluster_it_creates_and_with_logs_it_writes_json(workspace: Workspace) -> None:
    workspace.write([listener(inline("one", github())), template()])
    workspace.secret("hook", "token", SECRET.encode())
    args = ["dev", "--port", "0", "--inspector-port", "0", "--logs"]
    with Running(*args, environment=workspace.environment()) as running:
        url = running.url("Serving")
        assert pipehook("send", url, "--event", "push", environment=KEY).code == 0
        line = running.wait_for('"kind": "delivery"')
    assert json.loads(line)["severity"] == "INFO"
    assert len(workspace.cluster.objects("PipelineRun", workspace.namespace)) == 1


PLUGIN = """#!/usr/bin/env python3
import json, os
asked = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
with open(os.environ["ASKED"], "a") as file:
    file.write("once\\n")
print(json.dumps({**asked, "status": {"token": os.environ["TOKEN"]}}))
"""


def with_plugin(workspace: Workspace, command: str) -> Path:
    """Rewrite the kubeconfig as `gcloud container clusters get-credentials` does: its user is a credential plugin."""
    path = workspace.directory / "kubeconfig"
    document = yaml.safe_load(path.read_text())
    (user,) = document["users"]
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": command,
        "env": [{"name": name, "value": user["user"]["token"]} for name in ("TOKEN",)],
        "installHint": "Install it with the hint",
        "provideClusterInfo": True,
    }
    user["user"] = {"exec": plugin}
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.fixture
def own(workspace: Workspace) -> Workspace:
    workspace.write([listener(inline("one", github())), template()])
    workspace.secret("hook", "token", SECRET.encode())
    return workspace


def test_a_credential_plugin_that_kubectl_would_run_is_run_once(own: Workspace) -> None:
    program = own.directory / "plugin"
    program.write_text(PLUGIN)
    program.chmod(0o755)
    with_plugin(own, "./plugin")
    asked = own.directory / "asked"
    with Running(*ANY, environment=own.environment(ASKED=str(asked))) as running:
        url = running.url("Serving")
        for event in ("push", "pull_request"):
            assert pipehook("send", url, "--event", event, environment=KEY).code == 0
    assert len(own.cluster.objects("PipelineRun", own.namespace)) == 2
    assert asked.read_text() == "once\n"


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda own: (own.directory / "kubeconfig").unlink(), "KUBECONFIG: there is no kubeconfig"),
        (lambda own: with_plugin(own, "no-such-plugin"), "plugin no-such-plugin is not installed. Install it with"),
        (lambda own: with_plugin(own, "false"), "the credential plugin false gave no credential"),
        (lambda own: (own.directory / "kubeconfig").write_text("a: ["), "it is neither YAML nor JSON"),
    ],
    ids=["no file", "no plugin", "a plugin that fails", "no kubeconfig"],
)
def test_what_cannot_work_is_said_at_start_and_mended_without_another(
    own: Workspace, break_it: Callable[[Workspace], object], said: str
) -> None:
    kept = (own.directory / "kubeconfig").read_text()
    break_it(own)
    with Running(*ANY, environment=own.environment()) as running:
        assert said in running.wait_for("deliveries will fail until this is mended")
        url = running.url("Serving")
        assert pipehook("send", url, "--event", "push", environment=KEY).code == 1
        (own.directory / "kubeconfig").write_text(kept)
        assert pipehook("send", url, "--event", "push", environment=KEY).code == 0


def test_a_directory_of_secrets_that_is_none_is_said_at_start(own: Workspace, tmp_path: Path) -> None:
    with Running(*ANY, environment=own.environment(SECRETS_SOURCE=f"file://{tmp_path}/none")) as running:
        assert f"SECRETS_SOURCE: {tmp_path}/none is no directory; make it" in running.wait_for("until this is mended")


def test_the_function_itself_runs_no_plugin_and_says_so_at_start(
    own: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    program = own.directory / "plugin"
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o755)
    with_plugin(own, str(program))
    application = Application(own.environment())
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["severity"] == "ERROR"
    assert "the credential plugin plugin is refused: no plugin is executed here" in json.loads(line)["message"]
    body = encoded(PUSH)
    assert application.post(body, headers("push", body, secret=SECRET.encode())).status == 422
    assert not list(own.directory.rglob("ran"))


def test_a_port_that_is_taken_is_said(dev: Running, triggers: Path) -> None:
    taken = dev.url("Serving").rpartition(":")[2]
    done = pipehook("dev", "--port", taken, "--triggers", triggers)
    assert done.code == 2
    assert f"127.0.0.1:{taken} cannot be listened on" in done.err


def test_a_function_that_cannot_serve_says_so_and_recovers(tmp_path: Path) -> None:
    directory = tmp_path / "triggers"
    directory.mkdir()
    (directory / "triggers.yaml").write_text("kind: [")
    with Running("dev", "--port", "0", "--inspector-port", "0", "--triggers", directory, environment=KEY) as running:
        running.wait_for("answers 500 until that is mended")
        url = running.url("Serving")
        assert pipehook("send", url, "--event", "push", environment=KEY).code == 1
        write(directory, "one")
        running.wait_for("were loaded again")
        assert names(url) == ["one"]


@pytest.fixture
def page(dev: Running) -> str:
    names(dev.url("Serving"))
    return dev.url("Inspector")


def ask(method: str, url: str, **options: object) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(retries=False) as pool:
        return pool.request(method, url, redirect=False, **options)  # type: ignore[arg-type] # the caller's own


def token(page: str) -> str:
    text = ask("GET", f"{page}/deliveries/1").data.decode()
    return text.partition('name="token" value="')[2].partition('"')[0]


def test_names_that_others_point_at_this_machine_are_refused(page: str) -> None:
    port = page.rpartition(":")[2]
    for host in (f"evil.example:{port}", "evil.example", f"127.0.0.1:{free_port()}", "127.0.0.1"):
        answer = ask("GET", page, headers={"Host": host})
        assert answer.status == 403
        assert b"storefront" not in answer.data
    assert ask("GET", page, headers={"Host": f"localhost:{port}"}).status == 200


def test_forms_of_other_sites_are_refused(page: str) -> None:
    replay = f"{page}/deliveries/1/replay"
    right = {"token": token(page), "as": "same"}
    assert ask("POST", replay, fields={"as": "same"}).status == 403
    assert ask("POST", replay, fields={**right, "token": "guess"}).status == 403
    for origin in ("https://evil.example", "null", page.replace("http:", "https:")):
        assert ask("POST", replay, fields=right, headers={"Origin": origin}).status == 403
    assert ask("POST", replay, fields=right, headers={"Origin": page}).status == 303
    assert ask("POST", replay, fields=right).status == 303
    assert ask("DELETE", replay).status in (403, 405)


def test_every_answer_carries_a_strict_policy(page: str) -> None:
    for path in ("/", "/deliveries/1", "/static/style.css", "/nothing"):
        headers = ask("GET", page + path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
    assert b"<script" not in ask("GET", f"{page}/deliveries/1").data


def test_the_signature_is_on_no_page(page: str, dev: Running) -> None:
    text = ask("GET", f"{page}/deliveries/1").data.decode()
    assert "sha256=" not in text
    assert SECRET not in text
    assert not any("sha256=" in line for line in dev.lines)


def asking(directory: Path, *resources: dict[str, object]) -> None:
    """Write a listener that asks for statuses of its trigger's runs."""
    found = listener(inline("build", github(eventTypes=["push"]), bindings=[{"name": "kind", "value": "a"}]))
    found["metadata"]["annotations"] = {"pipehook.dev/status": "ci"}
    made = template("template", *resources)
    made["spec"]["params"] = [{"name": "kind"}]
    (directory / "triggers.yaml").write_text(yaml.safe_dump_all([found, made]))


def would_tell(triggers: Path) -> tuple[str, str]:
    """Send a push; return the line of what would be told, and the page of the delivery."""
    environment = KEY | {"GITHUB_API_URL": "http://127.0.0.1:1", "GITHUB_TOKEN_SECRET": "projects/p/secrets/token"}
    with Running(*ANY, "--triggers", triggers, environment=environment) as running:
        running.wait_for("Ctrl-C ends both")
        pipehook("send", running.url("Serving"), "--event", "push", environment=KEY)
        running.wait_for("would tell")
        (line,) = [line for line in running.lines if "would tell" in line]
        return line, urllib3.request("GET", f"{running.url('Inspector')}/deliveries/1").data.decode()


def stages(page: str) -> list[tuple[str, str]]:
    """Return verdict and stage of each step that a page shows."""
    return re.findall(r'<li class="(\w+)">\s*<span class="stage">(\w+)', page)


def test_what_would_be_told_of_a_run_is_shown_and_not_told(triggers: Path) -> None:
    asking(triggers, run() | {"spec": run()["spec"] | {"status": "PipelineRunPending"}})

    line, page = would_tell(triggers)

    assert "would tell ci/build at " in line
    assert line.endswith(": queued, Waiting for its turn")
    assert "queued, Waiting for its turn" in page
    assert stages(page)[-2:] == [("passed", "create"), ("due", "tell")]


def test_what_is_rendered_to_say_what_failed_is_no_stage(triggers: Path) -> None:
    """The second run has no commit, so the trigger fails; the context of the first is known when it is rendered."""
    first, second = run("first-"), run("second-")
    first["metadata"]["annotations"] = {"pipehook.dev/status": "ci/$(tt.params.kind)"}
    second["metadata"]["annotations"] = {"pipehook.dev/sha": "$(tt.params.kind)"}
    asking(triggers, first, second)

    line, page = would_tell(triggers)

    assert "would tell ci/a at " in line
    assert ": error, the annotation pipehook.dev/sha must be a commit's whole id" in line
    assert stages(page)[1:] == [
        ("passed", "intercept"),
        ("passed", "bind"),
        ("passed", "render"),
        ("failed", "load"),
        ("due", "tell"),
    ]
