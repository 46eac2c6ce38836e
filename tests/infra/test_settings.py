"""What Terraform puts into the functions' environment is what Settings reads."""

from __future__ import annotations

import re
from typing import Any

import pytest

from functions.settings import Settings, read_settings, require_cluster
from functions.settings.variables import VARIABLES
from tests.infra.hcl import INFRA, arguments, blocks, of_kind, unquoted

NEVER_SET = {
    "KUBECONFIG",  # a file, for local work
    "SECRET_MANAGER_EMULATOR_HOST",  # local work and tests
}
FUNCTIONS = ("webhook", "dispatch", "redeliver", "report", "reconcile")
RUNTIME = {
    "THREADS",  # functions-framework: gunicorn's threads
    "WORKERS",  # functions-framework: gunicorn's processes
    "GOOGLE_CLOUD_PROJECT",  # names a request's trace in the log
}
_NAME = re.compile(r"\b([A-Z][A-Z0-9_]+) = ")


_LOCALS = {name: value for block in blocks(INFRA) if block.kind == "locals" for name, value in block.body.items()}


def _names(value: Any) -> set[str]:
    """Give the variables that an expression sets, by itself or by what it merges."""
    if not isinstance(value, str):
        return {unquoted(key) for key in arguments(value)}
    merged = re.findall(r"local\.(\w+_environment)\b", value)
    return set(_NAME.findall(value)).union(*(_names(_LOCALS[name]) for name in merged))


def _environment(function: str) -> set[str]:
    return _names(of_kind(INFRA, "module")[function].body["environment"])


def test_every_variable_is_set_and_no_other() -> None:
    known = set(VARIABLES) - NEVER_SET

    assert set().union(*map(_environment, FUNCTIONS)) == known


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
        ("report", {"KUBECONFIG_SECRET", "GITHUB_TOKEN_SECRET", "STATUS_API", "REPORT_KEY_SECRET"}),
        ("reconcile", {"KUBECONFIG_SECRET", "GITHUB_APP_ID", "STATUS_TARGET_URL", "RECONCILE_LOOKBACK_HOURS"}),
    ],
)
def test_each_function_is_told_what_it_needs(function: str, names: set[str]) -> None:
    assert names <= _environment(function)


def test_whoever_makes_or_reads_runs_is_told_how_they_are_shown() -> None:
    shown = _names(_LOCALS["told_environment"]) | _names(_LOCALS["github_environment"])

    assert {function for function in FUNCTIONS if shown <= _environment(function)} == set(FUNCTIONS) - {"redeliver"}
    assert {function for function in FUNCTIONS if "REPORT_KEY_SECRET" in _environment(function)} == {"report"}


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
    reconcile = variables["reconcile"].body["type"]
    assert f"lookback_hours = optional(number, {settings.reconcile_lookback_hours})" in reconcile
    statuses = variables["statuses"].body["type"]
    assert f'api = optional(string, "{settings.status_api.value}")' in statuses
    assert f'gitlab_api_url = optional(string, "{settings.gitlab_api_url}")' in statuses
    assert f'bitbucket_api_url = optional(string, "{settings.bitbucket_api_url}")' in statuses
