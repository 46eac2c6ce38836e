"""Writes docs/cli.md, a real transcript of every command run against the stand-ins: python -m tests.cli.transcripts."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import click
import yaml

from functions.cli.app import cli
from functions.lint.rules import RULES
from functions.queue.dead_letters import bury
from functions.queue.messages import Push, encode
from tests.adapters.kubernetes.support import pipeline_run, work
from tests.cli.support import SECRET, Running, clean
from tests.standins.apiserver import ApiServer
from tests.standins.github_api import GitHubApi
from tests.standins.kubernetes.access import Rule, User
from tests.standins.pubsub import PubSub
from tests.standins.secret_manager import SecretManager
from tests.support.deliveries import PUSH
from tests.support.function import ROOT, free_port
from tests.support.processes import run
from tests.support.pubsub import TestedPubSub

PAGE = ROOT / "docs" / "cli.md"
LAB = "goldstine-lab"
HEAD = """# The command line

`python -m functions` in a checkout, or `pipehook` once it is installed: `pipx install .`, or `pip install .`, which
adds `pipehook/` to site-packages and nothing beside it. Every command has `--help` with examples. This page is written
by `python -m tests.cli.transcripts`, and a test holds it to what the commands print.

| exit code | when |
|---|---|
| 0 | fine |
| 1 | findings, a refusal, or something failed |
| 2 | the command line is wrong |
| 3 | a server cannot be reached; trying again may help |

Results go to standard output (`-o json` or `-o yaml` where that makes sense), progress to standard error. Colours are
for terminals, and never with `NO_COLOR` set. Settings come from the environment variables that the function has.
Keys and tokens come from variables, files or Secret Manager, never from the command line. None of this is deployed.
"""
RISKY = """apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata: {name: shop, namespace: goldstine-lab}
spec:
  triggers:
    - name: build
      interceptors:
        - ref: {name: github}
          params:
            - {name: secretRef, value: {secretName: github-webhook, secretKey: secretkey}}
            - {name: eventTypes, value: [push]}
        - ref: {name: cel}
          params:
            - {name: filter, value: body.ref == 'main'}
      bindings:
        - {name: message, value: $(body.head_commit.message)}
        - {name: number, value: $(body.pull_request.number)}
      template:
        spec:
          params: [{name: message}, {name: number}]
          resourcetemplates:
            - apiVersion: tekton.dev/v1
              kind: TaskRun
              metadata: {generateName: build-}
              spec:
                serviceAccountName: builder
                taskSpec:
                  steps:
                    - image: bash
                      script: echo "$(tt.params.message)" $(tt.params.branch)
