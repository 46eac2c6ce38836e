"""`pipehook hooks`: created with the function's own key, listed, tested, brought up to date."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.support import SECRET, pipehook
from tests.standins.github_api import GitHubApi
from tests.standins.secret_manager import SecretManager
from tests.support.function import ServedFunction
from tests.support.sources import github, inline, listener, template
from tests.support.workspace import Workspace

REPOSITORY = "acme/shop"
SCOPE = f"repos/{REPOSITORY}"


@pytest.fixture
def api() -> Iterator[GitHubApi]:
    with GitHubApi() as api:
        yield api


@pytest.fixture
def shell(api: GitHubApi, workspace: Workspace) -> dict[str, str]:
    """The environment of somebody who deploys."""
    workspace.write([listener(inline("build", github(eventTypes=["push", "release"]))), template()])
    workspace.secret("hook", "token", SECRET.encode())
    return workspace.environment(GITHUB_API_URL=api.url, GITHUB_TOKEN=api.token)


def test_a_hook_is_made_with_the_key_and_the_events_of_the_listeners(api: GitHubApi, shell: dict[str, str]) -> None:
    with ServedFunction(shell) as function:
        done = pipehook("hooks", "create", REPOSITORY, function.url, environment=shell)
        assert done.code == 0, done.err
        assert SECRET not in done.out + done.err
        api.wait_idle()
        (ping,) = api.deliveries()
        assert (ping.event, ping.status_code) == ("ping", 202)  # its signature was right
        assert (ping.hook.events, ping.hook.content_type) == (["push", "release"], "json")

        tested = pipehook("hooks", "test", REPOSITORY, "-o", "json", environment=shell)
        assert tested.code == 0, tested.err
        assert (tested.json["event"], tested.json["status_code"]) == ("ping", 202)

        again = pipehook("hooks", "create", REPOSITORY, function.url, environment=shell)
        assert again.code == 1
        assert "--update" in again.err


def test_a_hook_with_another_key_is_found_and_brought_up_to_date(api: GitHubApi, shell: dict[str, str]) -> None:
    with ServedFunction(shell) as function:
        hook = api.add_hook(SCOPE, function.url, secret="another", events=["push"])
        failed = pipehook("hooks", "test", REPOSITORY, environment=shell)
        assert failed.code == 1
        assert "the key at GitHub is another one than the function's" in failed.err
        updated = pipehook("hooks", "create", REPOSITORY, function.url, "--update", environment=shell)
        assert updated.code == 0, updated.err
        assert (hook.secret, hook.events) == (SECRET, ["push", "release"])
        assert pipehook("hooks", "test", REPOSITORY, "--id", str(hook.id), environment=shell).code == 0


def test_the_key_comes_straight_from_secret_manager(api: GitHubApi, shell: dict[str, str]) -> None:
    with SecretManager() as manager:
        manager.add("p", "key", b"old")
        manager.add("p", "key", b'{"token": "from-secret-manager"}')
        manager.add("p", "github", api.token.encode())
        environment = {**shell, "SECRET_MANAGER_EMULATOR_HOST": manager.host, "GITHUB_TOKEN": ""}
        args = ["--secret", "projects/p/secrets/key", "--secret-key", "token", "--event", "push"]
        args += ["--token-secret", "projects/p/secrets/github"]
        done = pipehook("hooks", "create", "acme", "https://127.0.0.1:1/", *args, environment=environment)
    assert done.code == 0, done.err
    listed = pipehook("hooks", "list", "acme", "-o", "json", environment=shell).json
    assert [(hook["events"], hook["signed"]) for hook in listed] == [(["push"], True)]
    assert api._hooks.of("orgs/acme")[0].secret == "from-secret-manager"


def test_hooks_are_listed_with_what_is_wrong_with_them(api: GitHubApi, shell: dict[str, str]) -> None:
    api.add_hook(SCOPE, "https://hooks.example.com/", events=["push"], form=True)
    done = pipehook("hooks", "list", REPOSITORY, environment=shell)
    assert done.code == 0
    assert "warning form" in done.out
    assert "failed no key" in done.out


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["create", "a/b/c", "https://x.example"], "neither OWNER/REPO nor ORGANIZATION"),
        (["create", REPOSITORY, "http://x.example"], "must be https"),
        (["test", REPOSITORY], "there are 0 hooks"),
    ],
)
def test_a_wrong_command_line(shell: dict[str, str], args: list[str], why: str) -> None:
    done = pipehook("hooks", *args, environment=shell)
    assert done.code == 2
    assert why in done.err


def test_a_key_that_nothing_leads_to_is_asked_for(shell: dict[str, str]) -> None:
    done = pipehook("hooks", "create", REPOSITORY, "https://x.example", environment=shell | {"SECRETS_SOURCE": ""})
    assert done.code == 2
    assert "which key? Give --secret projects/P/secrets/S" in done.err


def test_a_token_that_github_refuses(shell: dict[str, str]) -> None:
    done = pipehook("hooks", "list", REPOSITORY, environment={**shell, "GITHUB_TOKEN": "wrong"})
    assert done.code == 1
    assert "GitHub refuses the token" in done.err
    assert "GITHUB_TOKEN" in pipehook("hooks", "list", REPOSITORY, environment={**shell, "GITHUB_TOKEN": ""}).err


def test_github_that_is_away_ends_with_3(shell: dict[str, str], api: GitHubApi) -> None:
    api.refuse()
    assert pipehook("hooks", "list", REPOSITORY, environment=shell).code == 3


def test_events_that_nobody_names_are_asked_for(api: GitHubApi, workspace: Workspace) -> None:
    workspace.write([listener(inline("build", github())), template()])
    workspace.secret("hook", "token", SECRET.encode())
    environment = workspace.environment(GITHUB_API_URL=api.url, GITHUB_TOKEN=api.token)
    done = pipehook("hooks", "create", REPOSITORY, "https://x.example", environment=environment)
    assert done.code == 2
    assert "has no eventTypes" in done.err


def test_a_listener_that_is_named_is_the_one_whose_events_and_key_count(
    shell: dict[str, str], workspace: Workspace
) -> None:
    other = listener(inline("note", github("another", eventTypes=["issues"])), name="notes")
    workspace.write([listener(inline("build", github(eventTypes=["push"]))), template(), other])
    args = ["hooks", "create", "acme", "https://127.0.0.1:1/"]
    assert "name several keys" in pipehook(*args, environment=shell).err
    done = pipehook(*args, "--listener", "listener", environment=shell)
    assert done.code == 0, done.err
    assert pipehook("hooks", "list", "acme", "-o", "json", environment=shell).json[0]["events"] == ["push"]
