"""`make demo` and `make run`: the article's case on this machine, with nothing but the bundled cluster stand-in."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path

import yaml

from tests.demo_examples import EXAMPLES
from tests.support.deliveries import PING, PUSH, SECRET, encoded, headers
from tests.support.demonstration import NAMESPACE, say, served, show


def end_in_order() -> None:
    """Let a closed terminal and `kill` end this as Ctrl-C does: what was started is ended, what was written goes."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: sys.exit(1))


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
    parser = argparse.ArgumentParser(
        prog="make demo",
        description=__doc__,
        epilog="\n".join(["examples:", *(f"  {name:12} {example.__doc__}" for name, example in EXAMPLES.items())])
        + '\n\nmake hands over what stands in ARGS: make demo ARGS="--example concurrency"',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    end_in_order()
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--serve", action="store_true", help="keep serving until Ctrl-C (make run)")
    what.add_argument("--example", choices=EXAMPLES, help="show what an example of docs/ does")
    given = parser.parse_args()
    if given.serve:
        serve()
    else:
        EXAMPLES.get(given.example, demo)()


if __name__ == "__main__":
    main()
