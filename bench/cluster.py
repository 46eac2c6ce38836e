"""Deliveries to a real API server: until the object is visible, and how many a second, beside whoever does the same.

Beside it are the bare create by the `kubernetes` client and by bare HTTP, and Tekton's own EventListener, by turns.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from bench.bare import PIPELINE_RUNS, documented, opened
from bench.inputs import NAMESPACE, ROOT, SECRET, github, listener, write_secret
from bench.load import Connection, delivery
from bench.processes import Served, python, served
from bench.processes import cluster as stand_in
from bench.rows import Row, progress

MEASURED = "8 cluster"
THREADS = 64
SECONDS = 60.0
"""For an object to be seen."""
QUIET_SECONDS = 15.0
"""After which Tekton makes no more of the deliveries that it took."""
NEEDED = (
    "it needs a cluster with Tekton's PipelineRun, and the rights to create and delete namespaces and, in them, to "
    "create, get, list, watch and delete pipelineruns.tekton.dev"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace of a cluster in which PipelineRuns appear."""

    kubeconfig: Path
    namespace: str

    @property
    def of(self) -> tuple[str, str, str, str]:
        """What the client's calls begin with."""
        group, version, plural = PIPELINE_RUNS
        return group, version, self.namespace, plural

    def api(self) -> client.CustomObjectsApi:
        """Return a client."""
        return client.CustomObjectsApi(opened(str(self.kubeconfig)))

    def count(self) -> int:
        """Return how many there are, without reading them."""
        found: Any = self.api().list_namespaced_custom_object(*self.of, limit=1)
        return len(found["items"]) + int(found["metadata"].get("remainingItemCount") or 0)

    def names(self) -> set[str]:
        """Return the names of all."""
        found: Any = self.api().list_namespaced_custom_object(*self.of)
        return {run["metadata"]["name"] for run in found["items"]}


@dataclass(frozen=True, slots=True)
class Tekton:
    """Tekton's EventListener, as TEKTON_URL, TEKTON_NAMESPACE and TEKTON_KEY describe it."""

    host: str
    port: int
    place: Place
    key: str


