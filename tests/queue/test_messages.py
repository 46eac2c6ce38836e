"""The queue's messages: what goes in comes out, versions meet safely, and nothing else is believed."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.common.errors import BadRequestError, LastingError, PipehookError
from functions.common.ports import Work
from functions.queue.messages import MAX_MESSAGE, SCHEMA, Message, NewerMessageError, cut, decode, encode, read_push
from tests.adapters.kubernetes.support import config_map, pipeline_run, work

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    st.lists(st.dictionaries(WORDS, JSON, max_size=3), min_size=1, max_size=3),
    WORDS,
    st.booleans(),
    st.binary(max_size=4),
)
def test_a_work_comes_out_as_it_went_in(resources: list[dict[str, Any]], word: str, verified: bool, raw: bytes) -> None:
    texts: dict[str, Any] = {name: word for name, kind in Work.__annotations__.items() if kind == "str"}
    given_work = Work(
        **{**texts, "key": raw.hex().zfill(64)},
        resources=tuple(json.loads(json.dumps(resources))),
        verified=verified,
        places=tuple(map(str, range(len(resources)))),
    )

    assert decode(encode(given_work).data) == given_work


def test_every_field_of_a_work_is_carried() -> None:
    carried = set(json.loads(encode(replace(work(clusters=("eu",)), grouped=True)).data)["work"])
    assert carried == set(Work.__struct_fields__)


@pytest.mark.parametrize("settles", [False, True])
def test_what_has_groups_is_nothing_for_a_worker_that_knows_none(*, settles: bool) -> None:
    given_work = replace(work(), grouped=True, settles=settles)
    message = encode(given_work)
    assert json.loads(message.data)["schema"] == 3
    assert message.attributes["pipehook-schema"] == "3"
    assert decode(message.data) == given_work
    broken = json.loads(message.data)
    del broken["work"]["settles"]
    with pytest.raises(LastingError, match="settles is neither"):
        decode(json.dumps(broken).encode())


def test_the_same_work_gives_the_same_bytes_whatever_the_order_of_keys() -> None:
    one = work({"kind": "K", "apiVersion": "v1"})
    assert encode(one) == encode(work({"apiVersion": "v1", "kind": "K"}))


def test_the_attributes_tell_a_person_what_it_is() -> None:
    assert encode(work()).attributes == {
        "pipehook-schema": "1",
        "pipehook-trigger": "goldstine-lab/github-trigger",
        "pipehook-listener": "goldstine-lab/listener",
        "pipehook-event-id": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    }


def test_a_work_that_is_too_large_is_refused_with_its_size() -> None:
    with pytest.raises(LastingError, match=r"too large to be queued: 30[0-9] KiB, of 300"):
        encode(work(config_map(name="c", note="x" * MAX_MESSAGE)))


def test_the_largest_message_stays_below_the_512_kb_of_event_triggered_functions() -> None:
    data = "x" * MAX_MESSAGE
    push = {"message": {"data": base64.b64encode(data.encode()).decode(), "attributes": {"a": "x" * 1024}}}
    assert len(json.dumps(push)) < 512_000


def test_a_number_that_json_has_not_is_no_message() -> None:
    with pytest.raises(LastingError, match="a number that JSON has not"):
        encode(work({**pipeline_run(), "spec": float("nan")}))


def test_an_older_worker_leaves_a_newer_message_alone() -> None:
    newer = json.dumps({"schema": SCHEMA + 1, "something": "else"}).encode()
    with pytest.raises(NewerMessageError, match=f"schema {SCHEMA + 1}, this worker reads up to {SCHEMA}") as caught:
        decode(newer)
    assert caught.value.passing


def test_a_message_of_the_first_schema_stays_readable() -> None:
    """Written down as the first version published it: messages outlive upgrades."""
    written = {
        "schema": 1,
        "work": {
            "event_id": "e",
            "identity": "ns/t",
            "key": "5f" * 32,
            "listener": "l",
            "listener_namespace": "ns",
            "resources": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}],
            "service_account": "",
            "trigger": "t",
            "trigger_namespace": "ns",
            "uid": "u",
            "verified": True,
        },
    }
    found = decode(json.dumps(written).encode())
    assert (found.trigger, found.resources[0]["kind"], found.verified) == ("t", "ConfigMap", True)


def test_fields_of_a_later_version_with_the_same_schema_are_passed_over() -> None:
    document = json.loads(encode(work()).data)
    document["work"]["colour"] = "red"
    document["more"] = 1
    assert decode(json.dumps(document).encode()) == work()


def _changed(**changes: Any) -> bytes:
    document = json.loads(encode(work()).data)
    document["work"] |= changes
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[]", "names no schema"),
        (b'{"schema":true,"work":{}}', "names no schema"),
        (b'{"schema":0,"work":{}}', "names no schema"),
        (b'{"schema":"1","work":{}}', "names no schema"),
        (b'{"schema":1}', "holds no work"),
        (_changed(trigger=None), "trigger is no string"),
        (_changed(key="ABC"), "key is no delivery key"),
        (_changed(resources={}), "resources is no list"),
        (_changed(resources=["x"]), "resources is no list"),
        (_changed(verified="yes"), "verified is neither"),
    ],
)
def test_what_no_version_has_written_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(LastingError, match=reason):
        decode(data)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_give_a_message_a_work_or_a_fault_of_the_family(raw: bytes) -> None:
    with pytest.raises(PipehookError):
        decode(raw)
    with pytest.raises(BadRequestError):
        read_push(raw)


def _push(**changes: Any) -> bytes:
    message = {
        "data": base64.b64encode(b"data").decode(),
        "attributes": {"a": "b"},
        "messageId": "7",
        "publishTime": "t",
    }
    envelope = {"message": message, "subscription": "projects/p/subscriptions/s", "deliveryAttempt": 3}
    for name, value in changes.items():
        (envelope if name in envelope else message)[name] = value
    return json.dumps(envelope).encode()


def test_a_push_is_read() -> None:
    push = read_push(_push())
    assert push.message == Message(b"data", {"a": "b"})
    assert (push.message_id, push.published, push.attempt) == ("7", "t", 3)


def test_a_push_without_data_attributes_or_attempts_is_read() -> None:
    push = read_push(b'{"message":{"messageId":"7"},"subscription":"s"}')
    assert (push.message, push.attempt) == (Message(b""), 0)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (_push(message=None), "holds no message"),
        (_push(message=[1]), "holds no message"),
        (b"[]", "holds no message"),
        (_push(data="%%%"), "data is not base64"),
        (_push(data="Zm9v\u00e9"), "data is not base64"),
        (_push(data=5), "data is no string"),
        (_push(messageId=5), "messageId is no string"),
        (_push(attributes=[1]), "attributes are no strings"),
        (_push(attributes={"a": 1}), "attributes are no strings"),
        (_push(deliveryAttempt="3"), "deliveryAttempt is no number"),
        (_push(deliveryAttempt=True), "deliveryAttempt is no number"),
    ],
)
def test_a_body_that_is_no_push_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(BadRequestError, match=reason):
        read_push(body)


def test_texts_are_cut_to_whole_characters() -> None:
    assert cut("é" * 600) == "é" * 510 + "…"
    assert cut("short") == "short"


def test_an_unnamed_trigger_is_carried_too() -> None:
    unnamed = replace(work(), trigger="")
    assert decode(encode(unnamed).data) == unnamed
