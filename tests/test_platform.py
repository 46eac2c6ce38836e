"""The function as Google Cloud serves it: the log stays whole with all that the platform sets."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import files
from typing import Any

import pytest

from tests.queue.test_dispatch import envelope
from tests.support.deliveries import PUSH, SECRET, encoded, headers
from tests.support.function import ROOT, ServedFunction
from tests.support.sources import inline, listener, template
from tests.support.workspace import Workspace

# what each way of deploying sets: Cloud Functions' API the first two, Cloud Run's and a laptop none
PLATFORMS = [{}, {"LOG_EXECUTION_ID": "true"}, {"LOG_EXECUTION_ID": "1", "PYTHONUNBUFFERED": ""}]
EXECUTION = "6bK2yiyeyBDY"


@pytest.fixture(params=PLATFORMS, ids=lambda platform: ",".join(platform) or "bare")
def platform(request: pytest.FixtureRequest) -> Mapping[str, str]:
    found: Mapping[str, str] = request.param
    return found


def labels(entry: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = entry["logging.googleapis.com/labels"]
    return found


def entries(served: ServedFunction) -> list[dict[str, Any]]:
    """Return what the function wrote, each line of which is an entry of its own."""
    return [json.loads(line) for line in served.lines]


def test_each_trigger_and_each_delivery_is_an_entry_with_its_fields(
    new_workspace: Callable[[], Workspace], platform: Mapping[str, str]
) -> None:
    workspace = new_workspace()
    workspace.secret("hook", "token", SECRET)
    absent = [{"name": "x", "value": "$(body.nothing)"}]
    triggers = [inline("built"), inline("broken", bindings=absent), inline("lost", template={"ref": "none"})]
    workspace.write([listener(*triggers), template()])
    # unbuffered as the buildpack's image has it, or buffered
    with ServedFunction(workspace.environment(**platform), threads=16, fresh=True) as served:

        def deliver(number: int) -> str:
            body = encoded(PUSH | {"after": f"{number:040x}"})
            sent = headers("push", body, guid=f"guid-{number}", Function_Execution_Id=EXECUTION)
            assert served.post(body, sent).statuses == ["created", "failed", "failed"]
            return f"guid-{number}"

        with ThreadPoolExecutor(16) as pool:
            guids = set(pool.map(deliver, range(48)))
        assert served.post(b"{}", {}).status == 401
    started, *written = [entry for entry in entries(served) if entry.get("kind") or entry["severity"] == "ERROR"]
    assert started["severity"] == "ERROR"
    assert "lost can never run" in started["message"]
    delivered = [entry for entry in written if "delivery" in labels(entry) and labels(entry)["delivery"] in guids]
    assert Counter(
        (entry["kind"], entry["severity"], labels(entry).get("trigger"), labels(entry)["outcome"])
        for entry in delivered
    ) == {
        ("trigger", "INFO", f"{workspace.namespace}/built", "created"): 48,
        ("trigger", "ERROR", f"{workspace.namespace}/broken", "failed"): 48,
        ("trigger", "ERROR", f"{workspace.namespace}/lost", "failed"): 48,
        ("delivery", "ERROR", None, "failed"): 48,
    }
    for entry in delivered:
        assert isinstance(entry["milliseconds"], float | int)
        assert "\n" not in entry["message"]
        assert labels(entry).get("execution_id") == (EXECUTION if "LOG_EXECUTION_ID" in platform else None)


def test_the_other_functions_lines_are_entries_too(platform: Mapping[str, str]) -> None:
    with ServedFunction({"DRY_RUN": "true", **platform}, target="dispatch", fresh=True) as worker:
        assert worker.post(envelope(b"{}"), {}).status == 422
    with ServedFunction({**platform}, target="redeliver", fresh=True) as sweep:
        assert sweep.request("POST").status == 500
    for served in (worker, sweep):
        written = entries(served)
        assert written
        assert all(entry["severity"] in ("INFO", "WARNING", "ERROR", "CRITICAL") for entry in written)
    assert [labels(entry)["outcome"] for entry in entries(worker) if entry.get("kind") == "dispatch"] == ["failed"]


def test_the_page_names_every_variable_and_flag_that_the_framework_honours() -> None:
    sources = [
        found.read_text()
        for found in files("functions-framework") or []
        if found.parts[0] == "functions_framework" and found.suffix == ".py" and "aio" not in found.parts
    ]
    assert sources
    told = (ROOT / "docs" / "platform.md").read_text()
    named = set()
    for text in sources:
        named |= set(re.findall(r"os\.environ(?:\.get\(|\[)\s*\"([A-Z_]+)\"", text))
        named |= set(re.findall(r"envvar=\"([A-Z_]+)\"", text))
        named |= set(re.findall(r"click\.option\(\s*\"(--[a-z-]+)\"", text))
    assert {"LOG_EXECUTION_ID", "THREADS", "--target", "--debug"} <= named
    assert {name for name in named if f"`{name}`" not in told} == set()