class Watched:
    """A watch of a place, which counts what appears."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._seen = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        read = self._place.api().list_namespaced_custom_object
        listed: Any = read(*self._place.of, limit=1)
        version = listed["metadata"]["resourceVersion"]
        stream = watch.Watch().stream  # type: ignore[no-untyped-call]  # it has no types
        with contextlib.suppress(HTTPError):  # the server is gone: whoever still waits says that nothing comes
            for event in stream(read, *self._place.of, resource_version=version):
                if event["type"] == "ADDED":
                    with self._changed:
                        self._seen += 1
                        self._changed.notify_all()

    def milliseconds(self, cause: Callable[[], object]) -> float:
        """Return how long it takes from before `cause` until the next object is seen."""
        with self._changed:
            before = self._seen
        started = time.perf_counter()
        cause()
        with self._changed:
            if not self._changed.wait_for(lambda: self._seen > before, SECONDS):
                raise RuntimeError(f"no PipelineRun appeared in {self._place.namespace} within {SECONDS:g} s")
        return (time.perf_counter() - started) * 1000


def measure(*, quick: bool) -> list[Row]:
    """Measure on the cluster that KUBECONFIG names, or on the API-server stand-in.

    Raises RuntimeError that says what is missing.
    """
    workers, concurrencies, amount = ((1,), (1, 8), 40) if quick else ((1, 2, 4), (1, 4, 8, 16, 64), 600)
    with tempfile.TemporaryDirectory() as name, _explained(), _place(Path(name)) as place:
        tekton = _tekton(place.kubeconfig)
        before = tekton.place.names() if tekton else set()
        try:
            with _function(Path(name), place, 1) as function:
                rows = _visible(function, place, tekton, amount // 4)
            for number in workers:
                with _function(Path(name), place, number) as function:
                    _send(function.port, 50, 8)
                    for concurrency in concurrencies:
                        progress(f"cluster, {number} worker(s), concurrency {concurrency}")
                        rows += _sustained(function, place, tekton, f"{number} worker(s)", concurrency, amount)
        finally:
            if tekton:
                _remove(tekton.place, before)
    return rows


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (ConfigException, OSError, HTTPError) as error:
        raise RuntimeError(f"KUBECONFIG={os.environ.get('KUBECONFIG', '')}: {error}; {NEEDED}") from error
    except ApiException as error:
        raise RuntimeError(f"the cluster answers {error.status} {error.reason}; {NEEDED}") from error


@contextlib.contextmanager
def _place(directory: Path) -> Iterator[Place]:
    """Make a namespace for the measurement, and remove it with all that is in it."""
    namespace = f"{NAMESPACE}-{uuid.uuid4().hex[:8]}"
    if not os.environ.get("KUBECONFIG"):
        progress("no KUBECONFIG: the stand-in takes the objects")
        with stand_in(directory, namespace) as path:
            yield Place(path, namespace)
        return
    place = Place(Path(os.environ["KUBECONFIG"]).resolve(), namespace)
    core = client.CoreV1Api(opened(str(place.kubeconfig)))
    progress(f"makes the namespace {namespace}")
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=namespace)))
    try:
        yield place
    finally:
        progress(f"removes the namespace {namespace}")
        core.delete_namespace(namespace)  # what is in it goes with it: to delete so many at once, a server has no time


def _tekton(kubeconfig: Path) -> Tekton | None:
    url = urlsplit(os.environ.get("TEKTON_URL", ""))
    if not url.netloc:
        return None
    if url.scheme != "http" or not url.hostname:
        raise RuntimeError("TEKTON_URL is not http://HOST:PORT; kubectl port-forward makes such an address")
    try:
        socket.create_connection((url.hostname, url.port or 80), SECONDS).close()
    except OSError as error:
        raise RuntimeError(f"TEKTON_URL={url.geturl()} cannot be reached: {error}") from error
    place = Place(kubeconfig, os.environ.get("TEKTON_NAMESPACE", NAMESPACE))
    return Tekton(url.hostname, url.port or 80, place, os.environ.get("TEKTON_KEY", SECRET.decode()))


def _remove(place: Place, before: set[str]) -> None:
    """Remove what Tekton has made since then."""
    made = place.names() - before
    progress(f"removes {len(made)} PipelineRuns from {place.namespace}")
    api = place.api()
    for name in made:
        api.delete_namespaced_custom_object(*place.of, name)


@contextlib.contextmanager
def _function(directory: Path, place: Place, workers: int) -> Iterator[Served]:
    (directory / "triggers.yaml").write_text(listener([github("push")], namespace=place.namespace))
    given = {
        "TRIGGERS_SOURCE": str(directory / "triggers.yaml"),
        "SECRETS_SOURCE": write_secret(directory),
        "KUBECONFIG": str(place.kubeconfig),
        "WORKERS": str(workers),
        "THREADS": str(THREADS),
    }
    with served(ROOT / "main.py", given) as function:
        yield function


def _numbers() -> int:
    return time.time_ns()  # no delivery of this run or of another one has the same, or it would be a duplicate


def _visible(function: Served, place: Place, tekton: Tekton | None, rounds: int) -> list[Row]:
    """Return how long it takes from an event to an object that a watch shows, one delivery at a time."""
    progress("cluster, event to visible")
    watched = Watched(place)
    make = documented(str(place.kubeconfig))
    ours = Connection(function.port)
    ways: dict[str, Callable[[], object]] = {
        "here": lambda: ours.exchange(*delivery(2, _numbers())),
        "bare client": lambda: make(f"bare-{_numbers():x}", place.namespace),
    }
    watches = dict.fromkeys(ways, watched)
    if tekton:
        theirs, key = Connection(tekton.port, tekton.host), tekton.key.encode()
        ways["Tekton"] = lambda: theirs.exchange(*delivery(2, _numbers(), key=key))
        watches["Tekton"] = Watched(tekton.place)
    times: dict[str, list[float]] = {way: [] for way in ways}
    time.sleep(1)  # for the watches to stand
    for number in range(rounds + 5):
        for way, cause in ways.items():
            found = watches[way].milliseconds(cause)
            if number >= 5:  # imports, TLS and discovery are not what is compared
                times[way].append(found)
    rows = []
    for percent in (50, 95):
        at = {way: sorted(found)[len(found) * percent // 100] for way, found in times.items()}
        for beside in [way for way in at if way != "here"]:
            target = 1.5 if (beside, percent) == ("bare client", 50) else None
            case = f"event to visible, p{percent}"
            rows.append(Row(MEASURED, case, at["here"], "ms", beside=at[beside], beside_what=beside, at_most=target))
    return rows


def _sustained(
    function: Served, place: Place, tekton: Tekton | None, workers: str, concurrency: int, amount: int
) -> list[Row]:
    case = f"{workers}, concurrency {concurrency}"
    bare = {way: _bare(place, amount, concurrency, way) for way in ("kubernetes", "http")}
    used = function.tree_seconds()
    rate = _send(function.port, amount, concurrency)
    used = function.tree_seconds() - used
    rows = [
        Row(MEASURED, case, rate, "/s", beside=bare["kubernetes"], beside_what="bare client"),
        Row(MEASURED, case, rate, "/s", beside=bare["http"], beside_what="bare HTTP"),
        Row(MEASURED, f"{case}: processor, each", used / amount * 1000, "ms"),
    ]
    if tekton:
        theirs = _of_tekton(tekton, amount, concurrency)
        # it has answered a lone sender before it begins, so it works at many at once then
        target = 1.0 if concurrency > 1 else None
        rows.insert(2, Row(MEASURED, case, rate, "/s", beside=theirs, beside_what="Tekton", at_least=target))
    return rows


def _of_tekton(tekton: Tekton, amount: int, concurrency: int) -> float:
    """Return the objects a second. It answers before it has made anything, so they are counted."""
    few = _counted(tekton, 20, min(20, concurrency))
    return _counted(tekton, max(20, min(amount, round(few * 5))), concurrency)


def _counted(tekton: Tekton, amount: int, concurrency: int) -> float:
    before = tekton.place.count()
    started = seen = time.perf_counter()
    _send(tekton.port, amount, concurrency, host=tekton.host, key=tekton.key)
    made = 0
    while made < amount and time.perf_counter() - seen < QUIET_SECONDS:
        if (found := tekton.place.count() - before) > made:
            made, seen = found, time.perf_counter()
        time.sleep(0.02)
    if made < amount:
        progress(f"Tekton took {amount} deliveries and made {made} PipelineRuns: its log says why")
    if not made:
        raise RuntimeError(f"Tekton has made no PipelineRun in {tekton.place.namespace}: see its log")
    return made / (seen - started)


def _send(port: int, deliveries: int, concurrency: int, **more: str) -> float:
    job = {"port": port, "deliveries": deliveries, "concurrency": concurrency, "kilobytes": 2, "forged": False}
    found = python("load", job | {"first": _numbers()} | more)
    if found["statuses"] != {"202": deliveries}:
        raise RuntimeError(f"not every delivery was accepted: {found['statuses']}; `pipehook doctor` says why")
    return float(found["rate"])


def _bare(place: Place, objects: int, concurrency: int, by: str) -> float:
    job = {"kubeconfig": str(place.kubeconfig), "objects": objects, "concurrency": concurrency, "by": by}
    more = {"namespace": place.namespace, "prefix": f"bare-{_numbers():x}"}
    return float(python("bare", job | more)["rate"])
