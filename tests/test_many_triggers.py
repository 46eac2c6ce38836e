"""Many triggers of one listener: what they have in common is asked once, and each ends as it would alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.adapters.logs import MAX_FILTERED
from functions.common.limits import UNLIMITED
from functions.common.ports import Deadline, Reply, Services, Work
from functions.common.shared import Shared
from functions.common.values import Event, Headers, Outcome, Refusal, Status
from functions.delivery import Delivery, canonical_headers
from functions.interceptors.base import Assurance, Call, Passed
from functions.interceptors.github import GitHubInterceptor
from functions.listening.listeners import prepare
from functions.listening.prepared import Listener
from functions.model.load import load_documents
from functions.pipeline import process
from functions.pipeline.chains import Chains
from functions.pipeline.delivered import Delivered
from tests.interceptors.running import MemoryGitHub, MemorySecrets
from tests.support.application import Application
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.sources import cel, github, inline, listener, run, template
from tests.support.workspace import Workspace
from tests.test_outgoing_interceptors import cluster_interceptor, custom

HOOK = b"hook-key"
BODY = encoded(PUSH)
BINDINGS = [{"name": "p", "value": "$(body.ref) $(extensions)"}]


class Outside:
    """Answers with an extension and counts its calls."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def post(self, url: str, *, body: bytes, headers: Headers, seconds: float, ca_pem: str = "") -> Reply:
        """Let the event through."""
        self.asked.append(json.loads(body)["context"]["trigger_id"])
        return Reply(200, {}, b'{"continue":true,"extensions":{"outside":%d}}' % len(self.asked[-1]))


class Sink:
    """Says what was rendered."""

    def accept(self, work: Sequence[Work], deadline: Deadline) -> list[Outcome]:
        """Return the params as reasons."""
        return [
            Outcome(
                one.trigger, one.trigger_namespace, Status.CREATED, json.dumps(one.resources[0]["spec"]), verified=True
            )
            for one in work
        ]


def prepared(*triggers: dict[str, Any]) -> Listener:
    """Return a listener of these triggers."""
    resources = [
        listener(*triggers),
        template("template", run("run-", p="$(tt.params.p)")),
        cluster_interceptor("outside", url="https://outside.example"),
    ]
    text = "\n---\n".join(json.dumps(resource) for resource in resources)
    registry = load_documents({"triggers.yaml": text}, namespace="team").registry
    [found] = registry.listeners.values()
    return prepare(found, registry)


def outcomes(triggers: Sequence[dict[str, Any]], outside: Outside) -> list[Outcome]:
    """Deliver a push to a listener of these triggers."""
    found = prepared(*triggers)
    sent = canonical_headers(headers("push", BODY, secret=HOOK).items())
    secrets = MemorySecrets({("team", name, "token"): (key,) for name, key in (("hook", HOOK), ("other", b"x"))})
    report = process(
        Delivery(path="/", headers=sent, body=BODY, received_at=0.0, nonce="n"),
        found,
        services=Services(secrets, outside, MemoryGitHub()),
        sink=Sink(),
        deadline=UNLIMITED.deadline,
        allow_unverified=False,
    )
    return list(report.outcomes)


UNNEEDED = cel("'y'.compareSecret('token', 'missing') || body.ref != ''", wrong="body.none")
"""Its secret cannot be compared, which is no reason for what the overlay meets."""
STEPS: tuple[dict[str, Any], ...] = (
    github(),
    github(eventTypes=["push"]),
    github(eventTypes=["pull_request"]),
    github("other"),
    github("missing"),
    cel("body.ref.startsWith('refs/')"),
    cel("body.ref == 'no'"),
    cel("body.none.at.all"),
    cel("body.ref != ''", ref="body.ref"),
    cel("extensions.ref == body.ref", twice="extensions.ref + extensions.ref"),
    cel(wrong="body.none"),
    cel("'x'.compareSecret('token', 'other')"),
    cel("'y'.compareSecret('token', 'other')"),
    cel("'y'.compareSecret('token', 'missing')"),
    UNNEEDED,
    custom("outside"),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(STEPS), min_size=1, max_size=4), min_size=2, max_size=6))
@example([[UNNEEDED], [cel(wrong="body.none")]])
def test_each_ends_as_it_would_alone(chains: list[list[dict[str, Any]]]) -> None:
    triggers = [inline(f"t{n}", *chain, bindings=BINDINGS) for n, chain in enumerate(chains)]
    together, alone = Outside(), Outside()
    expected = [outcome for trigger in triggers for outcome in outcomes([trigger], alone)]
    assert outcomes(triggers, together) == expected
    assert together.asked == alone.asked, "an interceptor outside is told which trigger asks"


