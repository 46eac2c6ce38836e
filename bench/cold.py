"""Cold start: from the start of the process to the answer of its first delivery, which creates an object.

As deployed: Google's credentials come from a metadata server, Secret Manager is asked over TLS, byte code is there.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from bench.inputs import CEL_TRIGGERS, NAMESPACE, PROJECT, ROOT, SECRET, headers, listener, push, write_secret
from bench.processes import cluster, python, served, stand_in
from bench.rows import Row, progress
from bench.stages import STAGES

TRIVIAL, FLOOR, PLAIN, DEPLOYED = (
    ROOT / "bench" / name / "main.py" for name in ("trivial", "floor", "plain", "deployed")
)
OURS = ROOT / "main.py"
ARTICLE = "article's manifests, file secret, one create"
SECRET_MANAGER = "Secret Manager, three triggers with CEL, three creates"
COMPILING = "article's, the function's own byte code not kept"
FLOOR_CASE = "the floor: the same clients, secrets and creates, nothing else"
BESIDE = " (another checkout)"


@dataclass(frozen=True, slots=True)
class Spent:
    """Milliseconds of one start: by the clock, and of processors in the whole tree of processes."""

    wall: float
    processor: float


def measure(*, quick: bool, beside: Path | None = None) -> list[Row]:
    """Start the trivial function, the floor, the plain way and ours by turns, and ours in stages.

    `beside` is another checkout, whose function is started by turns with this one's.
    """
    times: dict[str, list[Spent]] = {}
    rounds = 4 if quick else 15
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "triggers.yaml").write_text(listener(*CEL_TRIGGERS))
        (directory / "key").write_bytes(SECRET)
        secrets = write_secret(directory)
        roots = directory / "roots.pem"
        with cluster(directory, "goldstine-lab") as lab, cluster(directory, NAMESPACE) as own:
            stored = [f"--secret={PROJECT}/github-webhook={directory / 'key'}", f"--secret={PROJECT}/cluster={own}"]
            with stand_in("bench.google", f"--roots={roots}", *stored) as google:
                deployed = {
                    **google["environment"],
                    "HOME": name,
                    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots),
                    "BENCH_SECRET_MANAGER": google["host"],
                }
                article = {"TRIGGERS_SOURCE": "infra/triggers", "SECRETS_SOURCE": secrets, "KUBECONFIG": str(lab)}
                managed = deployed | {
                    "TRIGGERS_SOURCE": str(directory / "triggers.yaml"),
                    "SECRETS_SOURCE": f"secret-manager://{PROJECT}",
                    "KUBECONFIG_SECRET": f"projects/{PROJECT}/secrets/cluster",
                }
                plain = deployed | {"BENCH_PROJECT": PROJECT, "BENCH_NAMESPACE": NAMESPACE}
                uncompiled = _without_byte_code(directory)
                compiling = article | {"PYTHONPATH": str(uncompiled.parent), "PYTHONDONTWRITEBYTECODE": "1"}
                starts: dict[str, tuple[Path, Mapping[str, str], int]] = {
                    "trivial": (TRIVIAL, {}, 200),
                    FLOOR_CASE: (FLOOR, plain, 202),
                    "plain": (PLAIN, plain, 202),
                    ARTICLE: (OURS, {**article, "TRIGGERS_SOURCE": str(ROOT / "infra" / "triggers")}, 202),
                    SECRET_MANAGER: (DEPLOYED, managed, 202),
                    COMPILING: (uncompiled, compiling, 202),
                }
                for case in (ARTICLE, SECRET_MANAGER) if beside else ():
                    source, given, status = starts[case]
                    there = {"PYTHONPATH": str(beside)}
                    starts[case + BESIDE] = (beside / source.relative_to(ROOT), {**given, **there}, status)
                for number in range(-1, rounds):
                    progress(f"cold start, round {number + 1} of {rounds}")
                    for case, (source, given, status) in starts.items():
                        spent = _first_answer(source, given, status, number)
                        if number >= 0:  # the first round fills the caches of byte code and files
                            times.setdefault(case, []).append(spent)
                stages = {case: _stages(starts[case][1], 3 if quick else 7) for case in (ARTICLE, SECRET_MANAGER)}
    return _rows(times, stages)


def _without_byte_code(directory: Path) -> Path:
    """Copy the function without its caches of byte code and return its main.py."""
    target = directory / "source"
    shutil.copytree(ROOT / "functions", target / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "infra" / "triggers", target / "infra" / "triggers")
    return Path(shutil.copy(OURS, target))


def _first_answer(source: Path, given: Mapping[str, str], status: int, number: int) -> Spent:
    body = push(2, number=number + 1000)
    started = time.perf_counter()
    with served(source, given) as function:
        connection = HTTPConnection("127.0.0.1", function.port)
        connection.request("POST", "/", body, headers(body, number + 1000))
        answer = connection.getresponse()
        text = answer.read()
        spent = Spent((time.perf_counter() - started) * 1000, function.tree_seconds() * 1000)
        connection.close()
    if answer.status != status:
        raise RuntimeError(f"the first delivery was answered with {answer.status}: {text.decode()}")
    return spent


def _stages(given: Mapping[str, str], rounds: int) -> dict[str, float]:
    progress("cold start, stages")
    found = [python("stages", {}, given) for _ in range(rounds)]
    return {stage: statistics.median(each[stage] for each in found) for stage in STAGES}


def _rows(times: Mapping[str, list[Spent]], stages: Mapping[str, Mapping[str, float]]) -> list[Row]:
    wall = {case: statistics.median(each.wall for each in found) for case, found in times.items()}
    processor = {case: statistics.median(each.processor for each in found) for case, found in times.items()}
    rows = []

    def compared(case: str, beside: str, what: str, at_most: float | None) -> None:
        rows.extend(
            Row(
                "1 cold start",
                f"{case}{more}",
                found[case],
                "ms",
                beside=found[beside],
                beside_what=what,
                at_most=bound,
            )
            for found, more, bound in ((wall, "", at_most), (processor, ": processor time", None))
        )

    compared(FLOOR_CASE, "trivial", "trivial function", None)
    compared(FLOOR_CASE, "plain", "the plain way", None)
    for case, at_most in ((ARTICLE, 2.7), (COMPILING, None), (SECRET_MANAGER, 3.6)):
        compared(case, "trivial", "trivial function", at_most)
        if case == SECRET_MANAGER:
            compared(case, "plain", "the plain way", 0.8)
        if case + BESIDE in wall:
            compared(case, case + BESIDE, "the other checkout", None)
        spent = stages.get(case, {})
        rows += [Row("1 cold start", f"- of it {stage}", spent[stage], "ms") for stage in STAGES if stage in spent]
    return rows
