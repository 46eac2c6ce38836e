"""docs/gcloud.md deploys what Terraform deploys: sizes, environment, build and rights are the same."""

from __future__ import annotations

import re

import pytest

from functions.settings import read_settings, require_cluster
from functions.settings.variables import VARIABLES
from tests.infra.commands import commands
from tests.infra.hcl import INFRA, of_kind, unquoted
from tests.infra.test_byte_code import build_environment
from tests.infra.test_settings import RUNTIME

COMMANDS = commands("docs/gcloud.md")


def _flags(command: list[str]) -> dict[str, str]:
    return dict(word.lstrip("-").partition("=")[::2] for word in command[4:])


DEPLOYED = {(command[3], " ".join(command[1:3])): _flags(command) for command in COMMANDS if command[2:3] == ["deploy"]}
DEPLOYMENTS = {way: flags for (service, way), flags in DEPLOYED.items() if service == "pipehook-webhook"}
TELLING = {
    service.removeprefix("pipehook-"): flags
    for (service, _), flags in DEPLOYED.items()
    if service != "pipehook-webhook"
}
ROLES = {
    unquoted(block.body["role"])
    for name, block in of_kind(INFRA / "modules" / "function", "resource").items()
    if name.startswith("google_secret_manager_")
}


def _granted(account: str) -> set[tuple[str, str]]:
    """Give which secrets an account may read, with the roles."""
    return {
        (command[3], flags["role"])
        for command in COMMANDS
        if command[1:3] == ["secrets", "add-iam-policy-binding"]
        if (flags := _flags(command))
        if flags["member"] == f"serviceAccount:{account}"
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
def test_it_runs_as_an_account_of_its_own_that_reads_its_secrets(way: str) -> None:
    granted = _granted(DEPLOYMENTS[way]["service-account"])

    # the third is for statuses
    secrets = ("github-webhook", "pipehook-kubeconfig", "github-token")
    assert granted == {(secret, role) for secret in secrets for role in ROLES}


def test_it_is_open_to_github() -> None:
    assert "no-invoker-iam-check" in DEPLOYMENTS["run deploy"]
    assert "allow-unauthenticated" in DEPLOYMENTS["functions deploy"]


def test_what_tells_of_runs_is_deployed_beside_it() -> None:
    assert set(TELLING) == {"report", "reconcile"}


@pytest.mark.parametrize("function", TELLING)
def test_what_tells_is_terraforms(function: str) -> None:
    flags = TELLING[function]

    module = of_kind(INFRA, "module")[function].body
    size = module["size"] if isinstance(module["size"], dict) else {}
    for flag in ("cpu", "memory"):
        assert flags[flag] == _default(function, flag), flag
    for flag in ("concurrency", "max_instances"):
        assert flags[flag.replace("_", "-")] == (str(size[flag]) if size else _default(function, flag)), flag
    assert flags["timeout"] == _default(function, "timeout_seconds")
    assert (flags["region"], flags["base-image"]) == (_default("region"), _default("runtime"))
    assert flags["function"] == unquoted(module["entry_point"])
    assert _pairs(flags["set-build-env-vars"]) == build_environment()
    assert ("no-invoker-iam-check" in flags) == (function == "report")
    assert flags.get("ingress") == (None if function == "report" else "internal")


@pytest.mark.parametrize("function", TELLING)
def test_what_tells_reads_its_secrets_and_no_other(function: str) -> None:
    environment = _pairs(TELLING[function]["set-env-vars"])
    named = {value.rpartition("/")[2] for value in environment.values() if value.startswith("projects/")}

    assert environment.keys() <= VARIABLES.keys() | RUNTIME
    require_cluster(read_settings({name: value for name, value in environment.items() if name not in RUNTIME}))
    assert named == {"pipehook-kubeconfig", "github-token"} | (
        {"pipehook-report-key"} if function == "report" else set()
    )
    assert _granted(TELLING[function]["service-account"]) == {(secret, role) for secret in named for role in ROLES}


def test_the_schedule_is_terraforms() -> None:
    (job,) = (_flags(command[1:]) for command in COMMANDS if command[1:4] == ["scheduler", "jobs", "create"])

    assert job["schedule"] == _default("reconcile", "schedule")
    assert job["attempt-deadline"] == f"{int(_default('reconcile', 'timeout_seconds')) + 30}s"
    assert job["oidc-service-account-email"] == "pipehook-scheduler@my-project.iam.gserviceaccount.com"
