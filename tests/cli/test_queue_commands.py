"""`pipehook dead-letters` and `pipehook redeliver`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from functions.queue.dead_letters import bury
from functions.queue.messages import Message, Push, decode, encode
from tests.adapters.kubernetes.support import NAMESPACE, pipeline_run, work
from tests.cli.support import Done, pipehook
from tests.standins.github_api import GitHubApi
from tests.standins.pubsub import PubSub
from tests.support.deliveries import PUSH
from tests.support.function import free_port
from tests.support.pubsub import TestedPubSub


@pytest.fixture(scope="module")
def pubsub() -> Iterator[TestedPubSub]:
    with PubSub(pull_wait=0.2) as running:
        found = TestedPubSub(running.host)
        yield found
        found.close()


class Letters:
    """Dead letters of one deployment, and its queue."""

    def __init__(self, pubsub: TestedPubSub) -> None:
        self._pubsub = pubsub
        self.dead, self.queue = pubsub.topic("dead"), pubsub.topic("queue")
        self.subscription, self._queued = pubsub.subscription(self.dead), pubsub.subscription(self.queue)
        for trigger, reason in (("one", "forbidden"), ("two", "no such kind")):
            message = bury(
                Push(message=_message(trigger), message_id="7", published="2026-11-22T10:11:12Z", attempt=3), reason
            )
            pubsub.publish(self.dead, message.data, message.attributes)
        pubsub.publish(self.dead, b"\xff", {})

    def run(self, *args: str) -> Done:
        environment = {
            "PUBSUB_EMULATOR_HOST": self._pubsub.host,
            "DEAD_LETTER_TOPIC": self.dead,
            "QUEUE_TOPIC": self.queue,
        }
        return pipehook("dead-letters", *args, environment=environment)

    def queued(self) -> list[str]:
        return sorted(decode(one.data).trigger for one in self._pubsub.take(self._queued))


def _message(trigger: str) -> Message:
    return encode(work(pipeline_run(), trigger=trigger))


@pytest.fixture
def letters(pubsub: TestedPubSub) -> Letters:
    return Letters(pubsub)


def test_they_are_listed_and_stay(letters: Letters) -> None:
    listed = letters.run("list", "-o", "json")
    assert listed.code == 0, listed.err
    found = {letter["trigger"]: (letter["reason"], letter["attempts"], letter["readable"]) for letter in listed.json}
    assert found[f"{NAMESPACE}/one"] == ("forbidden", 3, True)
    assert found[f"{NAMESPACE}/two"] == ("no such kind", 3, True)
    assert found[""][2] is False
    table = letters.run("list")
    assert f"PipelineRun {NAMESPACE}/build-…" in table.out
    assert "3 dead letters" in table.err


def test_one_of_them_goes_back_by_id_or_by_trigger(letters: Letters) -> None:
    listed = letters.run("list", "-o", "json").json
    (one,) = [letter["id"] for letter in listed if letter["trigger"].endswith("/one")]
    done = letters.run("replay", one)
    assert (done.code, done.out) == (0, "1 put back, 0 cannot be read, 2 left alone\n")
    assert letters.queued() == ["one"]
    assert letters.run("replay", "--trigger", f"{NAMESPACE}/two").code == 0
    assert letters.queued() == ["two"]
    gone = letters.run("replay", one)
    assert gone.code == 1
    assert f"there is no dead letter {one}" in gone.err


def test_all_that_can_be_read_go_back_with_progress(letters: Letters) -> None:
    done = letters.run("replay", "--all")
    assert (done.code, done.out) == (1, "2 put back, 1 cannot be read, 0 left alone\n")
    assert "is back in the queue" in done.err
    assert letters.queued() == ["one", "two"]


def test_which_letters_and_where_they_are_must_be_said(letters: Letters) -> None:
    assert "which letters?" in letters.run("replay").err
    assert letters.run("replay", "1", "--all").code == 2
    nowhere = pipehook("dead-letters", "list")
    assert nowhere.code == 2
    assert "DEAD_LETTER_TOPIC" in nowhere.err


def test_the_sweep_by_hand() -> None:
    with GitHubApi() as api:
        hook = api.add_hook("repos/acme/shop", f"http://127.0.0.1:{free_port()}/", secret="k")
        api.deliver(hook, "push", PUSH, guid="72d3162e-cc78-11e3-81ab-4c9367dc0958")
        environment = {"GITHUB_API_URL": api.url, "GITHUB_TOKEN": api.token}
        args = ["redeliver", "--hook", f"repos/acme/shop/hooks/{hook.id}"]
        planned = pipehook(*args, "--dry-run", environment=environment)
        assert planned.code == 0, planned.err
        assert "would ask GitHub to send again 1" in planned.out
        assert "72d3162e-cc78-11e3-81ab-4c9367dc0958" in planned.err
        assert len(api.deliveries()) == 1
        done = pipehook(*args, "-o", "json", environment=environment)
        assert done.code == 1  # nobody listens there still
        assert (done.json["outcome"], done.json["hooks"][0]["asked"]) == ("stopped", 1)
        api.wait_idle()
        assert len(api.deliveries()) == 2
        assert pipehook(*args, environment={**environment, "GITHUB_TOKEN": "wrong"}).code == 3


def test_the_sweep_says_what_it_needs() -> None:
    done = pipehook("redeliver")
    assert done.code == 1
    assert "GITHUB_HOOKS: not set" in done.err
    assert "GITHUB_TOKEN_SECRET: not set" in done.err