def test_what_is_equal_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: Counter[object] = Counter()
    ask = GitHubInterceptor.intercept

    def counted(self: GitHubInterceptor, event: Event, call: Call) -> Passed | Refusal:
        asked[self.event_types] += 1
        return ask(self, event, call)

    monkeypatch.setattr(GitHubInterceptor, "intercept", counted)
    kinds = [["push"], ["pull_request"], ["issues"]] * 20
    chains = [(github(eventTypes=kind), cel("body.ref != ''", ref="body.ref")) for kind in kinds]
    ends = outcomes([inline(f"t{n}", *chain, bindings=BINDINGS) for n, chain in enumerate(chains)], Outside())
    assert Counter(end.status for end in ends) == {Status.CREATED: 20, Status.FILTERED: 40}
    assert asked == {("push",): 1, ("pull_request",): 1, ("issues",): 1}


def test_params_of_the_body_alone_are_made_once() -> None:
    own = [cel("body.ref != ''", **{f"own{n}": "body.ref"}) for n in range(2)]
    texts = [{"name": "p", "value": "$(body.ref)"}], BINDINGS
    triggers = [inline(f"t{n}", github(), own[n % 2], bindings=list(texts[n // 2])) for n in range(4)]
    text = "\n---\n".join(json.dumps(resource) for resource in (listener(*triggers), template()))
    registry = load_documents({"triggers.yaml": text}, namespace="team").registry
    [found] = registry.listeners.values()
    body, same, mixed, alike = [trigger.bindings for trigger in prepare(found, registry).triggers]
    assert body
    assert mixed
    assert (body is same, mixed is alike) == (True, True)
    shared = Shared()
    event = shared.know(Event({"ref": "r"}, {}, {"own": 0}, "/", "id"))
    events = [event, shared.know(replace(event, extensions={"own": 1}))]
    once, again = [body.resolve(event, {"q": "other"}, shared=shared) for event in events]
    assert once is again
    assert body.resolve(event, {"p": "its own"}, shared=shared) is not once
    assert [mixed.resolve(event, {}, shared=shared) for event in events] == [
        {"p": 'r {"own":0}'},
        {"p": 'r {"own":1}'},
    ]


@pytest.mark.parametrize("number", [MAX_FILTERED, MAX_FILTERED + 1, 1_000])
def test_the_log_sums_up_many_filtered_ones(
    number: int, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace.secret("hook", "token", HOOK)
    others = [inline(f"other-{n}", github(eventTypes=["issues"])) for n in range(number)]
    workspace.write([template(), listener(inline("mine", github()), *others)])
    application = Application(workspace.environment())
    capsys.readouterr()
    answer = application.post(BODY, headers("push", BODY, secret=HOOK))
    assert Counter(answer.statuses) == {"created": 1, "filtered": number}, "the reply names each"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = Counter(line["kind"] for line in lines)
    names = {f"{workspace.namespace}/other-{n}" for n in range(number)}
    if number == MAX_FILTERED:
        assert kinds == {"trigger": number + 1, "delivery": 1}
        return
    assert (kinds["trigger"], kinds["delivery"]) == (1, 1)
    summary, *named = [line for line in lines if line["kind"] == "triggers"]
    assert summary["message"] == f"{number} triggers filtered: {number} event type push is not allowed"
    assert (summary["severity"], summary["count"]) == ("INFO", number)
    assert {line["severity"] for line in named} == {"DEBUG"}
    found = [name for line in named for name in re.findall(r"[\w-]+/[\w-]+", line["message"])]
    assert set(found) == names
    assert len(found) == number
    assert {line["logging.googleapis.com/labels"]["outcome"] for line in [summary, *named]} == {"filtered"}


class Freed(tuple[Any, ...]):
    """A tuple that counts its ends."""

    ends: ClassVar[int] = 0

    def __del__(self) -> None:
        """Count."""
        Freed.ends += 1


def test_what_a_signature_came_to_is_never_taken_for_other_verifiers() -> None:
    """It is known by the identity of their tuple. Threads that ask a new trigger first make one each; one is kept."""
    sent = canonical_headers(headers("push", BODY, secret=HOOK).items())
    delivery = Delivery(path="/", headers=sent, body=BODY, received_at=0.0, nonce="n")
    services = Services(MemorySecrets({("team", "hook", "token"): (HOOK,)}), Outside(), MemoryGitHub())
    found = prepared(inline("t", github()))
    [trigger] = found.triggers
    chains = Chains(Delivered(delivery, found, services, UNLIMITED, allow_unverified=False))
    own = trigger.__dict__["verifiers"] = Freed(trigger.verifiers)
    assert chains.verify(trigger) is Assurance.SIGNED
    ends = Freed.ends
    del own, trigger.__dict__["verifiers"]
    assert Freed.ends == ends, "the next tuple may have its identity, and other verifiers"
