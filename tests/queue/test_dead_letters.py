"""Dead letters: listed with who, what, why and how often, put back once the cause is mended, and twice safely."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from grpc import StatusCode

from functions.adapters.pubsub.client import PubSubPublisher, PubSubSubscriber
from functions.adapters.pubsub.dead_letter_box import DeadLetterBox, open_dead_letters, subscription_of
from functions.common.errors import LastingError, PassingError
from functions.common.ports import Deadline
from functions.queue.dead_letters import DeadLetter, bury
from functions.queue.messages import SCHEMA, Message, Push, decode, encode
from tests.adapters.kubernetes.support import NAMESPACE, config_map, pipeline_run, work
from tests.queue.test_dispatch import envelope, worker
from tests.standins.apiserver import ApiServer
from tests.standins.kubernetes.kinds import Kind
from tests.standins.pubsub import PubSub
from tests.support.pubsub import TestedPubSub
from tests.support.workspace import Workspace

DEAD, LIST, QUEUE = "projects/p/topics/dead", "projects/p/subscriptions/dead", "projects/p/topics/queue"


def letter_of(trigger: str = "one", reason: str = "forbidden", *, attempt: int = 3) -> Message:
    message = encode(work(pipeline_run(), config_map(name="settings"), trigger=trigger))
    return bury(Push(message=message, message_id="7", published="2026-11-22T10:11:12Z", attempt=attempt), reason)


class Box:
    """The dead letters of a Pub/Sub of this test's own."""

    def __init__(self, pubsub: TestedPubSub) -> None:
        self.pubsub = pubsub
        self.topic, self.queue = pubsub.topic("dead"), pubsub.topic("queue")
        self.subscription, self.queued = pubsub.subscription(self.topic), pubsub.subscription(self.queue)
        self.box = DeadLetterBox(
            PubSubSubscriber(self.subscription, pull_seconds=pubsub.pull_seconds), PubSubPublisher(self.queue)
        )

    def put(self, *letters: Message) -> None:
        for one in letters:
            self.pubsub.publish(self.topic, one.data, one.attributes)

    def triggers(self) -> list[str]:
        """What is in the queue."""
        return sorted(decode(one.data).trigger for one in self.pubsub.take(self.queued))


@pytest.fixture
def box(pubsub: TestedPubSub) -> Box:
    return Box(pubsub)


def test_letters_are_listed_and_stay(box: Box) -> None:
    box.put(letter_of("one"), letter_of("two", "no such kind", attempt=9))

    first, again = box.box.letters(), box.box.letters()

    assert {one.trigger for one in first} == {f"{NAMESPACE}/one", f"{NAMESPACE}/two"}
    assert [one.id for one in first] == [one.id for one in again]
    (two,) = [one for one in first if one.trigger.endswith("two")]
    assert (two.reason, two.attempts, two.queued) == ("no such kind", 9, "2026-11-22T10:11:12Z")
    assert two.resources == (f"PipelineRun {NAMESPACE}/build-…", f"ConfigMap {NAMESPACE}/settings")
    assert two.event_id == "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    assert two.died


def test_one_is_put_back_and_the_others_stay(box: Box) -> None:
    box.put(letter_of("one"), letter_of("two"))
    said: list[str] = []

    done = box.box.replay(lambda letter: letter.trigger.endswith("two"), progress=said.append)

    assert (done.replayed, done.kept, done.error) == (1, 1, "")
    assert box.triggers() == ["two"]
    assert [one.trigger for one in box.box.letters()] == [f"{NAMESPACE}/one"]
    assert any("two is back in the queue" in line for line in said)


def test_what_is_put_back_is_what_was_queued_byte_for_byte(box: Box) -> None:
    queued = encode(work(pipeline_run(), config_map(name="settings"), trigger="one"))
    box.put(letter_of("one"))

    box.box.replay()

    (back,) = box.pubsub.take(box.queued)
    assert back.data == queued.data
    assert back.attributes == queued.attributes


def test_more_than_one_pull_holds_are_all_listed_and_put_back(box: Box) -> None:
    box.put(*(letter_of(f"t{number}") for number in range(120)))

    assert len(box.box.letters()) == 120
    assert len(box.box.letters(limit=7)) == 7
    assert box.box.replay().replayed == 120
    assert len(box.triggers()) == 120
    assert box.box.letters() == []


def test_a_message_of_nobodys_is_listed_with_its_reason_and_never_put_back(box: Box) -> None:
    box.put(Message(b"rubbish", {"from": "somebody"}))

    (letter,) = box.box.letters()
    done = box.box.replay()

    assert not letter.readable
    assert "none of Pipehook's" in letter.reason
    assert (done.replayed, done.unreadable) == (0, 1)
    assert len(box.box.letters()) == 1


def test_a_newer_message_is_put_back_for_a_newer_worker(box: Box) -> None:
    newer = json.dumps({"schema": SCHEMA + 1}).encode()
    box.put(Message(newer))

    (letter,) = box.box.letters()
    assert letter.readable
    assert "deploy the worker that belongs to it" in letter.reason
    assert box.box.replay().replayed == 1


