"""Every command that `pipehook doctor` prints as a remedy is run as it is printed, and doctor is content afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.cli import remedies
from tests.cli.support import SECRET, clean, pipehook
from tests.standins.apiserver import ApiServer
from tests.standins.github_api import GitHubApi
from tests.standins.kubernetes.access import Rule, User
from tests.standins.secret_manager import SecretManager
from tests.support.deliveries import PUSH
from tests.support.function import ROOT, free_port
from tests.support.sources import github, inline, listener, template

LAB = "lab"
ACCOUNT = "system:serviceaccount:lab:function"
MEMBER = "serviceAccount:function@acme.iam.gserviceaccount.com"
PROGRAMS = {
    "pipehook": f'#!/bin/sh\nexec {sys.executable} -m functions "$@"\n',
    # the stand-in has no OpenAPI to validate with, and no internet is needed
    "kubectl": '#!/bin/bash\nargs=("${@//https:*release.yaml/$RELEASE}")\n'
    'case "$1" in apply) args+=(--validate=false);; esac\nexec "$KUBECTL" "${args[@]}"\n',
    "gh": '#!/bin/sh\ntest "$*" = "auth token" && echo a-token\n',
    "gcloud": f'#!/bin/sh\nexec {sys.executable} {Path(__file__).with_name("gcloud.py")} "$@"\n',
    "timedatectl": '#!/bin/sh\ntest "$*" = "set-ntp true"\n',
}


@dataclass
class Desk:
    """A deployment, its cluster, and a shell whose user administers both."""

    directory: Path
    server: ApiServer
    manager: SecretManager
    environment: dict[str, str] = field(default_factory=dict)

    def doctor(self) -> list[dict[str, str]]:
        """Return the checks that are not ok."""
        done = pipehook("doctor", "-o", "json", environment=self.environment)
        return [check for check in done.json if check["result"] != "ok"]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as the administrator's shell does, and do what gcloud was told."""
        log = self.directory / "gcloud.log"
        log.write_text("")
        shell = clean(self.environment) | {
            "HOME": str(self.directory),
            "PATH": f"{self.directory / 'bin'}:{os.environ['PATH']}",
            "GCLOUD_LOG": str(log),
            "FUNCTION_ACCOUNT": MEMBER.partition(":")[2],
            "RELEASE": str(self.directory / "release.yaml"),
            "KUBECTL": KUBECTL,
        }
        # kubectl is the administrator's: it never has the function's own kubeconfig
        shell["KUBECONFIG"] = str(self.directory / ".kube" / "config")
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=ROOT,
            env=shell,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        for line in log.read_text().splitlines():
            entry = json.loads(line)
            if entry["verb"] == "add":
                self.manager.add(entry["project"], entry["secret"], entry["value"].encode())
            elif entry["verb"] == "bind":
                assert (entry["member"], entry["role"]) == (MEMBER, "roles/secretmanager.secretAccessor")
                self.manager.mend()
        return done


KUBECTL = next((str(path) for entry in os.get_exec_path() if os.access(path := Path(entry) / "kubectl", os.X_OK)), "")


@pytest.fixture
def desk() -> Iterator[Desk]:
    with (
        tempfile.TemporaryDirectory() as name,
        ApiServer(namespaces=[LAB], rbac=True, tokens={"admin": User(name="admin", rules=(Rule(),))}) as server,
        SecretManager() as manager,
    ):
        directory = Path(name)
        (directory / "bin").mkdir()
        for program, text in PROGRAMS.items():
            (directory / "bin" / program).write_text(text)
            (directory / "bin" / program).chmod(0o755)
        (directory / ".kube").mkdir()
        (directory / ".kube" / "config").write_text(server.kubeconfig(token="admin", namespace=LAB))
        (directory / "release.yaml").write_text(
            yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "tekton-pipelines"}})
        )
        server.add_token("t", User(name=ACCOUNT))
        (directory / "kubeconfig").write_text(server.kubeconfig(token="t", namespace=LAB))
        desk = Desk(directory, server, manager)
        desk.environment = {
            "TRIGGERS_SOURCE": str(directory / "triggers"),
            "KUBECONFIG": str(directory / "kubeconfig"),
            "SECRETS_SOURCE": "secret-manager://acme",
            "SECRET_MANAGER_EMULATOR_HOST": manager.host,
            "NAMESPACE": LAB,
        }
        manager.add("acme", "hook", SECRET.encode())
        write(desk)
        rights(desk, verbs=["create", "get"])
        assert desk.doctor() == []
        yield desk


