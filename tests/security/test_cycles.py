"""What a delivery was made into is gone when it has been answered: nothing waits for the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.adapters.outbound.support import Server, answer
from tests.support.application import Application
from tests.support.deliveries import PUSH, encoded, headers
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


def of_the_event(value: object) -> bool:
    if isinstance(value, bytes):
        return MARK.encode() in value
    return isinstance(value, str | dict) and MARK in value


BINDINGS = [{"name": "p", "value": "$(body.ref)"}]
