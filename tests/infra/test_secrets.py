"""No secret stands in infra/, none reaches the state unasked, and rights are bound as closely as they can be."""

from __future__ import annotations

import re

import pytest

from tests.infra.hcl import INFRA, blocks, directories, expressions, of_kind, unquoted

_SECRETS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    "a GitHub token": re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})"),
    "a Google API key": re.compile(r"\bAIza[0-9A-Za-z_-]{30,}"),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "a long hexadecimal number": re.compile(r"\b[0-9a-f]{32,}\b"),
    "a long base64 text": re.compile(r"[\"'=: ][A-Za-z0-9+/]{48,}={0,2}[\"'\s]"),
    "a password": re.compile(r"(?i)\b(password|passwd|client_secret|api_key)\s*[=:]\s*[\"'][^\"'$]"),
}
_FILES = sorted(
    file
    for pattern in ("**/*.tf", "**/*.hcl", "**/*.yaml", "**/*.tfvars", "**/*.md")
    for file in INFRA.glob(pattern)
    if ".terraform" not in file.parts
)


def _found(text: str) -> list[str]:
    return [what for what, pattern in _SECRETS.items() if pattern.search(text)]


def test_no_file_holds_a_secret() -> None:
    assert len(_FILES) > 40
    assert {file.relative_to(INFRA).as_posix(): found for file in _FILES if (found := _found(file.read_text()))} == {}


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE" + " KEY-----",
        "token = " + "ghp" + "_" + "a1B2" * 9,
        'secret = "' + "0a1b2c3d" * 4 + '"',
        'password = "' + 'hunter2"',
    ],
)
def test_the_scan_finds_secrets(text: str) -> None:
    assert _found(text)


def test_values_only_go_through_the_write_only_argument() -> None:
    versions = [block for block in blocks(INFRA) if block.labels[:1] == ("google_secret_manager_secret_version",)]

    assert len(versions) == 1
    assert "secret_data_wo" in versions[0].body
    assert "secret_data" not in versions[0].body


def test_variables_that_hold_secrets_are_marked() -> None:
    variables = of_kind(INFRA, "variable")

    assert variables["secret_values"].body["ephemeral"] is True
    assert variables["secret_values"].body["sensitive"] is True
    assert variables["github_webhook_secret"].body["sensitive"] is True
    assert of_kind(INFRA / "modules" / "github-webhook", "variable")["secret"].body["sensitive"] is True


def test_the_github_module_says_that_the_state_holds_the_secret() -> None:
    module = INFRA / "modules" / "github-webhook"

    assert "STATE" in of_kind(module, "variable")["secret"].body["description"]
    assert "state" in of_kind(INFRA, "variable")["github_repositories"].body["description"]


def test_only_these_roles_are_bound_to_a_project() -> None:
    """Those of other clusters' projects are named by the operator.

    Everything else is bound to a secret, a topic, a subscription, a bucket, a repository or a service.
    """
    bound = {
        f"{block.labels[1]}: {unquoted(block.body['role'])}"
        for module in directories()
        for block in blocks(module)
        if block.labels[:1] == ("google_project_iam_member",)
    }

    assert bound == {
        "build_logs: roles/logging.logWriter",
        "build_source: roles/storage.objectViewer",
        "cluster: ${each.value.role}",
        "tracer: roles/cloudtrace.agent",
    }


def test_only_the_webhook_and_report_are_public() -> None:
    """GitHub and Tekton cannot show an identity of Google's: the one signs, the other brings a key."""
    public = [
        block.name
        for module in directories()
        for block in blocks(module)
        if block.kind in ("resource", "module", "locals")
        if any("allUsers" in text for text in expressions(block.body))
    ]

    assert sorted(public) == ["module.report", "module.webhook"]
    ingress = {
        name: unquoted(module.body["ingress"])
        for name, module in of_kind(INFRA, "module").items()
        if "ingress" in module.body
    }
    assert ingress == {
        "webhook": "${var.webhook.ingress}",
        "dispatch": "ALLOW_INTERNAL_ONLY",
        "redeliver": "ALLOW_INTERNAL_ONLY",
        "report": "${var.report.ingress}",
        "reconcile": "ALLOW_INTERNAL_ONLY",
    }