def write(desk: Desk, **trigger: Any) -> None:
    (desk.directory / "triggers").mkdir(exist_ok=True)
    documents = [listener(inline("build", github(eventTypes=["push"]), **trigger)), template()]
    (desk.directory / "triggers" / "a.yaml").write_text(yaml.safe_dump_all(documents))


def put(desk: Desk, kind: str, name: str, version: str = "rbac.authorization.k8s.io/v1", **rest: Any) -> None:
    metadata = {"name": name, "namespace": LAB}
    desk.server.put_object({"apiVersion": version, "kind": kind, "metadata": metadata, **rest})


def rights(desk: Desk, *, verbs: list[str]) -> None:
    """Give the function a Role with these verbs on PipelineRuns."""
    put(desk, "Role", "pipehook", rules=[{"apiGroups": ["tekton.dev"], "resources": ["pipelineruns"], "verbs": verbs}])
    subject = {"kind": "ServiceAccount", "name": "function", "namespace": LAB}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pipehook"}
    put(desk, "RoleBinding", "pipehook", roleRef=reference, subjects=[subject])


def no_role(desk: Desk) -> None:
    assert desk.run("kubectl delete rolebinding,role pipehook -n lab").returncode == 0


def role_without_a_verb(desk: Desk) -> None:
    rights(desk, verbs=["create"])


def role_for_somebody_else(desk: Desk) -> None:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pipehook"}
    subject = {"kind": "ServiceAccount", "name": "other", "namespace": LAB}
    put(desk, "RoleBinding", "pipehook", roleRef=reference, subjects=[subject])


def nobody_to_impersonate(desk: Desk) -> None:
    write(desk, serviceAccountName="builder")


def triggers_of_the_cluster(desk: Desk) -> None:
    desk.environment["TRIGGERS_SOURCE"] = "cluster"
    for document in [listener(inline("build", github(eventTypes=["push"]))), template()]:
        desk.server.put_object({**document, "metadata": {**document["metadata"], "namespace": LAB}})


def no_key_in_kubernetes(desk: Desk) -> None:
    desk.environment["SECRETS_SOURCE"] = "cluster"


def another_key_in_kubernetes(desk: Desk) -> None:
    no_key_in_kubernetes(desk)
    put(desk, "Secret", "hook", "v1", type="Opaque", data={"other": "eA=="})


def no_secret(desk: Desk) -> None:
    desk.environment["SECRETS_SOURCE"] = "secret-manager://empty"


def empty_secret(desk: Desk) -> None:
    no_secret(desk)
    desk.manager.add("empty", "hook", b" ")


def denied_secret(desk: Desk) -> None:
    desk.manager.deny("", secret="hook")


def no_file(desk: Desk) -> None:
    desk.environment["SECRETS_SOURCE"] = f"file://{desk.directory}/a place/secrets"


def no_kubeconfig(desk: Desk) -> None:
    (desk.directory / "kubeconfig").unlink()


def refused_kubeconfig(desk: Desk) -> None:
    (desk.directory / "kubeconfig").write_text(desk.server.kubeconfig(token="gone", namespace=LAB))


def refused_kubeconfig_in_secret_manager(desk: Desk) -> None:
    refused_kubeconfig(desk)
    del desk.environment["KUBECONFIG"]
    desk.environment["KUBECONFIG_SECRET"] = "projects/acme/secrets/kubeconfig"
    desk.manager.add("acme", "kubeconfig", (desk.directory / "kubeconfig").read_bytes())