"""
EXPRESSIONS = (
    "# which branch, and is it ours?\nbody.ref.split('/')[2]\nbody.sender.login == 'hana-k'\nbody.issue.number\n"
)


GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
TIME = "2026-11-20T08:41:12"


def _time(found: re.Match[str]) -> str:
    return f"{TIME}Z" if found[1] else TIME


@dataclass
class Writer:
    """Runs commands in a directory and keeps what they print, made the same from run to run."""

    directory: Path
    parts: list[str] = field(default_factory=lambda: [HEAD])
    hidden: dict[str, str] = field(default_factory=dict)
    """What is different each time, and what stands in its place."""

    def section(self, title: str, text: str) -> None:
        """Begin a section."""
        self.parts.append(f"## {title}\n\n{text.strip()}\n")

    def show(self, *args: str, environment: Mapping[str, str] = {}, lines: int = 0, shown: str = "") -> None:
        """Run a command and show it with its output, the first `lines` of it."""
        done = run(
            "functions",
            *args,
            environment=clean(environment),
            directory=self.directory,
            merged=True,
            seconds=60,
        )
        rows = done.stdout.rstrip().split("\n")
        text = "\n".join([*rows[:lines], "…"] if lines and len(rows) > lines else rows)
        code = f"\n$ echo $?\n{done.returncode}" if done.returncode else ""
        self.console(shown or f"pipehook {shlex.join(args)}", text + code)

    def console(self, command: str, text: str) -> None:
        """Show a command and a text."""
        body = self.same(f"$ {command}\n{text}".rstrip())
        self.parts.append(f"```console\n{body}\n```\n")

    def same(self, text: str) -> str:
        """Return text with what differs from run to run replaced."""
        for found, instead in sorted(self.hidden.items(), key=lambda entry: -len(entry[0])):
            text = text.replace(found, instead)
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", GUID, text)
        text = re.sub(r"[0-9]{8}T[0-9]{6}-", "20261120T084112-", text)
        text = re.sub(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|\+00:00)?", _time, text)
        text = re.sub(r"(-data|token): [A-Za-z0-9+/=._-]{20,}", r"\1: …", text)
        text = re.sub(r"differ by [0-9]+ s", "differ by 0 s", text)
        return re.sub(r" +\n", "\n", text)

    def text(self) -> str:
        """Return the page."""
        return "\n".join(self.parts)


def page() -> str:
    """Run everything and return the page."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "infra").symlink_to(ROOT / "infra")
        (directory / "risky.yaml").write_text(RISKY)
        (directory / "filters.txt").write_text(EXPRESSIONS)
        writer = Writer(directory)
        writer.hidden[str(directory)] = "."
        _without_servers(writer)
        _local(writer)
        with _cluster(writer) as (environment, server):
            _cluster_commands(writer, environment, server)
        _github(writer)
        _queue(writer)
        _rules(writer)
        return writer.text()


def _without_servers(writer: Writer) -> None:
    writer.section(
        "validate",
        "Every mistake with its place, then the lint; [Rules](#rules) lists what it looks for.",
    )
    writer.show("validate", "infra/triggers")
    writer.show("validate", "risky.yaml")
    writer.section(
        "render",
        "One delivery through every stage, without a cluster. `--diff DIR` compares with other manifests;\n"
        "`--server-dry-run` lets a cluster check the resources; `--verify` checks the signature.",
    )
    writer.show("render", "--event", "push", "--header", f"X-GitHub-Delivery: {GUID}")
    writer.show("render", "--event", "ping")
    example = "infra/examples/comment-commands"
    args = [
        "--triggers",
        f"{example}/triggers",
        "--trigger",
        "retest",
        "--pull-request",
        f"{example}/pull-request.json",
    ]
    writer.show("render", "--event", "issue_comment", *args)
    writer.section("eval", "Expressions on a delivery. Without an expression there is a prompt with a history.")
    writer.show("eval", "cel", "body.commits.map(c, c.modified)", "--event", "push", lines=8)
    globs = "paths.match(extensions.changed_files_list, ['src/**', '!*.md'])"
    files = ["--changed-files", "src/main.py,README.md"]
    writer.show("eval", "cel", globs, *files, shown=f'pipehook eval cel "{globs}" {" ".join(files)}')
    writer.show("eval", "cel", "--batch", "filters.txt")
    writer.show("eval", "binding", "$(body.repository.full_name)@$(body.head_commit.id)")


