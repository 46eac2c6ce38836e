"""Names that derive from the delivery."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from functions.common.errors import LastingError
from functions.common.ports import Work
from functions.delivery import Delivery, canonical_headers
from functions.model.annotations import KEY_ANNOTATION
from functions.outcomes.naming import delivery_key, derived_uid, label_value, stamp

KEY = "ab" * 32
UID = derived_uid(KEY, listener="ns/l", identity="ns/t")


def delivery(event: str = "push", guid: str = "g1", body: bytes = b'{"a":1}', nonce: str = "n1") -> Delivery:
    pairs = [("X-GitHub-Event", event), ("X-GitHub-Delivery", guid)]
    headers = canonical_headers((name, value) for name, value in pairs if value)
    return Delivery(path="/", headers=headers, body=body, received_at=0, nonce=nonce)


def work(**resource: Any) -> Work:
    return Work(
        trigger="t",
        trigger_namespace="ns",
        identity="ns/t",
        listener="l",
        listener_namespace="ns",
        event_id="e1",
        key=KEY,
        uid=UID,
        service_account="",
        resources=({"apiVersion": "v1", "kind": "ConfigMap", **resource},),
        verified=True,
    )


@pytest.mark.parametrize("event", ["push", "pull_request", "issue_comment"])
def test_a_signed_body_that_identifies_itself_is_one_delivery_under_any_guid(event: str) -> None:
    first = delivery_key(delivery(event, "g1"), signed=True)
    assert first == delivery_key(delivery(event, "g2", nonce="n2"), signed=True)
    assert first != delivery_key(delivery(event, "g1", b'{"a":2}'), signed=True)


def test_other_signed_events_are_told_apart_by_guid() -> None:
    first = delivery_key(delivery("repository_dispatch", "g1"), signed=True)
    assert first == delivery_key(delivery("repository_dispatch", "g1", nonce="n2"), signed=True)
    assert first != delivery_key(delivery("repository_dispatch", "g2"), signed=True)


def test_unsigned_deliveries_are_known_by_id_and_body_or_are_all_new() -> None:
    first = delivery_key(delivery(guid="g1"), signed=False)
    assert first == delivery_key(delivery(guid="g1", nonce="n2"), signed=False)
    assert first != delivery_key(delivery(guid="g1", body=b"{}"), signed=False)
    assert delivery_key(delivery(guid=""), signed=False) != delivery_key(delivery(guid="", nonce="n2"), signed=False)


def test_parts_never_run_together() -> None:
    keys = {
        delivery_key(delivery("ab", "c"), signed=True),
        delivery_key(delivery("a", "bc"), signed=True),
        delivery_key(delivery("abc", ""), signed=True),
    }
    assert len(keys) == 3


def test_uid_is_a_uuid_of_the_trigger_and_the_attempt() -> None:
    uids = {
        UID,
        derived_uid(KEY, listener="ns/l", identity="ns/u"),
        derived_uid(KEY, listener="ns/m", identity="ns/t"),
        derived_uid(KEY, listener="ns/l", identity="ns/t", attempt=1),
    }
    assert len(uids) == 4
    assert all(str(uuid.UUID(uid)) == uid and uuid.UUID(uid).version == 4 for uid in uids)


@given(st.text())
def test_any_text_becomes_a_legal_label_value(text: str) -> None:
    assert re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", label_value(text))


def test_a_resource_is_named_labelled_and_annotated() -> None:
    made = stamp(work(metadata={"generateName": "run-", "labels": {"a": "b", "triggers.tekton.dev/trigger": "x"}}), 0)
    metadata: Any = made["metadata"]
    assert re.fullmatch(r"run-[a-z2-7]{10}", metadata.pop("name"))
    assert metadata == {
        "generateName": "run-",
        "namespace": "ns",
        "labels": {
            "a": "b",
            "triggers.tekton.dev/eventlistener": "l",
            "triggers.tekton.dev/trigger": "t",
            "triggers.tekton.dev/triggers-eventid": "e1",
        },
        "annotations": {KEY_ANNOTATION: KEY},
    }


def test_names_differ_by_trigger_listener_position_and_attempt() -> None:
    one = work(metadata={"generateName": "r-"})
    two = replace(one, resources=one.resources * 2)
    made = [
        stamp(one, 0),
        stamp(two, 1),
        stamp(one, 0, attempt=1),
        stamp(replace(one, identity="ns/u"), 0),
        stamp(replace(one, listener="m"), 0),
        stamp(replace(one, key="cd" * 32), 0),
    ]
    names: set[Any] = {thing["metadata"]["name"] for thing in made}  # type: ignore[index,call-overload]  # made above
    assert len(names) == 6


def test_a_long_prefix_is_cut_to_63_characters() -> None:
    metadata: Any = stamp(work(metadata={"generateName": "x" * 80}), 0)["metadata"]
    assert len(metadata["name"]) == 63
    assert metadata["name"].startswith("x" * 53)


def test_a_new_attempt_has_a_new_uid_everywhere() -> None:
    made: Any = stamp(work(metadata={"name": f"n-{UID}"}, data={UID: [UID, 1]}), 0, attempt=2)
    uid = derived_uid(KEY, listener="ns/l", identity="ns/t", attempt=2)
    assert made["metadata"]["name"] == f"n-{uid}"
    assert made["data"] == {uid: [uid, 1]}


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ({"metadata": {}}, "neither metadata.name nor generateName"),
        ({"kind": "", "metadata": {"name": "x"}}, "has no kind"),
        ({"apiVersion": 1, "metadata": {"name": "x"}}, "has no apiVersion"),
        ({"metadata": []}, "metadata is not an object"),
        ({"metadata": {"name": 5}}, "metadata.name is not a string"),
        ({"metadata": {"name": "x", "labels": []}}, "metadata.labels is not an object"),
    ],
)
def test_what_can_never_be_created_is_a_lasting_error(resource: dict[str, Any], said: str) -> None:
    with pytest.raises(LastingError, match=said):
        stamp(work(**resource), 0)
