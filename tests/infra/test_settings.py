"""What Terraform puts into the functions' environment is what Settings reads."""

from __future__ import annotations

import re

import pytest

from functions.settings import VARIABLES, Settings, read_settings, require_cluster
from tests.infra.hcl import INFRA, arguments, blocks, of_kind, unquoted

NEVER_SET = {
    "KUBECONFIG",  # a file, for local work
    "SECRET_MANAGER_EMULATOR_HOST",  # local work and tests
    # of `report`, `reconcile` and statuses, which Terraform does not deploy yet
    *("STATUS_API", "STATUS_TARGET_URL", "REPORT_KEY_SECRET", "RECONCILE_LOOKBACK_HOURS"),
    *("GITLAB_API_URL", "GITLAB_TOKEN_SECRET", "BITBUCKET_API_URL", "BITBUCKET_TOKEN_SECRET"),
}
RUNTIME = {
    "THREADS",  # functions-framework: gunicorn's threads
    "WORKERS",  # functions-framework: gunicorn's processes
    "GOOGLE_CLOUD_PROJECT",  # names a request's trace in the log
}
_NAME = re.compile(r"\b([A-Z][A-Z0-9_]+) = ")


def _local(name: str) -> set[str]:
    return {
        key
        for block in blocks(INFRA)
        if block.kind == "locals"
        for local, value in arguments(block.body).items()
        if local == name
        for key in value
    }


def _environment(function: str) -> set[str]:
    value = of_kind(INFRA, "module")[function].body["environment"]
    names = set(_NAME.findall(value)) if isinstance(value, str) else {unquoted(key) for key in value}
    shared = [name for name in ("cluster_environment", "github_environment") if f"local.{name}" in value]
    return names.union(*map(_local, shared))


def test_every_variable_is_set_and_no_other() -> None:
    known = set(VARIABLES) - NEVER_SET

    assert _environment("webhook") | _environment("dispatch") | _environment("redeliver") == known


def test_the_runtime_is_told_three_more() -> None:
    function = of_kind(INFRA / "modules" / "function", "resource")["google_cloudfunctions2_function.this"]
    (config,) = function.body["service_config"]

    assert set(_NAME.findall(config["environment_variables"])) == RUNTIME


@pytest.mark.parametrize(
    ("function", "names"),
    [
        ("webhook", {"TRIGGERS_SOURCE", "SECRETS_SOURCE", "KUBECONFIG_SECRET", "QUEUE_TOPIC", "UNVERIFIED_TRIGGERS"}),
        ("dispatch", {"KUBECONFIG_SECRET", "DEAD_LETTER_TOPIC"}),
        ("redeliver", {"GITHUB_HOOKS", "GITHUB_TOKEN_SECRET", "REDELIVER_LIMIT"}),
    ],
)
def test_each_function_is_told_what_it_needs(function: str, names: set[str]) -> None:
    assert names <= _environment(function)


def test_settings_reads_the_smallest_deployment() -> None:
    """The environment that `terraform test` expects (tests/smallest.tftest.hcl) is one that Settings accepts."""
    text = (INFRA / "tests" / "smallest.tftest.hcl").read_text()
    (expected,) = re.findall(r"tomap\(\{\n(.*?)\n\s*\}\)", text, re.DOTALL)
    environment = dict(re.findall(r'(\w+)\s*= "([^"]*)"', expected))

    settings = read_settings({name: value for name, value in environment.items() if name not in RUNTIME})

    require_cluster(settings)
    assert environment.keys() <= VARIABLES.keys() | RUNTIME
    assert settings.kubeconfig_secret == "projects/example-project/secrets/pipehook-kubeconfig"
    assert settings.allow_unverified is False


def test_the_defaults_of_both_agree() -> None:
    variables = of_kind(INFRA, "variable")
    settings = Settings()

    assert unquoted(variables["triggers_source"].body["default"]) == settings.triggers_source
    assert unquoted(variables["namespace"].body["default"]) == settings.namespace
    assert unquoted(variables["secret_id_format"].body["default"]) == settings.secret_id_format
    assert unquoted(variables["redelivery"].body["default"]) == settings.redelivery.value
    assert unquoted(variables["github_api_url"].body["default"]) == settings.github_api_url
    sweep = variables["redeliver"].body["type"]
    assert f"lookback_hours = optional(number, {settings.redeliver_lookback_hours})" in sweep
    assert f"limit = optional(number, {settings.redeliver_limit})" in sweep
    assert f"attempts = optional(number, {settings.redeliver_attempts})" in sweep
