"""What a status costs a delivery: the same one with and without the annotation, and with a GitHub that is silent."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.inputs import NAMESPACE, PROJECT, github, headers, listener, push, write_secret
from bench.processes import cluster, stand_in
from bench.rows import Row, progress
from bench.warm import alternate, delivered
from functions.entrypoints import webhook

MEASURED = "7 statuses"
_ASKED = '"name": "listener"', '"name": "listener", "annotations": {"pipehook.dev/status": "ci"}'
_NUMBERS = itertools.count(1)


def measure(*, quick: bool) -> list[Row]:
    """Deliver to functions in this process; cluster, GitHub and Secret Manager are processes of their own."""
    rounds = 30 if quick else 150
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as silent:
        directory = Path(name)
        with cluster(directory, NAMESPACE) as kubeconfig, stand_in("tests.standins.github_api", "--unlimited") as hub:
            (directory / "token").write_text(hub["token"])
            stored = f"--secret={PROJECT}/github={directory / 'token'}"
            with stand_in("tests.standins.secret_manager", stored) as manager:
                given = {
                    "SECRETS_SOURCE": write_secret(directory),
                    "KUBECONFIG": str(kubeconfig),
                    "SECRET_MANAGER_EMULATOR_HOST": manager["host"],
                    "GITHUB_TOKEN_SECRET": f"projects/{PROJECT}/secrets/github",
                    "GITHUB_API_URL": hub["url"],
                }
                mute = given | {"GITHUB_API_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"}
                with (
                    _started(directory / "plain", given, asked=False) as plain,
                    _started(directory / "asked", given, asked=True) as asked,
                    _started(directory / "mute", mute, asked=True) as hanging,
                ):
                    progress("what a status costs a delivery")
                    with_status, without = alternate(asked, plain, rounds=rounds)
                    (longest,) = alternate(hanging, rounds=1 if quick else 3)
    return [
        Row(MEASURED, "2 KB, one create, pending told", with_status, "ms", beside=without, beside_what="not asked for"),
        Row(MEASURED, "- of it the status", with_status - without, "ms"),
        Row(MEASURED, "GitHub takes the connection and is silent", longest, "ms", at_most=2_500),
    ]


@contextlib.contextmanager
def _started(directory: Path, given: dict[str, str], *, asked: bool) -> Iterator[Callable[[], float]]:
    """Start a function, and yield what delivers the push of another commit to it."""
    directory.mkdir()
    manifests = listener([github("push")])
    (directory / "triggers.yaml").write_text(manifests.replace(*_ASKED) if asked else manifests)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        serve = webhook.start(given | {"TRIGGERS_SOURCE": str(directory / "triggers.yaml")})
        if not isinstance(serve, webhook.Webhook):
            raise TypeError("the function did not start")

        def deliver() -> float:
            number = next(_NUMBERS)
            body = json.dumps(json.loads(push(2, number)) | {"after": f"{number:040x}"}).encode()
            return delivered(serve, body, headers(body, number))

        yield deliver
