"""Memory and open files of one instance over many deliveries of every kind, with rotation, reconnects and faults."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import linear_regression

import grpc

from bench.flood import flood
from bench.inputs import NAMESPACE, PROJECT, ROOT, SECRET, cel, github, listener
from bench.processes import served
from bench.rows import Row, progress
from tests.standins.apiserver import ApiServer
from tests.standins.faults import Fault
from tests.standins.pubsub import PubSub
from tests.standins.secret_manager import SecretManager

DELIVERIES, PORTIONS, WARM = 50_000, 40, 400
MOMENT = 0.3
"""Seconds from the beginning of a portion to what happens to it, and for each step of a restart."""
KEY, KUBECONFIG = "github-webhook", "kubeconfig"
TOPIC = f"projects/{PROJECT}/topics/queue"
_LATER = {"Retry-After": "600"}
FAULTS = (
    Fault(method="POST", status=503, headers=_LATER),
    Fault(method="POST", status=429, headers={"Retry-After": "1"}),
    Fault(method="POST", action="reset", every=5),
    Fault(method="POST", action="lose", every=5),
    Fault(method="POST", action="half", every=5),
    Fault(method="POST", status=422, every=3),
    Fault(method="POST", action="hang", every=20),
)
"""Met by one portion each; what passes is queued."""


@dataclass
class Scene:
    """The stand-ins, and the variables of a function that uses them."""

    cluster: ApiServer
    manager: SecretManager
    environment: Mapping[str, str]
    keys: tuple[bytes, bytes] = SECRET, SECRET
    """The key that senders use, and the newest, which they use after the next rotation."""

    def rotate_key(self) -> None:
        """Add a version of the webhook's key, and disable the one before the last."""
        self.keys = self.keys[1], secrets.token_hex(20).encode()
        version = self.manager.add(PROJECT, KEY, self.keys[1])
        if version > 2:
            self.manager.disable(PROJECT, KEY, version - 2)

    def rotate_token(self) -> None:
        """Replace the cluster's token, and the kubeconfig that holds it."""
        self.cluster.rotate_token(secrets.token_hex(20))
        self.manager.add(PROJECT, KUBECONFIG, self.cluster.kubeconfig(namespace=NAMESPACE).encode())

    def restart(self) -> None:
        """Restart the API server under load."""
        self.cluster.restart(pause=MOMENT)

    def lose_secrets(self) -> None:
        """Let Secret Manager fail while a new key is asked for: its client connects anew."""
        self.manager.fail("", grpc.StatusCode.UNAVAILABLE, times=3)
        self.rotate_key()

    def mend(self) -> None:
        """End all faults, and forget what was asked, which would be this machine's memory."""
        self.cluster.faults.clear()
        self.cluster.requests.clear()
        self.manager.mend()

    def events(self) -> list[Callable[[], object]]:
        """Return what happens to one portion after the other, over and over."""
        others = (lambda: None, self.rotate_key, self.rotate_token, self.restart, self.lose_secrets)
        others = (*others, self.cluster.drop_connections)
        return [*others, *(partial(self.cluster.faults.add, fault) for fault in FAULTS)]


def measure(*, quick: bool, deliveries: int = 0) -> list[Row]:
    """Send them in portions, look at the process after each, and say whether it still grows after the first quarter."""
    deliveries = deliveries or (DELIVERIES // 10 if quick else DELIVERIES)
    size = deliveries // PORTIONS
    found: Counter[str] = Counter()
    with (
        tempfile.TemporaryDirectory() as name,
        scene(Path(name)) as around,
        served(ROOT / "main.py", around.environment) as function,
        ThreadPoolExecutor(1) as pool,
    ):
        events = around.events()
        flood([function], deliveries, WARM, mixed=True)
        samples = [(function.megabytes(), function.descriptors())]
        for portion in range(PORTIONS):
            sent = pool.submit(flood, [function], portion * size, size, secret=around.keys[0], mixed=True)
            time.sleep(MOMENT)
            events[portion % len(events)]()
            found.update(sent.result()["found"])
            around.mend()
            samples.append((function.megabytes(), function.descriptors()))
            if (portion + 1) % (PORTIONS // 10) == 0:
                progress(f"soak: {(portion + 1) * size:,} deliveries, {samples[-1]}")
    progress(f"soak: {dict(found)}")
    return _rows(f"{deliveries:,} deliveries", *zip(*samples, strict=True), size=size)


def _rows(case: str, memory: tuple[float, ...], files: tuple[int, ...], *, size: int) -> list[Row]:
    quarter = PORTIONS // 4
    times = (("at the start", 0), ("after a quarter", quarter), ("half", 2 * quarter))
    rows = [Row("10 soak", f"{case}: resident {when}", memory[place], "MB") for when, place in times]
    later = memory[quarter:]
    slope = linear_regression([place * size / 10_000 for place in range(len(later))], later).slope
    half = max(files[: 2 * quarter])  # it is connections that come and go
    return [
        *rows,
        Row("10 soak", f"{case}: resident at the end", memory[-1], "MB", later[0], "after a quarter", at_most=1.05),
        Row("10 soak", "slope after a quarter, each 10,000 deliveries", slope, "MB"),
        Row("10 soak", "descriptors, at most", max(files[2 * quarter :]), "", half, "in the first half", at_most=1.05),
    ]


@contextmanager
def scene(directory: Path) -> Iterator[Scene]:
    """Run the stand-ins while the context is open."""
    with ExitStack() as stack:
        cluster = stack.enter_context(ApiServer(namespaces=[NAMESPACE]))
        pubsub, manager = stack.enter_context(PubSub()), stack.enter_context(SecretManager())
        pubsub.create_topic(TOPIC)
        manager.add(PROJECT, KEY, SECRET)
        manager.add(PROJECT, KUBECONFIG, cluster.kubeconfig(namespace=NAMESPACE).encode())
        failing = cel("body.ref == 'refs/heads/fail' && body.nothing.here == 1")
        triggers = listener([github("push"), cel("body.ref == 'refs/heads/main'")], [github("push"), failing])
        (directory / "triggers.yaml").write_text(triggers)
        given = {
            "TRIGGERS_SOURCE": str(directory / "triggers.yaml"),
            "SECRETS_SOURCE": f"secret-manager://{PROJECT}",
            "SECRET_MANAGER_EMULATOR_HOST": manager.host,
            "KUBECONFIG_SECRET": f"projects/{PROJECT}/secrets/{KUBECONFIG}",
            "PUBSUB_EMULATOR_HOST": pubsub.host,
            "QUEUE_TOPIC": TOPIC,
            "THREADS": "16",
        }
        yield Scene(cluster, manager, given)