def _local(writer: Writer) -> None:
    writer.section(
        "dev, send, record, replay",
        "`dev` serves the function on this machine, loads the manifests again when they change, and shows every\n"
        "delivery on a page: headers (secrets masked), payload, each trigger's path through the stages and where it\n"
        "stopped, the rendered resources, mistakes of the manifests, a search, and buttons to replay: as it came, or\n"
        "as a new delivery (another id, other bytes, signed again), as `replay --new-id` does. The page is on\n"
        "loopback only, follows what arrives without taking the keyboard's focus, and needs no JavaScript.",
    )
    key = {"WEBHOOK_SECRET": SECRET}
    writer.hidden[SECRET] = "…"
    args = ["dev", "--port", "0", "--inspector-port", "0", "--triggers", str(ROOT / "infra" / "triggers")]
    with Running(*args, "--keep", str(writer.directory / "deliveries"), environment=key) as dev:
        url, inspector = dev.url("Serving"), dev.url("Inspector")
        writer.hidden |= {url: "http://127.0.0.1:8080", inspector: "http://127.0.0.1:8081"}
        dev.wait_for("Ctrl-C ends both")
        writer.console("WEBHOOK_SECRET=… pipehook dev --keep deliveries", "\n".join(dev.lines))
        writer.show("send", url, "--event", "push", environment=key)
        dev.wait_for(".json")
        writer.show("send", url, "--event", "push", "--unsigned")
        dev.wait_for("0002-push.json")
        kept = sorted((writer.directory / "deliveries").iterdir())
        kept[1].unlink()
        writer.show("replay", url, "deliveries", environment=key)
    writer.show("send", "--list")


@contextlib.contextmanager
def _cluster(writer: Writer) -> Iterator[tuple[dict[str, str], ApiServer]]:
    admin = User(name="admin", rules=(Rule(),))
    with (
        ApiServer(namespaces=[LAB], rbac=True, tokens={"admin": admin}) as server,
        SecretManager() as manager,
    ):
        writer.hidden |= {server.url: "https://203.0.113.7:6443"}
        path = writer.directory / "admin-kubeconfig"
        path.write_text(server.kubeconfig(token="admin", namespace=LAB))
        manager.add("acme", "github-webhook", SECRET.encode())
        yield {"KUBECONFIG": str(path), "SECRET_MANAGER_EMULATOR_HOST": manager.host}, server


def _cluster_commands(writer: Writer, admin: Mapping[str, str], server: ApiServer) -> None:
    writer.section(
        "kubeconfig",
        "The function's kubeconfig, from your own access: to standard output, a file (mode 600) or Secret Manager.\n"
        "`--create` makes or extends account, Roles and RoleBindings, for what the manifests create, and where they\n"
        "ask for it for statuses and concurrency groups; `--rotate` disables the older versions. The kubeconfig is\n"
        "tried before it is written.",
    )
    writer.show("kubeconfig", "--namespace", LAB, "--create", environment=admin)
    secret = "projects/acme/secrets/pipehook-kubeconfig"
    writer.show("kubeconfig", "--namespace", LAB, "--secret", secret, "--rotate", environment=admin)
    deployed = {
        "SECRET_MANAGER_EMULATOR_HOST": admin["SECRET_MANAGER_EMULATOR_HOST"],
        "SECRETS_SOURCE": "secret-manager://acme",
        "KUBECONFIG_SECRET": secret,
    }
    writer.section(
        "doctor",
        "A deployment from the inside out, and the command that mends what is wrong, to be run as it is printed by\n"
        "whoever may: it adds rights to what is there and takes nothing away. `--env-file` reads what\n"
        "`terraform -chdir=infra output -json environment` gives, or `NAME=VALUE` lines. Where manifests ask for\n"
        "[statuses](status.md), it also looks at the right to read runs, whether the token may write statuses (it\n"
        "asks for one of a commit that there cannot be), whether the newest run that ended is shown, at Tekton's sink\n"
        "with its key, and the last event; for these two give it your own access, `--kubeconfig`.",
    )
    shown = "SECRETS_SOURCE=secret-manager://acme KUBECONFIG_SECRET=… pipehook doctor"
    writer.show("doctor", environment=deployed, shown=shown)
    broken = {**deployed, "SECRETS_SOURCE": "secret-manager://other"}
    writer.show("doctor", environment=broken, shown=shown.replace("//acme", "//other"))
    writer.section("migrate", "From a cluster's Tekton Triggers to manifests, Terraform variables and a checklist.")
    for file in sorted((ROOT / "infra" / "triggers").glob("*.yaml")):
        for found in yaml.safe_load_all(file.read_text()):
            server.put_object({"status": {}, **found})
    writer.show("migrate", "--out", "migrated", environment=admin)
    writer.console("cat migrated/terraform.tfvars", (writer.directory / "migrated" / "terraform.tfvars").read_text())
    writer.console("cat migrated/CHECK.md", (writer.directory / "migrated" / "CHECK.md").read_text())


