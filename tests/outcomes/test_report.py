"""The reply: status, and what an unverified sender sees."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.common.values import Outcome, ResourceRef, Status
from functions.interceptors.base import VERIFIES_NOTHING
from functions.outcomes.report import Report

RUN = ResourceRef("tekton.dev/v1", "PipelineRun", "ns", "run-1")


def outcome(status: str, *, verified: bool = True, passing: bool = False, **more: Any) -> Outcome:
    reason = more.pop("reason", f"secret reason of {status}")
    return Outcome("trigger", "ns", Status(status), reason, passing=passing, verified=verified, **more)


def report(*outcomes: Outcome) -> Report:
    return Report("listener", "ns", "uid-1", "event-1", "o/r", tuple(outcomes))


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([], 202),
        ([outcome("created")], 202),
        ([outcome("duplicate"), outcome("queued"), outcome("filtered")], 202),
        ([outcome("created"), outcome("rejected", verified=False)], 202),
        ([outcome("filtered"), outcome("rejected", verified=False)], 202),
        ([outcome("rejected", verified=False)], 401),
        ([outcome("rejected", verified=False), outcome("failed", verified=False)], 401),
        ([outcome("rejected", verified=False), outcome("filtered", verified=False)], 401),
        ([outcome("rejected")], 401),
        ([outcome("rejected"), outcome("filtered", verified=False)], 401),
        ([outcome("rejected"), outcome("filtered")], 202),
        ([outcome("rejected"), outcome("failed")], 422),
        ([outcome("created"), outcome("failed")], 422),
        ([outcome("failed", verified=False)], 422),
        ([outcome("failed"), outcome("rejected", verified=False)], 422),
        ([outcome("failed"), outcome("failed", passing=True)], 503),
        ([outcome("rejected", verified=False), outcome("failed", verified=False, passing=True)], 503),
        ([outcome("created"), outcome("failed", passing=True)], 503),
    ],
)
def test_status_is_503_before_422_before_202_and_401_when_nothing_accepted(
    outcomes: list[Outcome], status: int
) -> None:
    assert report(*outcomes).status == status


def test_a_503_says_when_to_come_again() -> None:
    assert report(outcome("failed", passing=True)).retry_after == 30
    slow = [outcome("failed", passing=True, retry_after=seconds) for seconds in (0.2, 12.4)]
    assert report(*slow).retry_after == 12
    assert report(outcome("failed", retry_after=5.0)).retry_after is None


def test_a_verified_sender_reads_everything() -> None:
    body = report(outcome("created", resources=(RUN,)), outcome("rejected", verified=False)).body()
    assert body == {
        "eventListener": "listener",
        "namespace": "ns",
        "eventListenerUID": "uid-1",
        "eventID": "event-1",
        "triggers": [
            {
                "name": "trigger",
                "namespace": "ns",
                "status": "created",
                "reason": "secret reason of created",
                "resources": [
                    {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "namespace": "ns", "name": "run-1"}
                ],
            },
            {
                "name": "trigger",
                "namespace": "ns",
                "status": "rejected",
                "reason": "secret reason of rejected",
                "resources": [],
            },
        ],
    }


def test_an_unverified_sender_reads_the_refusal_alone() -> None:
    body: Any = report(
        outcome("rejected", verified=False, reason="payload signature check failed"),
        outcome("rejected", verified=False, reason="payload signature check failed"),
        outcome("failed", verified=False, reason='error getting secret: secrets "hidden" not found'),
        outcome("failed", verified=False, passing=True),
        outcome("failed", verified=False, reason=VERIFIES_NOTHING),
        outcome("filtered", verified=False),
    ).body()
    text = json.dumps(body)
    assert [row["status"] for row in body["triggers"]] == ["rejected", "failed", "failed", "failed", "filtered"]
    assert body["triggers"][0]["reason"] == "payload signature check failed"
    assert not any(word in text for word in ('listener"', "hidden", "secret reason", '"trigger"', "uid-1"))
    assert body["eventID"] == "event-1"
