"""The inspector's page in a real headless browser: read, followed, replayed, and closed to what strangers send."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote_plus

import pytest
import urllib3
import yaml

from functions.cli.recorded import sample
from tests.cli.browser import Browser
from tests.cli.support import SECRET, Running, pipehook
from tests.support.function import ROOT
from tests.support.sources import cel, github, inline, listener, manifest, run
from tests.support.workspace import Workspace

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


@pytest.mark.parametrize("form", [False, True], ids=["json", "form"])
def test_a_new_delivery_is_really_new(workspace: Workspace, tmp_path: Path, form: bool) -> None:
    """A signed push is known by its body: it is created again, and its params are the same."""
    bindings = [{"name": "message", "value": "$(body.head_commit.message)"}]
    resource = run(message="$(tt.params.message)")
    trigger = inline("build", github(eventTypes=["push"]), bindings=bindings)
    workspace.write([listener(trigger), manifest("TriggerTemplate", "template", {"resourcetemplates": [resource]})])
    workspace.secret("hook", "token", SECRET.encode())
    args = ["dev", "--port", "0", "--inspector-port", "0"]
    with Running(*args, environment=workspace.environment()) as dev:
        if form:
            (tmp_path / "form").write_bytes(b"payload=" + quote_plus(sample("push").body).encode())
            more: list[str | Path] = [
                "--payload",
                tmp_path / "form",
                "--header",
                "Content-Type: application/x-www-form-urlencoded",
            ]
            deliver(dev, "push", *more)
        else:
            deliver(dev)
        with Browser() as browser:
            ends = []
            for button in ("same", "new", "new"):
                browser.open(f"{dev.url('Inspector')}/deliveries/1")
                browser.click(f"button[value={button}]")
                ends.append(browser.text("section.trigger .pill"))
        assert ends == ["duplicate", "created", "created"]
    runs = workspace.cluster.objects("PipelineRun", workspace.namespace)
    assert len(runs) == 3
    assert len({json.dumps(entry["spec"]) for entry in runs}) == 1


LONG = f"{'unbroken' * 4}/{'repositoryname' * 7}"
"""As long as GitHub lets a name be, and nowhere to break it."""

SHOWN = "document.querySelectorAll('main :not(pre, thead, thead *)')"


@pytest.fixture
def long_names(tmp_path: Path) -> Path:
    body = {"ref": "refs/heads/main", "after": "1", "repository": {"full_name": LONG}, "commits": []}
    (tmp_path / "long.json").write_text(json.dumps({**body, "head_commit": {"id": "1", "message": "x" * 400}}))
    return tmp_path / "long.json"


@pytest.mark.parametrize(
    ("device", "width", "dark"), [("phone", 360, True), ("tablet", 820, False), ("laptop", 1280, False)]
)
def test_nothing_overflows_sideways(dev: Running, long_names: Path, device: str, width: int, dark: bool) -> None:
    deliver(dev)
    deliver(dev, "push", "--payload", long_names)
    with Browser(dark=dark, width=width, height=800) as browser:
        for name, path in (("list", "/?pause"), ("delivery", "/deliveries/2")):
            browser.open(dev.url("Inspector") + path)
            browser.screenshot(ARTIFACTS / f"inspector-{name}-{device}.png")
            assert browser.read("document.documentElement.scrollWidth <= innerWidth"), name
            assert browser.read(f"[...{SHOWN}].filter(e => e.getBoundingClientRect().right > innerWidth).length") == 0
            assert LONG in browser.text("main")
        background, ink = (
            browser.read(f"getComputedStyle(document.body).{name}.match(/\\d+/g).map(Number)")
            for name in ("backgroundColor", "color")
        )
        assert (sum(background) < 150, sum(ink) > 450) == (dark, dark)


FOCUSED = "document.activeElement?.id"


@pytest.mark.long
def test_the_keyboards_focus_stays_when_the_page_is_shown_anew(dev: Running) -> None:
    deliver(dev)
    with Browser() as browser:
        browser.open(dev.url("Inspector"))
        for place in ("d1", "follow", "brand"):
            browser.focus(f"#{place}")
            deliver(dev, "issues")
            for _ in range(2):
                browser.await_load()
                # given back as the page is painted, which may be a moment after it is loaded
                for _ in range(1000):
                    if browser.read(FOCUSED) == place:
                        break
                    time.sleep(0.02)
                else:
                    pytest.fail(f"the focus is not on {place}")
        assert browser.problems() == []


def test_a_page_waits_while_somebody_types_and_goes_on_afterwards(dev: Running) -> None:
    deliver(dev)
    page = dev.url("Inspector")
    with Browser() as browser, urllib3.PoolManager(retries=False) as pool:
        browser.open(page)
        browser.focus("#search")
        browser.type("pu")
        sheet = browser.read("document.querySelector('link[href^=\"/focus\"]').href")
        name = sheet.rpartition("/")[2].removesuffix(".css")
        while True:  # the server knows as soon as the style sheet's image is asked for
            try:
                pool.request("GET", f"{page}/follow?page={name}", redirect=False, timeout=1.0)
            except urllib3.exceptions.ReadTimeoutError:
                break
        pool.request("GET", f"{page}/focus/{name}/follow")
        answer = pool.request("GET", f"{page}/follow?page={name}&q=push", redirect=False, timeout=20.0)
        assert answer.headers["Location"] == f"/?was={name}&q=push"
        shown = pool.request("GET", f"{page}/?was={name}&q=push").data.decode()
        assert 'id="follow" autofocus' in shown


def test_deliveries_are_found_by_any_of_their_words(dev: Running) -> None:
    deliver(dev)
    deliver(dev, "ping")
    deliver(dev, unsigned=True)
    with Browser() as browser:
        browser.open(f"{dev.url('Inspector')}/?pause")
        assert len(browser.texts("tbody tr")) == 3
        browser.focus("input[type=search]")
        browser.type("PUSH storefront 422")
        since = len(browser.events)
        browser.press("Enter")
        browser.await_load_since(since)
        (row,) = browser.texts("tbody tr")
        assert "422" in row
        assert "1 of 3" in browser.text("form")
        browser.click("#clear")
        assert len(browser.texts("tbody tr")) == 3
        browser.open(f"{dev.url('Inspector')}/?pause&q=nothing")
        assert "None of the 3 deliveries" in browser.text()


def test_the_date_is_shown_and_machine_readable(dev: Running) -> None:
    deliver(dev)
    with Browser() as browser:
        for path in ("/?pause", "/deliveries/1"):
            browser.open(dev.url("Inspector") + path)
            stamp = datetime.fromisoformat(browser.read("document.querySelector('time').dateTime"))
            assert stamp.tzinfo is not None
            assert stamp.strftime("%d %b %Y") in browser.text("time")


def test_manifests_that_break_while_it_serves_are_shown_until_they_are_mended(dev: Running, tmp_path: Path) -> None:
    file = tmp_path / "triggers" / "triggers.yaml"
    right = file.read_text()
    deliver(dev)
    with Browser() as browser:
        browser.open(dev.url("Inspector"))
        assert "mistakes" not in browser.text()
        file.write_text("kind: [")
        while "mistakes" not in browser.text():
            browser.await_load()
        assert "triggers.yaml:1" in browser.text(".notice")
        file.write_text(right)
        while "mistakes" in browser.text():
            browser.await_load()


def test_what_is_not_there_says_so(dev: Running) -> None:
    with Browser() as browser:
        browser.open(f"{dev.url('Inspector')}/deliveries/99")
        assert "There is nothing here" in browser.text("h1")
