"""README.md's order to deploy, followed literally: at its end a push through the real function makes a PipelineRun.

pipehook, openssl and the shell are real, and so are their connections; terraform, kubectl and gcloud are stood in for
by what they do to Secret Manager's and the cluster's stand-ins. What they say themselves, infra/checks asks them.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import grpc
import pytest
import yaml
from google.api_core.exceptions import NotFound
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports.grpc import (
    SecretManagerServiceGrpcTransport,
)

from tests.cli.support import clean
from tests.infra.commands import PAGES, PROGRAMS, blocks, commands
from tests.infra.hcl import INFRA, of_kind, unquoted
from tests.standins.apiserver import ApiServer
from tests.standins.github_api import GitHubApi
from tests.standins.kubernetes.access import Rule, User
from tests.standins.secret_manager import SecretManager
from tests.support.deliveries import PUSH
from tests.support.function import ROOT, ServedFunction

README = ROOT / "README.md"
LAB = "goldstine-lab"
MADE = ("github-webhook", "pipehook-kubeconfig")


class Newcomer:
    """Somebody who types the commands, with the clouds that they reach."""

    def __init__(self, place: Path, cluster: ApiServer, secrets: SecretManager, github: GitHubApi) -> None:
        self._place = place
        self._cluster = cluster
        self._secrets = SecretManagerServiceClient(
            transport=SecretManagerServiceGrpcTransport(channel=grpc.insecure_channel(secrets.host))
        )
        (place / "admin").write_text(cluster.kubeconfig(token="admin"))
        self.function = {
            "SECRETS_SOURCE": "secret-manager://my-project",
            "KUBECONFIG_SECRET": "projects/my-project/secrets/pipehook-kubeconfig",
            "SECRET_MANAGER_EMULATOR_HOST": secrets.host,
            "GITHUB_API_URL": github.url,
        }
        self._shell = clean(
            {
                "PATH": f"{place}:{os.environ['PATH']}",
                "KUBECONFIG": str(place / "admin"),
                "SECRET_MANAGER_EMULATOR_HOST": secrets.host,
                "GITHUB_API_URL": github.url,
                "GITHUB_TOKEN": github.token,
            }
        )
        self._program("pipehook", f'cd {ROOT} && exec {sys.executable} -m functions "$@"')
        self._program("gcloud", f"cat > {place}/value")

    def _program(self, name: str, line: str) -> None:
        (self._place / name).write_text(f"#!/bin/sh\n{line}\n")
        (self._place / name).chmod(0o755)

    def deployed_at(self, url: str) -> None:
        """Let terraform's outputs be those of a deployment at this URL."""
        (self._place / "settings").write_text(json.dumps({"webhook": self.function}))
        self._program("terraform", f'case "$*" in *webhook_url) printf {url} ;; *) cat {self._place}/settings ;; esac')

    def type(self, line: str) -> None:
        """Type a command, and have done what it does. Raises CalledProcessError when it fails."""
        if line.startswith(("gcloud auth", "terraform -chdir=infra init")):
            return
        if line.startswith("terraform -chdir=infra apply"):
            for name in MADE:  # fails when one exists
                self._secrets.create_secret(
                    request={
                        "parent": "projects/my-project",
                        "secret_id": name,
                        "secret": {"replication": {"automatic": {}}},
                    }
                )
        elif line.startswith("kubectl create namespace"):
            self._cluster.put_object(
                {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": line.rpartition(" ")[2]}}
            )
        elif line.startswith("kubectl apply -k"):
            for file in ("service-account.yaml", "create-runs.yaml"):
                for document in yaml.safe_load_all((INFRA / "cluster" / "base" / file).read_text()):
                    document["metadata"]["namespace"] = LAB
                    self._cluster.put_object(document)
        else:
            line = line.replace("environment.json", str(self._place / "environment.json"))
            subprocess.run(
                ["bash", "-euo", "pipefail", "-c", line], env=self._shell, cwd=ROOT, check=True, capture_output=True
            )
            stored = re.search(r"gcloud secrets versions add (\S+) --project=(\S+) --data-file=-$", line)
            if stored:
                value = (self._place / "value").read_bytes()
                self._secrets.add_secret_version(
                    request={"parent": f"projects/{stored[2]}/secrets/{stored[1]}", "payload": {"data": value}}
                )


def steps() -> list[str]:
    """Give the commands, without comments."""
    (order,) = blocks(README, PAGES["README.md"])
    return [line for line in order.splitlines() if line and not line.startswith("#")]


@pytest.fixture
def github() -> Iterator[GitHubApi]:
    with GitHubApi() as api:
        yield api


@pytest.fixture
def cluster() -> Iterator[ApiServer]:
    with ApiServer(namespaces=[], rbac=True, tokens={"admin": User(name="admin", rules=(Rule(),))}) as server:
        yield server


@pytest.fixture
def secrets() -> Iterator[SecretManager]:
    with SecretManager() as secrets:
        yield secrets


@pytest.fixture
def newcomer(tmp_path: Path, cluster: ApiServer, secrets: SecretManager, github: GitHubApi) -> Newcomer:
    return Newcomer(tmp_path, cluster, secrets, github)


def test_who_follows_it_gets_a_run_for_a_push(newcomer: Newcomer, cluster: ApiServer, github: GitHubApi) -> None:
    with ServedFunction(newcomer.function) as function:
        newcomer.deployed_at(function.url)
        for line in steps():
            newcomer.type(line)
        github.wait_idle()
        (ping,) = github.deliveries()
        assert (ping.event, ping.status_code) == ("ping", 202)
        assert cluster.objects("PipelineRun", LAB) == []

        github.deliver(ping.hook, "push", PUSH)
        github.wait_idle()

    assert [delivery.status_code for delivery in github.deliveries()] == [202, 202]
    assert len(cluster.objects("PipelineRun", LAB)) == 1


def test_a_value_before_its_secret_is_refused(newcomer: Newcomer) -> None:
    """What the order is for: gcloud does not make what Terraform would then find in its way."""
    (key,) = (line for line in steps() if line.startswith("openssl"))

    with pytest.raises(NotFound):
        newcomer.type(key)


def test_the_secrets_are_those_that_terraform_makes_by_default() -> None:
    variables = of_kind(INFRA, "variable")

    assert [unquoted(one) for one in variables["webhook_secrets"].body["default"]] == [MADE[0]]
    assert unquoted(variables["kubeconfig_secret"].body["default"]) == MADE[1]


@pytest.mark.parametrize("page", PAGES)
def test_the_shell_takes_every_block_and_variables_exist(page: str) -> None:
    known = set(of_kind(INFRA, "variable"))
    found = commands(page)

    assert {command[0] for command in found} <= set(PROGRAMS)
    for command in found:
        if command[0] == "terraform" and command[2] in ("apply", "plan", "destroy"):
            given = {after.partition("=")[0] for word, after in pairwise(command) if word == "-var"}
            assert given <= known, shlex.join(command)
        if command[0] == "kubectl" and "-k" in command:
            assert (ROOT / command[command.index("-k") + 1] / "kustomization.yaml").is_file(), shlex.join(command)
