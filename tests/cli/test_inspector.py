"""The inspector's page in a real headless browser: read, followed, replayed, and closed to what strangers send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.browser import Browser
from tests.cli.support import SECRET, Running, pipehook
from tests.support.function import ROOT
from tests.support.sources import cel, github, inline, listener, manifest, run

KEY = {"WEBHOOK_SECRET": SECRET}
ARTIFACTS = ROOT / "artifacts"


def manifests(directory: Path) -> Path:
    push = github(eventTypes=["push"])
    bindings = [
        {"name": "revision", "value": "$(body.head_commit.id)"},
        {"name": "message", "value": "$(body.head_commit.message)"},
        {"name": "branch", "value": "$(extensions.branch)"},
    ]
    resource = run("storefront-", **{name: f"$(tt.params.{name})" for name in ("revision", "message", "branch")})
    triggers = [
        inline(
            "build", push, cel("body.ref.startsWith('refs/heads/')", branch="body.ref.split('/')[2]"), bindings=bindings
        ),
        inline("deploy", push, cel("body.ref == 'refs/heads/release'"), bindings=bindings),
        inline("announce", github(eventTypes=["release"]), bindings=bindings),
        inline("broken", push, bindings=[{"name": "n", "value": "$(body.pull_request.number)"}]),
    ]
    directory.mkdir()
    documents = [listener(*triggers), manifest("TriggerTemplate", "template", {"resourcetemplates": [resource]})]
    (directory / "triggers.yaml").write_text(yaml.safe_dump_all(documents))
    return directory


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Running]:
    triggers = manifests(tmp_path / "triggers")
    with Running("dev", "--port", "0", "--inspector-port", "0", "--triggers", triggers, environment=KEY) as running:
        running.wait_for("Ctrl-C ends both")
        yield running


def deliver(dev: Running, event: str = "push", *args: str | Path, unsigned: bool = False) -> None:
    """Send an event and see it arrive."""
    before = len(dev.lines)
    more = ["--unsigned"] if unsigned else []
    pipehook("send", dev.url("Serving"), "--event", event, *args, *more, environment=KEY)
    dev.wait_for(f" {event} ", after=before)


def test_deliveries_are_listed_as_they_arrive_and_each_shows_every_triggers_path(dev: Running) -> None:
    page = dev.url("Inspector")
    with Browser() as browser:
        browser.open(page)
        assert "Nothing has arrived yet" in browser.text()
        deliver(dev)
        deliver(dev, "ping")
        deliver(dev, unsigned=True)
        browser.await_load()  # by itself, without a script
        while len(browser.texts("tbody tr")) < 3:
            browser.await_load()
        newest, ping, push = browser.texts("tbody tr")
        assert "401" in newest
        assert "ping" in ping
        assert "kettle-works/storefront" in push
        assert "build would create" in push
        browser.screenshot(ARTIFACTS / "inspector-list.png")

        browser.open(f"{page}/?pause")
        browser.click("tbody tr:nth-child(3) a")
        assert browser.text("h1").split() == ["push", "422"]
        assert [text.split()[-1] for text in browser.texts("section.trigger h2")] == [
            "create",
            "filtered",
            "filtered",
            "failed",
        ]
        sections = browser.texts("section.trigger")
        assert "expression body.ref == 'refs/heads/release' did not return true" in sections[1]
        assert "event type push is not allowed" in sections[2]
        assert "pull_request is not found" in sections[3]
        assert [step.split("\n")[0] for step in browser.texts("section.trigger:nth-of-type(1) .steps li")] == [
            "verify",
            "intercept",
            "intercept",
            "bind",
            "render",
            "create",
        ]
        assert "kind: PipelineRun" in sections[0]
        assert '"branch": "main"' in sections[0]
        browser.screenshot(ARTIFACTS / "inspector.png")
        assert browser.problems() == []


def test_secrets_are_masked_and_strangers_text_stays_text(dev: Running, tmp_path: Path) -> None:
    attack = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    body = {
        "ref": "refs/heads/main",
        "after": "1",
        "head_commit": {"id": "1", "message": attack},
        "repository": {"full_name": "a/b"},
        "commits": [],
    }
    (tmp_path / "body.json").write_text(json.dumps(body))
    deliver(
        dev,
        "push",
        "--payload",
        tmp_path / "body.json",
        "--header",
        f"X-Note: {attack}",
        "--header",
        "Cookie: chocolate",
    )
    with Browser(scripts=True) as browser:
        browser.open(f"{dev.url('Inspector')}/deliveries/1")
        text = browser.text()
        assert attack in text
        assert browser.read("document.title") == "push 1 · Pipehook"
        assert browser.read("document.querySelectorAll('main img, script').length") == 0
        assert "chocolate" not in text
        assert "sha256=" not in text
        assert len(browser.texts("dd.masked")) == 2
        # and were something to slip in all the same, the policy would not let it run
        browser.read("document.body.insertAdjacentHTML('beforeend', \"<img src='data:,' onerror='document.title=1'>\")")
        browser.read("new Promise(done => setTimeout(done, 50))")
        assert browser.read("document.title") == "push 1 · Pipehook"


def test_a_delivery_is_replayed_with_a_button(dev: Running) -> None:
    deliver(dev, "ping")
    with Browser() as browser:
        browser.open(f"{dev.url('Inspector')}/deliveries/1")
        first = browser.text(".title code")
        browser.click("button[value=same]")
        assert browser.read("location.pathname") == "/deliveries/2"
        assert browser.text(".title code") == first
        browser.click("button[value=new]")
        assert browser.read("location.pathname") == "/deliveries/3"
        assert browser.text(".title code") != first
        assert browser.text("section.trigger .pill") == "filtered"


def test_it_reads_well_in_the_dark_and_on_a_small_screen(dev: Running) -> None:
    deliver(dev)
    page = f"{dev.url('Inspector')}/deliveries/1"
    with Browser(dark=True, width=420, height=800) as browser:
        browser.open(page)
        assert browser.read("document.documentElement.scrollWidth <= innerWidth")
        browser.screenshot(ARTIFACTS / "inspector-dark-small.png")
        background, ink = (
            browser.read(f"getComputedStyle(document.body).{name}.match(/\\d+/g).map(Number)")
            for name in ("backgroundColor", "color")
        )
        assert sum(background) < 150
        assert sum(ink) > 450


def test_what_is_not_there_says_so(dev: Running) -> None:
    with Browser() as browser:
        browser.open(f"{dev.url('Inspector')}/deliveries/99")
        assert "There is nothing here" in browser.text("h1")
