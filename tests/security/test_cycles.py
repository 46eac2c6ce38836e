"""What a delivery was made into is gone when it has been answered: nothing waits for the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from grpc import StatusCode

from tests.adapters.kubernetes.support import Clock
from tests.adapters.outbound.support import Server, answer
from tests.standins.faults import Fault
from tests.standins.pubsub import PubSub
from tests.support.application import Application
from tests.support.clocks import set_clock
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.hanging import cut_short
from tests.support.sources import cel, github, inline, listener, run, template
from tests.support.workspace import Workspace
from tests.test_outgoing_interceptors import cluster_interceptor, custom

MARK = "held-by-a-cycle"
BODY = encoded(PUSH | {MARK: [{MARK: n} for n in range(20)], "n": list(range(300))})
CHAINS: dict[str, list[dict[str, Any]]] = {
    "created": [github()],
    "a filter's error": [github(), cel("body.none.of == 'these'")],
    "an element's error": [github(), cel("body.n.all(x, x.none == 1)")],
    "a limit": [github(), cel("body.n.all(a, body.n.all(b, body.n.all(c, a + b + c >= 0)))")],
    "an overlay's error": [github(), cel(a="body.none")],
    "a missing secret": [github("missing")],
    "a secret that CEL misses": [cel("header.match('A', 'b') || header.canonical('A').compareSecret('a', 'missing')")],
    "an interceptor that says nothing sensible": [github(), custom("outside")],
    "one that is not there": [github(), custom("away")],
}
"""Chains of two triggers each, since what one meets is kept for the other."""


FAULTS = (
    Fault(method="POST", status=503, headers={"Retry-After": "600"}),
    Fault(method="POST", status=500),
    Fault(method="POST", status=429, headers={"Retry-After": "1"}),
    Fault(method="POST", action="reset"),
    Fault(method="POST", action="lose"),
    Fault(method="POST", action="half"),
    Fault(method="POST", action="hang"),
)
"""What the cluster does with every creation."""


@contextmanager
def uncollected() -> Iterator[list[object]]:
    """Fill the list with what only the collector would have found."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        found += gc.garbage
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


@pytest.mark.parametrize("case", CHAINS)
def test_nothing_holds_the_body(case: str, workspace: Workspace) -> None:
    workspace.secret("hook", "token", b"hook-key")
    with Server(answer(b"[]")) as outside:
        workspace.write(
            [
                template("template", run("run-", p="$(tt.params.p)")),
                cluster_interceptor("outside", url=outside.url()),
                cluster_interceptor("away", url="http://127.0.0.1:9/"),
                listener(*(inline(f"t{n}", *CHAINS[case], bindings=BINDINGS) for n in range(2))),
            ]
        )
        hosts = f"{outside.entry},127.0.0.1:9"
        application = Application(workspace.environment(OUTBOUND_HOSTS=hosts))
        application.post(BODY, headers("push", BODY, secret=b"hook-key"))
        with uncollected() as found:
            statuses = application.post(BODY, headers("push", BODY, secret=b"hook-key")).statuses
    assert len(set(statuses)) == 1
    held = [type(item) for item in found if any(map(of_the_event, [item, *gc.get_referents(item)]))]
    assert not held


@pytest.mark.parametrize("queue", ["none", "there", "away"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.action}-{fault.status}")
def test_nothing_holds_the_body_when_the_cluster_fails(
    fault: Fault, queue: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage keeps no delivery in memory: neither those that are tried again, nor those that are given up."""
    clock, topic = Clock(), "projects/p/topics/queue"
    set_clock(monkeypatch, clock)
    workspace.secret("hook", "token", b"hook-key")
    workspace.write([template("template", run("run-", p="$(tt.params.p)")), listener(inline("t", bindings=BINDINGS))])
    with PubSub() as pubsub:
        pubsub.create_topic(topic)
        if queue == "away":
            pubsub.fail("Publish", StatusCode.UNAVAILABLE)
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.host)
        given = {} if queue == "none" else {"QUEUE_TOPIC": topic, "PUBSUB_EMULATOR_HOST": pubsub.host}
        application = Application(workspace.environment(**given))
        workspace.cluster.faults.add(fault)
        with cut_short(clock, method="POST"):
            application.post(BODY, headers("push", BODY, secret=b"hook-key"))
            with uncollected() as found:
                (status,) = application.post(BODY, headers("push", BODY, secret=b"hook-key")).statuses
    assert status == ("queued" if queue == "there" else "failed")
    held = [type(item) for item in found if any(map(of_the_event, [item, *gc.get_referents(item)]))]
    assert not held


def of_the_event(value: object) -> bool:
    if isinstance(value, bytes):
        return MARK.encode() in value
    return isinstance(value, str | dict) and MARK in value


BINDINGS = [{"name": "p", "value": "$(body.ref)"}]
