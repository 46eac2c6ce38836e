"""`make demo` and `make run`: the article's case on this machine, with nothing but the bundled cluster stand-in."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml

from tests.standins.apiserver import ApiServer
from tests.support.deliveries import PING, PUSH, SECRET, encoded, headers
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


def end_in_order() -> None:
    """Let a closed terminal and `kill` end this as Ctrl-C does: what was started is ended, what was written goes."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: sys.exit(1))


@contextlib.contextmanager
def served(directory: Path) -> Iterator[tuple[ServedFunction, ApiServer]]:
    """Serve the function on infra/triggers, with its secret in a file and the stand-in's kubeconfig."""
    secret = directory / "secrets" / "github-webhook" / "secretkey"
    secret.parent.mkdir(parents=True)
    secret.write_bytes(SECRET)
    with ApiServer(namespaces=[NAMESPACE], strict_namespaces=True) as cluster:
        kubeconfig = directory / "kubeconfig"
        kubeconfig.write_text(cluster.kubeconfig(namespace=NAMESPACE))
        environment = {
            "TRIGGERS_SOURCE": "infra/triggers",
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


def demo() -> None:
    """Send four deliveries and show what each one started."""
    say("Serving the function with functions-framework on infra/triggers, beside a local API-server stand-in …")
    with tempfile.TemporaryDirectory() as directory, served(Path(directory)) as (function, cluster):
        push, ping = encoded(PUSH), encoded(PING)
        show("a signed push", function.post(push, headers("push", push)), status=202, triggers=["created"])
        show("GitHub's ping", function.post(ping, headers("ping", ping)), status=202, triggers=["filtered"])
        unsigned = {"Content-Type": "application/json", "X-GitHub-Event": "push"}
        show("an unsigned curl", function.post(push, unsigned), status=401, triggers=["rejected"])
        forged = headers("push", push, secret=b"a wrong key")
        show("a push signed with a wrong key", function.post(push, forged), status=401, triggers=["rejected"])
        runs = cluster.objects("PipelineRun", NAMESPACE)
        say(f"\n== kubectl get pipelineruns -n {NAMESPACE} -o yaml")
        say(yaml.safe_dump_all(runs, sort_keys=False).rstrip())
        if len(runs) != 1:
            raise SystemExit(f"demo: expected one PipelineRun, the cluster holds {len(runs)}")
    say("\nOne push, one PipelineRun; the ping and the forgeries started nothing.")


def serve() -> None:
    """Serve until Ctrl-C and print a curl line that signs."""
    parent = os.getppid()
    with tempfile.TemporaryDirectory() as directory, served(Path(directory)) as (function, _cluster):
        payload = Path(directory) / "push.json"
        payload.write_bytes(encoded(PUSH))
        file = shlex.quote(str(payload))
        say(f"Serving at {function.url} (Ctrl-C ends it). A signed push, from another terminal:\n")
        say(
            f"  curl -i {function.url} -H 'Content-Type: application/json' -H 'X-GitHub-Event: push' \\\n"
            f'    -H "X-Hub-Signature-256: sha256=$(openssl dgst -sha256 -hmac {SECRET.decode()} {file}'
            " | sed 's/.* //')\" \\\n"
            f"    --data-binary @{file}\n"
        )
        seen = 0
        with contextlib.suppress(KeyboardInterrupt):
            # make itself may be killed, which tells nobody
            while function.running(0.2) and os.getppid() == parent:
                for line in function.lines[seen:]:
                    say(line)
                    seen += 1
    say("\nStopped.")


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    end_in_order()
    parser.add_argument("--serve", action="store_true", help="keep serving until Ctrl-C (make run)")
    if parser.parse_args().serve:
        serve()
    else:
        demo()


if __name__ == "__main__":
    main()
