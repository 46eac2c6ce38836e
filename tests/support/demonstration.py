"""What `make demo` and its examples share: the function served beside a stand-in cluster, and showing what it does."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.standins.apiserver import ApiServer
from tests.support.deliveries import SECRET
from tests.support.function import Answer, ServedFunction

NAMESPACE = "goldstine-lab"

_GUARD = """
import os, shutil, signal, sys
process, directory = int(sys.argv[1]), sys.argv[2]
if sys.stdin.read() != "ended":
    try:
        os.kill(process, signal.SIGTERM)
    except ProcessLookupError:
        pass
    shutil.rmtree(directory, ignore_errors=True)
"""
"""Outlives a demo that is killed, whose end closes its standard input, and clears up after it."""


@contextlib.contextmanager
def guarded(process: int, directory: Path) -> Iterator[None]:
    """See to it that a process ends and a directory with a key goes, however this process ends, SIGKILL included."""
    command = [sys.executable, "-c", _GUARD, str(process), str(directory)]
    # in a session of its own, where neither the terminal's end nor Ctrl-C reaches it
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True) as guard:
        yield
        guard.communicate("ended")


@contextlib.contextmanager
def served(
    directory: Path,
    triggers: Path | str = "infra/triggers",
    *,
    secrets: Mapping[str, bytes] | None = None,
    **environment: str,
) -> Iterator[tuple[ServedFunction, ApiServer]]:
    """Serve the function on manifests, with secrets (NAME/KEY) in files and the stand-in's kubeconfig."""
    for name, value in (secrets or {"github-webhook/secretkey": SECRET}).items():
        secret = directory / "secrets" / name
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_bytes(value)
    with ApiServer(namespaces=[NAMESPACE], strict_namespaces=True) as cluster:
        kubeconfig = directory / "kubeconfig"
        kubeconfig.write_text(cluster.kubeconfig(namespace=NAMESPACE))
        environment |= {
            "TRIGGERS_SOURCE": str(triggers),
            "SECRETS_SOURCE": f"file://{directory / 'secrets'}",
            "KUBECONFIG": str(kubeconfig),
        }
        with ServedFunction(environment) as function, guarded(function.pid, directory):
            try:
                yield function, cluster
            except BaseException as error:
                if not isinstance(error, KeyboardInterrupt) and function.lines:
                    sys.stderr.write("\n".join(["", "The function's log:", *function.lines, ""]))
                raise


def say(text: str = "") -> None:
    """Print at once, so that progress is seen."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def show(title: str, answer: Answer, *, status: int, triggers: list[str]) -> None:
    """Print one reply and stop everything when it is not the expected one."""
    say(f"\n== {title}")
    say(f"HTTP {answer.status}")
    say(answer.text.rstrip())
    if (answer.status, answer.statuses) != (status, triggers):
        raise SystemExit(f"demo: expected HTTP {status} and {triggers}")


def show_outcomes(title: str, answer: Answer, **expected: str) -> None:
    """Print in a line what each trigger has done, and stop everything when it is not as expected: else `filtered`."""
    say(f"\n== {title}")
    triggers = answer.json.get("triggers", [])
    for trigger in triggers:
        made = [ref["name"] for ref in trigger["resources"]]
        ended = [f"cancelled {ref['name']}" for ref in trigger.get("cancelled", [])]
        why = [trigger["reason"]] if trigger["status"] == "superseded" else []
        if trigger["status"] != "filtered":
            say(f"   {trigger['name']}: " + ", ".join([trigger["status"], *made, *ended, *why]))
    found = {trigger["name"]: trigger["status"] for trigger in triggers if trigger["status"] != "filtered"}
    if not found:
        say("   filtered by every trigger")
    if (answer.status, found) != (202, expected):
        raise SystemExit(f"demo: expected HTTP 202 and {expected}, not {answer.status} and {answer.text}")


def show_runs(cluster: ApiServer, expected: Mapping[str, int]) -> None:
    """Print the cluster's runs, and stop everything when there are not as many of each kind as expected."""
    say(f"\n== kubectl get pipelineruns -n {NAMESPACE}")
    runs = {
        run["metadata"]["name"]: run["spec"].get("status") or "running"
        for run in cluster.objects("PipelineRun", NAMESPACE)
    }
    for name, status in sorted(runs.items()):
        say(f"   {name:28} {status}")
    if (found := Counter(runs.values())) != expected:
        raise SystemExit(f"demo: expected {expected}, the cluster holds {found}")