def test_what_pubsub_itself_gave_up_is_told_from_what_the_worker_did(box: Box) -> None:
    message = encode(work())
    given_up = {
        "CloudPubSubDeadLetterSourceDeliveryCount": "100",
        "CloudPubSubDeadLetterSourceSubscription": "dispatch",
        "CloudPubSubDeadLetterSourceTopicPublishTime": "2026-11-22T10:11:12Z",
    }
    box.put(Message(message.data, {**message.attributes, **given_up}))

    (letter,) = box.box.letters()

    assert (letter.attempts, letter.queued) == (100, "2026-11-22T10:11:12Z")
    assert letter.reason.startswith("Pub/Sub gave up: every attempt failed for a passing reason")
    box.box.replay()
    (back,) = box.pubsub.take(box.queued)
    assert back.attributes == message.attributes


def test_from_the_worker_to_the_dead_letters_and_back_into_the_cluster_twice(box: Box, tmp_path: Path) -> None:
    """The whole way: a kind that the cluster does not know, mended, put back, and put back again."""
    with ApiServer() as cluster:
        application = worker(Workspace(tmp_path / "w", cluster, namespace=NAMESPACE), DEAD_LETTER_TOPIC=box.topic)
        gadget = {"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"generateName": "g-"}}
        body = envelope(encode(work(gadget)).data, attempt=2)
        assert application.post(body, {}).json["outcome"] == "dead-lettered"
        assert box.box.letters()[0].attempts == 2

        cluster.register(Kind(group="example.com", kind="Gadget", plural="gadgets"))
        fresh = worker(Workspace(tmp_path / "w2", cluster, namespace=NAMESPACE), DEAD_LETTER_TOPIC=box.topic)
        box.put(*[Message(one.message.data, one.message.attributes) for one in box.box.letters()])
        assert box.box.replay().replayed == 2

        outcomes = [fresh.post(envelope(one.data), {}).json["outcome"] for one in box.pubsub.take(box.queued)]

        assert sorted(outcomes) == ["created", "duplicate"]
        assert len(cluster.objects("Gadget", NAMESPACE)) == 1


@pytest.fixture
def ready(faulty: PubSub) -> DeadLetterBox:
    for topic in (DEAD, QUEUE):
        faulty.create_topic(topic)
    faulty.create_subscription(LIST, DEAD)
    client = PubSubPublisher(DEAD)
    client.publish([letter_of("one"), letter_of("two")], deadline=_soon())
    return DeadLetterBox(PubSubSubscriber(LIST, pull_seconds=60), PubSubPublisher(QUEUE))


def _soon() -> Deadline:
    return Deadline(60.0, lambda: 0.0)


def test_a_letter_that_the_queue_does_not_take_stays(faulty: PubSub, ready: DeadLetterBox) -> None:
    faulty.fail("Publish", StatusCode.PERMISSION_DENIED, resource=QUEUE)

    with pytest.raises(LastingError, match=r"pubsub\.topics\.publish"):
        ready.replay()

    faulty.mend()
    assert len(ready.letters()) == 2
    assert faulty.published(QUEUE) == []


def test_a_replay_that_ends_early_says_how_far_it_came(faulty: PubSub, ready: DeadLetterBox) -> None:
    faulty.fail("Publish", StatusCode.PERMISSION_DENIED, resource=QUEUE, skip=1)

    done = ready.replay()

    assert done.replayed == 1
    assert "pubsub.topics.publish" in done.error
    faulty.mend()
    assert ready.replay().replayed == 1


def test_an_acknowledgement_that_is_lost_leaves_the_letter_for_another_safe_replay(
    faulty: PubSub, ready: DeadLetterBox
) -> None:
    faulty.fail("Acknowledge", StatusCode.UNAVAILABLE, times=3)

    with pytest.raises(PassingError, match="UNAVAILABLE"):
        ready.replay()

    assert ready.replay().replayed == 2
    assert len(faulty.published(QUEUE)) == 3


@pytest.mark.parametrize("code", [StatusCode.PERMISSION_DENIED, StatusCode.NOT_FOUND])
def test_letters_that_may_not_be_read_are_named(faulty: PubSub, ready: DeadLetterBox, code: StatusCode) -> None:
    faulty.fail("Pull", code)
    with pytest.raises(LastingError, match=LIST):
        ready.letters()


def test_the_subscription_has_the_topics_name(faulty: PubSub, ready: DeadLetterBox) -> None:
    assert subscription_of(DEAD) == LIST
    assert isinstance(open_dead_letters(subscription_of(DEAD), QUEUE), DeadLetterBox)


def test_letters_that_cannot_be_given_back_come_back_by_themselves(faulty: PubSub, ready: DeadLetterBox) -> None:
    faulty.fail("ModifyAckDeadline", StatusCode.UNAVAILABLE, skip=1)
    said: list[str] = []

    letters: Sequence[DeadLetter] = ready.letters(progress=said.append)

    assert len(letters) == 2
    assert any("come back within 10 minutes" in line for line in said)
