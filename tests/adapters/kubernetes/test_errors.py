"""What is shown of the API server's words: enough to mend the cause, nothing of the event."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.adapters.kubernetes.answers import Answer
from functions.adapters.kubernetes.errors import of_answer
from functions.adapters.kubernetes.words import MAX_MESSAGE

SENT: dict[str, Any] = {"apiVersion": "tekton.dev/v1", "kind": "PipelineRun", "metadata": {"name": "build-abc"}}
RUN = "PipelineRun team/build-abc"
CREATE = 'cannot create resource "pipelineruns" in API group "tekton.dev" in the namespace "team"'
ACCOUNT = 'User "system:serviceaccount:ci:pipehook"'
CAUSE = {"field": "spec.params[0].value", "reason": "FieldValueInvalid", "message": "hunter2"}


def status(message: str, **more: Any) -> bytes:
    return json.dumps({"kind": "Status", "message": message, "reason": "Invalid", **more}).encode()


OF_TEKTON = 'admission webhook "validation.webhook.pipeline.tekton.dev" denied the request: validation failed'
OF_OURS = 'PipelineRun.tekton.dev "build-abc" is invalid'
DOWN = 'Internal error occurred: failed calling webhook "webhook.pipeline.tekton.dev": failed to call webhook'
LONG = "must be no more than 63 characters"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("invalid value: Fix: rotate key hunter2, see notes: spec.description", "invalid value … spec.description"),
        (
            f'{OF_OURS}: spec.tasks[0]: Invalid value: "a:b": {LONG}',
            f"{OF_OURS}: spec.tasks[0]: Invalid value … {LONG}",
        ),
        (f'{OF_OURS}: Invalid value: "a\\"not": {LONG}', f"{OF_OURS}: Invalid value … {LONG}"),
        (f"{OF_OURS}: spec.hunter2[hunter2].image: Required value", f"{OF_OURS}: spec.…[…].image: Required value"),
        (f"pipelineruns.tekton.dev is forbidden: {ACCOUNT} {CREATE}",) * 2,
        (f'pipelineruns.tekton.dev "build-abc" is forbidden: {ACCOUNT} {CREATE}',) * 2,
        (
            f'pipelineruns.tekton.dev "rotate-key" is forbidden: {ACCOUNT} {CREATE}: RBAC: x',
            f'pipelineruns.tekton.dev "…" is forbidden: {ACCOUNT} {CREATE}: RBAC …',
        ),
        (f"{OF_TEKTON}: {ACCOUNT} {CREATE}", f'{OF_TEKTON} … cannot create resource … "team"'),
        (f"{OF_TEKTON}: expected exactly one, got both: spec.pipelineRef, spec.pipelineSpec",) * 2,
        (
            f"{OF_TEKTON}: missing field(s): spec.params[hunter2].name",
            f"{OF_TEKTON}: missing field(s): spec.params[…].name",
        ),
        (
            'pipelineruns.tekton.dev "build-abc" is forbidden: exceeded quota: runs, requested: count/x=1',
            'pipelineruns.tekton.dev "build-abc" is forbidden: exceeded quota: runs …',
        ),
        (f'{DOWN}: Post "https://10.0.0.1/": dial tcp 10.0.0.1:443: i/o timeout', f"{DOWN} … dial tcp … i/o timeout"),
        ('namespaces "team" not found',) * 2,
        ('namespaces "rotate-key" not found', "namespaces … not found"),
        ('error looking up service account team/bot: "bot" not found', "error looking up service account … not found"),
        ("the image hunter2 is not signed", "its message is not shown, since it may quote the event"),
        ("\x1b[31m not found\u202e\u0085", "… not found …"),
    ],
)
def test_of_a_message_the_words_of_kubernetes_and_tekton_are_shown_and_our_own_names(
    message: str, expected: str
) -> None:
    error = of_answer(Answer(422, "", status(message)), RUN, SENT)
    assert error.reason == f"{RUN}: the cluster answers 422 Invalid: {expected}"


def test_causes_fields_and_what_it_is_about_are_shown_once() -> None:
    causes = [CAUSE, CAUSE | {"field": "metadata.annotations[hunter2]"}, {"field": "spec"}, {"field": 1}, "hunter2", {}]
    details = {"name": "hunter2", "kind": "configmaps", "causes": causes}
    error = of_answer(Answer(422, "", status("hunter2: spec.params[0].value is bad", details=details)), RUN, SENT)
    assert error.reason.partition("Invalid: ")[2] == (
        "… spec.params[0].value …; fields: metadata.annotations[…] (Invalid value); about configmaps"
    )


def test_a_reason_that_kubernetes_does_not_have_is_not_shown() -> None:
    error = of_answer(Answer(422, "", status("", reason="RotateKeyHunter")), RUN, SENT)
    assert "Hunter" not in error.reason + error.cause


def test_a_huge_message_is_read_in_part_and_cut() -> None:
    error = of_answer(Answer(422, "", status("not found, " * 100_000)), RUN, SENT)
    assert len(error.reason) < MAX_MESSAGE + 100
    assert error.reason.endswith("…")


def test_an_error_names_object_status_reason_and_message() -> None:
    error = of_answer(Answer(422, "", status("missing field(s)")), "PipelineRun team/build-abc", SENT)
    assert error.reason == "PipelineRun team/build-abc: the cluster answers 422 Invalid: missing field(s)"
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


@pytest.mark.parametrize(("impersonated", "whose"), [(False, "kubeconfig"), (True, "trigger")])
def test_who_lacks_a_right_is_named(impersonated: bool, whose: str) -> None:
    body = status(f"pipelineruns.tekton.dev is forbidden: {ACCOUNT} {CREATE}", reason="Forbidden")
    found = of_answer(Answer(403, "", body), RUN, SENT, impersonated=impersonated)
    assert found.reason.endswith(f"; add it to the Role of the {whose}'s ServiceAccount")