def strange_kubeconfig(desk: Desk) -> None:
    with ApiServer() as other:
        document = yaml.safe_load((desk.directory / "kubeconfig").read_text())
        found = yaml.safe_load(other.kubeconfig())["clusters"][0]["cluster"]["certificate-authority-data"]
        document["clusters"][0]["cluster"]["certificate-authority-data"] = found
        (desk.directory / "kubeconfig").write_text(yaml.safe_dump(document))


BROKEN: list[Callable[[Desk], None]] = [
    no_role,
    role_without_a_verb,
    role_for_somebody_else,
    nobody_to_impersonate,
    triggers_of_the_cluster,
    no_key_in_kubernetes,
    another_key_in_kubernetes,
    no_secret,
    empty_secret,
    denied_secret,
    no_file,
    no_kubeconfig,
    refused_kubeconfig,
    refused_kubeconfig_in_secret_manager,
    strange_kubeconfig,
]


@pytest.mark.parametrize("break_it", BROKEN, ids=lambda break_it: break_it.__name__)
def test_what_is_wrong_is_mended_by_what_doctor_prints(desk: Desk, break_it: Callable[[Desk], None]) -> None:
    break_it(desk)
    wrong = desk.doctor()
    assert wrong
    for _ in range(4):  # a right may show that another one is missing
        for command in dict.fromkeys(check["remedy"] for check in wrong):
            done = desk.run(command)
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        wrong = desk.doctor()
        if not wrong:
            return
    raise AssertionError(wrong)


def test_a_remedy_adds_to_a_role_and_takes_nothing_away(desk: Desk) -> None:
    role_without_a_verb(desk)
    (check,) = desk.doctor()
    assert desk.run(check["remedy"]).returncode == 0
    (role,) = (role for role in desk.server.objects("Role", LAB) if role["metadata"]["name"] == "pipehook")
    assert [rule["verbs"] for rule in role["rules"]] == [["create"], ["get"]]


def test_a_manifest_with_mistakes_is_looked_at_with_the_command_that_is_named(desk: Desk) -> None:
    (desk.directory / "triggers" / "b.yaml").write_text("kind: [")
    (check,) = desk.doctor()
    done = desk.run(check["remedy"])
    assert done.returncode == 1
    assert "b.yaml:1" in done.stdout


def test_what_installs_tekton_is_applied(desk: Desk) -> None:
    for command in (remedies.TEKTON, remedies.TRIGGERS):
        done = desk.run(command)
        assert done.returncode == 0, done.stderr
    assert "tekton-pipelines" in [entry["metadata"]["name"] for entry in desk.server.objects("Namespace")]


def test_githubs_hooks_are_tested_and_swept_with_the_commands_that_are_named(desk: Desk) -> None:
    with GitHubApi() as api:
        hook = api.add_hook("repos/acme/shop", f"http://127.0.0.1:{free_port()}/", secret=SECRET)
        name = f"repos/acme/shop/hooks/{hook.id}"
        desk.environment |= {"GITHUB_API_URL": api.url, "GITHUB_HOOKS": name}
        (check,) = desk.doctor()
        assert desk.run(f'{check["remedy"]} && test "$GITHUB_TOKEN" = a-token').returncode == 0
        desk.environment["GITHUB_TOKEN"] = api.token
        (check,) = desk.doctor()
        assert "ping" in desk.run(check["remedy"]).stdout  # nobody listens there, so it fails, as it says
        api.wait_idle()
        api.deliver(hook, "push", PUSH)
        (check,) = desk.doctor()
        done = desk.run(check["remedy"])
        assert "reading GitHub's deliveries" in done.stderr


def test_a_clock_is_set_by_what_is_named(desk: Desk) -> None:
    from functions.cli.findings import clock

    assert desk.run(clock("the cluster", 0.0).remedy).returncode == 0
