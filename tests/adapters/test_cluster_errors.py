"""What is shown of the API server's words: enough to mend the cause, nothing of the event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.adapters.kubernetes_errors import MAX_MESSAGE, of_answer, shown
from functions.adapters.kubernetes_transport import Answer

SENT: dict[str, Any] = {
    "apiVersion": "tekton.dev/v1",
    "kind": "PipelineRun",
    "metadata": {
        "name": "build-abc",
        "namespace": "team",
        "labels": {"branch": "feature/secret-plan"},
        "annotations": {"note": 'say "hi"\nagain'},
    },
    "spec": {"params": [{"name": "t", "value": "canary-3f9"}, {"name": "n", "value": ["ab", "Zürich <&>"]}, 7, None]},
}


def status(message: str, **more: Any) -> bytes:
    return json.dumps({"kind": "Status", "message": message, "reason": "Invalid", **more}).encode()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            'PipelineRun.tekton.dev "build-abc" is invalid: spec.x: Invalid value: "whatever:it": must be y',
            'PipelineRun.tekton.dev "build-abc" is invalid: spec.x: Invalid value: …: must be y',
        ),
        ('a: Invalid value: "with \\" quote": no', "a: Invalid value: …: no"),
        ("a: Invalid value: 12345: must be less", "a: Invalid value: …: must be less"),
        ('a: Unsupported value: "x": supported values: "y"', 'a: Unsupported value: …: supported values: "y"'),
        ('a: Duplicate value: "cut off', "a: Duplicate value: …"),
        ("the image canary-3f9 is not signed", "the image … is not signed"),
        ("no more canary-3f9x than needed", "no more canary-3f9x than needed"),
        ("xfeature/secret-planx is odd", "x…x is odd"),
        ("branch feature/secret-plan is protected", "branch … is protected"),
        ('param "ab" is refused, absent is fine', 'param "…" is refused, absent is fine'),
        ('webhook said: "say \\"hi\\"\\nagain" is wrong', 'webhook said: "…" is wrong'),
        ("value Zürich <&> is odd", "value … is odd"),
        ("several\nlines\tand \x1b[31mcolours", "several lines and [31mcolours"),
        ("team/build-abc stays, tekton.dev/v1 too", "team/build-abc stays, tekton.dev/v1 too"),
    ],
)
def test_a_message_keeps_names_and_loses_values(message: str, expected: str) -> None:
    assert shown(message, SENT) == expected


def test_a_huge_message_is_cut() -> None:
    text = shown("word " * 10_000, None)
    assert len(text) == MAX_MESSAGE + 1
    assert text.endswith("…")
    assert shown("word " * 100_000, None) == "(a message of 500000 characters)"


def test_an_error_names_object_status_reason_and_message() -> None:
    error = of_answer(Answer(422, "", status("spec is wrong")), "PipelineRun team/build-abc", SENT)
    assert error.reason == "PipelineRun team/build-abc: the cluster answers 422 Invalid: spec is wrong"
    assert (error.status, error.cause, error.passing) == (422, "Invalid", False)


@pytest.mark.parametrize(
    ("body", "retry_after", "expected"),
    [
        (b"<html>nginx</html>", "", None),
        (b"<html>nginx</html>", "12", 12.0),
        (b"", "Wed, 21 Oct 2026 07:28:00 GMT", None),
        (status("x", details={"retryAfterSeconds": 3}), "", 3.0),
        (status("x", details={"retryAfterSeconds": "3"}), "", None),
        (b"[" * 100_000, "", None),
        (b"\xff\xfe", "", None),
        (b'{"kind": "Pod", "message": "canary"}', "", None),
    ],
)
def test_any_body_will_do_for_a_passing_fault(body: bytes, retry_after: str, expected: float | None) -> None:
    error = of_answer(Answer(503, retry_after, body), "Pod team/x", None)
    assert (error.passing, getattr(error, "retry_after", None)) == (True, expected)
    assert not [word for word in ("nginx", "canary") if word in error.reason]


def test_a_status_that_nobody_knows_has_no_phrase() -> None:
    error = of_answer(Answer(599, "", b""), "Pod team/x", None)
    assert error.passing
    assert "599" in error.reason


@pytest.mark.parametrize(
    ("code", "message", "details", "hint"),
    [
        (403, 'User "ci" cannot create resource "pods"', {}, "add it to the Role of the kubeconfig's ServiceAccount"),
        (403, 'User "ci" cannot impersonate resource', {}, "or remove serviceAccountName"),
        (403, "namespace is being terminated", {}, ""),
        (404, "namespaces not found", {"kind": "namespaces", "name": "x"}, "create the namespace"),
        (404, 'namespaces "x" not found', {}, "create the namespace"),
        (404, "could not find the requested resource", {}, "install it (its CRD)"),
        (404, 'pods "x" not found', {"kind": "pods", "name": "x"}, ""),
    ],
)
def test_a_refusal_says_what_to_do(code: int, message: str, details: dict[str, str], hint: str) -> None:
    error = of_answer(Answer(code, "", status(message, details=details)), "Pod team/x", None)
    assert not error.passing
    assert hint in error.reason
    assert bool(hint) is (";" in error.reason)
