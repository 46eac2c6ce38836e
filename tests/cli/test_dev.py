"""`pipehook dev`: the function on this machine, its reload, and the inspector closed to other sites."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
import yaml

from tests.cli.support import SECRET, Running, pipehook
from tests.support.function import free_port
from tests.support.sources import github, inline, listener, run, template
from tests.support.workspace import Workspace

KEY = {"WEBHOOK_SECRET": SECRET}


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
