"""docs/gcloud.md deploys what Terraform deploys: sizes, environment, build and rights are the same."""

from __future__ import annotations

import re

import pytest

from functions.settings import VARIABLES, read_settings, require_cluster
from tests.infra.commands import commands
from tests.infra.hcl import INFRA, of_kind, unquoted
from tests.infra.test_byte_code import build_environment
from tests.infra.test_settings import RUNTIME
from tests.support.function import ROOT

COMMANDS = commands(ROOT / "docs" / "gcloud.md")
DEPLOYMENTS = {
    " ".join(command[1:3]): dict(word.lstrip("-").partition("=")[::2] for word in command[4:])
    for command in COMMANDS
    if command[2:3] == ["deploy"]
}


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.partition("=")[::2] for pair in text.split(","))


def _default(variable: str, member: str = "") -> str:
    body = of_kind(INFRA, "variable")[variable].body
    if not member:
        return str(unquoted(body["default"]))
    (found,) = re.findall(rf'\b{member}\s*= optional\(\w+, "?([^")]+)"?\)', str(body["type"]))
    return str(found)


def test_there_are_two_ways() -> None:
    assert set(DEPLOYMENTS) == {"run deploy", "functions deploy"}


@pytest.mark.parametrize("way", DEPLOYMENTS)
def test_its_size_is_terraforms(way: str) -> None:
    flags = DEPLOYMENTS[way]

    for flag in ("cpu", "memory", "concurrency", "max_instances"):
        assert flags[flag.replace("_", "-")] == _default("webhook", flag), flag
    assert flags["timeout"].rstrip("s") == _default("webhook", "timeout_seconds")
    assert flags["region"] == _default("region")
    assert flags.get("runtime", flags.get("base-image")) == _default("runtime")
    assert flags.get("entry-point", flags.get("function")) == "webhook"
    assert flags["source"] == "."


@pytest.mark.parametrize("way", DEPLOYMENTS)
def test_its_environment_is_one_that_the_function_accepts(way: str) -> None:
    environment = _pairs(DEPLOYMENTS[way]["set-env-vars"])

    assert environment.keys() <= VARIABLES.keys() | RUNTIME
    assert environment["THREADS"] == DEPLOYMENTS[way]["concurrency"]
    assert environment["WORKERS"] == "1"
    require_cluster(read_settings({name: value for name, value in environment.items() if name not in RUNTIME}))


@pytest.mark.parametrize("way", DEPLOYMENTS)
def test_it_is_built_as_terraform_builds(way: str) -> None:
    assert _pairs(DEPLOYMENTS[way]["set-build-env-vars"]) == build_environment()


@pytest.mark.parametrize("way", DEPLOYMENTS)
def test_it_runs_as_an_account_of_its_own_that_reads_two_secrets(way: str) -> None:
    account = DEPLOYMENTS[way]["service-account"]
    granted = {
        (command[3], flags["role"])
        for command in COMMANDS
        if command[1:3] == ["secrets", "add-iam-policy-binding"]
        if (flags := dict(word.lstrip("-").partition("=")[::2] for word in command[4:]))
        if flags["member"] == f"serviceAccount:{account}"
    }
    module = of_kind(INFRA / "modules" / "function", "resource")
    roles = {
        unquoted(block.body["role"]) for name, block in module.items() if name.startswith("google_secret_manager_")
    }

    assert granted == {(secret, role) for secret in ("github-webhook", "pipehook-kubeconfig") for role in roles}


def test_it_is_open_to_github() -> None:
    assert "no-invoker-iam-check" in DEPLOYMENTS["run deploy"]
    assert "allow-unauthenticated" in DEPLOYMENTS["functions deploy"]
