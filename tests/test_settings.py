"""Settings: every variable, every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.common.errors import ConfigurationError
from functions.settings import QueueMode, Redelivery, SecretsSource, Settings, StatusApi, read_settings, require_cluster
from functions.settings.parsers import PARSERS
from functions.settings.variables import VARIABLES

MISTAKES = {
    "EVENT_LISTENER": "a/b/c",
    "NAMESPACE": "Not_A_Namespace",
    "SECRETS_SOURCE": "vault://x",
    "SECRET_ID_FORMAT": "fixed",
    "SECRET_MANAGER_EMULATOR_HOST": "http://localhost:1",
    "KUBECONFIG_SECRET": "kubeconfig",
    "DRY_RUN": "yes",
    "QUEUE_TOPIC": "topic",
    "QUEUE_MODE": "never",
    "REDELIVERY": "twice",
    "OUTBOUND_HOSTS": "https://a.example",
    "UNVERIFIED_TRIGGERS": "true",
    "GITHUB_API_URL": "ftp://api.github.com",
    "TRACING": "on",
    "DEAD_LETTER_TOPIC": "projects/p/subscriptions/s",
    "GITHUB_HOOKS": "owner/repo",
    "GITHUB_TOKEN_SECRET": "projects/p/secrets/s/versions/0",
    "GITHUB_APP_ID": "an app",
    "GITHUB_APP_KEY_SECRET": "secrets/s",
    "REDELIVER_LOOKBACK_HOURS": "73",
    "REDELIVER_LIMIT": "0",
    "REDELIVER_ATTEMPTS": "many",
}


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    assert read_settings({}) == Settings()
    assert read_settings(dict.fromkeys(VARIABLES, " ")) == Settings()


def test_a_directory_of_secrets_is_a_url() -> None:
    settings = read_settings({"SECRETS_SOURCE": (Path("/mnt") / "of ours é" / "hooks").as_uri()})
    assert settings.secrets_source == SecretsSource(kind="file", location="/mnt/of ours é/hooks")


def test_every_variable_that_is_documented_is_read_and_no_other() -> None:
    assert PARSERS.keys() == VARIABLES.keys()


def test_every_variable_is_read() -> None:
    settings = read_settings(
        {
            "TRIGGERS_SOURCE": "cluster",
            "EVENT_LISTENER": "ns/listener",
            "NAMESPACE": "ci",
            "SECRETS_SOURCE": "secret-manager://my-project",
            "SECRET_ID_FORMAT": "{namespace}-{name}",
            "SECRET_MANAGER_EMULATOR_HOST": "localhost:9000",
            "KUBECONFIG_SECRET": "projects/p/secrets/kubeconfig/versions/3",
            "KUBECONFIG": "/etc/kubeconfig",
            "DRY_RUN": "True",
            "QUEUE_TOPIC": "projects/p/topics/overflow",
            "QUEUE_MODE": "always",
            "REDELIVERY": "rerun",
            "OUTBOUND_HOSTS": "Interceptor.example:8080, 10.0.0.1,[::1]:9",
            "UNVERIFIED_TRIGGERS": "allow",
            "GITHUB_API_URL": "https://github.example/api/v3/",
            "TRACING": "true",
            "DEAD_LETTER_TOPIC": "projects/p/topics/dead",
            "GITHUB_HOOKS": "repos/o/r/hooks/1,orgs/o/hooks/2,app",
            "GITHUB_TOKEN_SECRET": "projects/p/secrets/token",
            "GITHUB_APP_ID": "123",
            "GITHUB_APP_KEY_SECRET": "projects/p/secrets/key",
            "STATUS_API": "checks",
            "STATUS_TARGET_URL": "https://tekton.example/{namespace}/{name}",
            "REPORT_KEY_SECRET": "projects/p/secrets/report",
            "RECONCILE_LOOKBACK_HOURS": "48",
            "GITLAB_API_URL": "https://gitlab.example/api/v4",
            "GITLAB_TOKEN_SECRET": "projects/p/secrets/gitlab",
            "BITBUCKET_API_URL": "https://bitbucket.example/2.0",
            "BITBUCKET_TOKEN_SECRET": "projects/p/secrets/bitbucket",
            "CLUSTERS": "east=projects/p/secrets/east",
            "REDELIVER_LOOKBACK_HOURS": "24",
            "REDELIVER_LIMIT": "7",
            "REDELIVER_ATTEMPTS": "3",
        }
    )
    assert settings == Settings(
        triggers_source="cluster",
        event_listener="ns/listener",
        namespace="ci",
        secrets_source=SecretsSource(kind="secret-manager", location="my-project"),
        secret_id_format="{namespace}-{name}",
        secret_manager_emulator_host="localhost:9000",
        kubeconfig_secret="projects/p/secrets/kubeconfig/versions/3",
        kubeconfig="/etc/kubeconfig",
        dry_run=True,
        queue_topic="projects/p/topics/overflow",
        queue_mode=QueueMode.ALWAYS,
        redelivery=Redelivery.RERUN,
        outbound_hosts=frozenset({"interceptor.example:8080", "10.0.0.1", "[::1]:9"}),
        allow_unverified=True,
        github_api_url="https://github.example/api/v3",
        tracing=True,
        dead_letter_topic="projects/p/topics/dead",
        github_hooks=("repos/o/r/hooks/1", "orgs/o/hooks/2", "app"),
        github_token_secret="projects/p/secrets/token",
        github_app_id="123",
        github_app_key_secret="projects/p/secrets/key",
        status_api=StatusApi.CHECKS,
        status_target_url="https://tekton.example/{namespace}/{name}",
        report_key_secret="projects/p/secrets/report",
        reconcile_lookback_hours=48,
        gitlab_api_url="https://gitlab.example/api/v4",
        gitlab_token_secret="projects/p/secrets/gitlab",
        bitbucket_api_url="https://bitbucket.example/2.0",
        bitbucket_token_secret="projects/p/secrets/bitbucket",
        clusters=(("east", "projects/p/secrets/east"),),
        redeliver_lookback_hours=24,
        redeliver_limit=7,
        redeliver_attempts=3,
    )


def test_all_mistakes_are_reported_at_once_by_variable() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(MISTAKES)
    named = [mistake.partition(":")[0] for mistake in caught.value.mistakes]
    assert sorted(named) == sorted(MISTAKES)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"QUEUE_MODE": "always"}, "QUEUE_MODE"),
        ({"GITHUB_APP_ID": "1"}, "GITHUB_APP_ID"),
        ({"GITHUB_APP_KEY_SECRET": "projects/p/secrets/s"}, "GITHUB_APP_KEY_SECRET"),
    ],
)
def test_variables_that_contradict_each_other_are_mistakes(environment: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(environment)
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == [named]


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, ["KUBECONFIG_SECRET"]),
        ({"DRY_RUN": "true"}, []),
        ({"KUBECONFIG": "file"}, []),
        ({"KUBECONFIG_SECRET": "projects/p/secrets/s"}, []),
        (
            {"DRY_RUN": "true", "TRIGGERS_SOURCE": "cluster", "SECRETS_SOURCE": "cluster"},
            ["TRIGGERS_SOURCE", "SECRETS_SOURCE"],
        ),
    ],
)
def test_creating_needs_a_cluster(environment: dict[str, str], named: list[str]) -> None:
    settings = read_settings(environment)
    if not named:
        require_cluster(settings)
        return
    with pytest.raises(ConfigurationError) as caught:
        require_cluster(settings)
    assert [mistake.partition(":")[0] for mistake in caught.value.mistakes] == named


@given(st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.text(max_size=60)))
def test_any_environment_is_read_or_refused_with_a_list(environment: dict[str, str]) -> None:
    try:
        read_settings(environment)
    except ConfigurationError as error:
        assert error.mistakes
        assert all(mistake.partition(":")[0] in VARIABLES for mistake in error.mistakes)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("http://api.github.com", ""),
        ("http://github.example.com/api/v3", "github.example.com:8080"),
        ("http://github.example.com:8080/api/v3", "github.example.com:80,other.example.com"),
        ("http://127.0.0.1.example.com", ""),
        ("http://localhost.example.com", ""),
        ("HTTP://10.0.0.1", ""),
        ("http://[2001:db8::1]", ""),
    ],
)
def test_a_token_is_not_sent_in_clear(url: str, hosts: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings({"GITHUB_API_URL": url, "OUTBOUND_HOSTS": hosts})
    assert ["GITHUB_API_URL: would send tokens in clear" in mistake for mistake in caught.value.mistakes] == [True]


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("http://127.0.0.1:8080", ""),
        ("http://127.8.9.1", ""),
        ("http://LOCALHOST:1/api/v3", ""),
        ("http://localhost.", ""),
        ("http://[::1]:8080", ""),
        ("http://github.example.com/api/v3", "github.example.com"),
        ("http://GitHub.example.com:8080", "github.example.com:8080"),
        ("https://10.0.0.1", ""),
    ],
)
def test_plain_http_goes_to_this_machine_and_to_hosts_that_are_listed(url: str, hosts: str) -> None:
    assert read_settings({"GITHUB_API_URL": url, "OUTBOUND_HOSTS": hosts}).github_api_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["https://:word@github.com", "https://me@github.com", "https://github.com:0", "https://g:99999"]
)
def test_a_base_url_holds_no_password_and_a_port(url: str) -> None:
    with pytest.raises(ConfigurationError):
        read_settings({"GITHUB_API_URL": url})