def _github(writer: Writer) -> None:
    writer.section(
        "hooks",
        "The webhook at GitHub: JSON, the events that the listeners accept, the key read where the function reads it.",
    )
    with GitHubApi() as api, SecretManager() as manager:
        manager.add("acme", "github-webhook", SECRET.encode())
        triggers = str(ROOT / "infra" / "triggers")
        with Running(
            *("dev", "--port", "0", "--inspector-port", "0", "--triggers", triggers),
            environment={"WEBHOOK_SECRET": SECRET},
        ) as dev:
            url = dev.url("Serving")
            writer.hidden |= {url: "https://hooks.acme.dev"}
            environment = {
                "GITHUB_API_URL": api.url,
                "GITHUB_TOKEN": api.token,
                "SECRETS_SOURCE": "secret-manager://acme",
                "SECRET_MANAGER_EMULATOR_HOST": manager.host,
            }
            writer.show("hooks", "create", "acme/shop", url, environment=environment)
            writer.show("hooks", "list", "acme/shop", environment=environment)
            api.wait_idle()
            writer.show("hooks", "test", "acme/shop", environment=environment)


def _queue(writer: Writer) -> None:
    writer.section(
        "dead-letters, redeliver",
        "What could never be created, listed and put back once the cause is mended; the sweep of failed deliveries.",
    )
    with PubSub(pull_wait=0.2) as running:
        pubsub = TestedPubSub(running.host)
        dead, queue = pubsub.topic("dead"), pubsub.topic("queue")
        pubsub.subscription(dead)
        refused = "PipelineRun goldstine-lab/build-…: the cluster serves no PipelineRun of tekton.dev/v1"
        push = Push(message=encode(work(pipeline_run(), trigger="build")), message_id="7", published="", attempt=5)
        letter = bury(push, refused)
        pubsub.publish(dead, letter.data, letter.attributes)
        environment = {"PUBSUB_EMULATOR_HOST": running.host, "DEAD_LETTER_TOPIC": dead, "QUEUE_TOPIC": queue}
        writer.show("dead-letters", "list", environment=environment)
        writer.show("dead-letters", "replay", "--all", environment=environment)
        pubsub.close()
    with GitHubApi() as api:
        hook = api.add_hook("repos/acme/shop", f"http://127.0.0.1:{free_port()}/", secret=SECRET)
        api.deliver(hook, "push", PUSH)
        environment = {"GITHUB_API_URL": api.url, "GITHUB_TOKEN": api.token}
        writer.show("redeliver", "--dry-run", "--hook", f"repos/acme/shop/hooks/{hook.id}", environment=environment)


def _rules(writer: Writer) -> None:
    rows = "\n".join(
        f"| [{rule.id}](lint.md#{rule.id.lower()}) | {rule.name} | {rule.severity.value} | {rule.why} |"
        for rule in RULES.values()
    )
    writer.section(
        "Rules",
        "What `validate` looks for; [lint.md](lint.md) has examples, what each takes for safe, and how to silence it.\n"
        "`-o sarif` is for code scanning.\n\n"
        f"| rule | name | severity | why |\n|---|---|---|---|\n{rows}",
    )


def commands_shown(text: str) -> set[str]:
    """Return the names of the commands that a page shows."""
    return set(re.findall(r"^\$ .*?pipehook ([a-z-]+)", text, re.MULTILINE))


def all_commands() -> set[str]:
    """Return the names of all commands."""
    return set(cli.list_commands(click.Context(cli)))


if __name__ == "__main__":
    os.chdir(ROOT)
    PAGE.write_text(page(), encoding="utf-8")
