"""Cold start: from the start of the process to the answer of its first delivery, which creates an object."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping
from http.client import HTTPConnection
from pathlib import Path

from bench.inputs import CEL_TRIGGERS, NAMESPACE, PROJECT, ROOT, SECRET, headers, listener, push, write_secret
from bench.processes import cluster, python, served, stand_in
from bench.rows import Row, progress
from bench.stages import STAGES

TRIVIAL = ROOT / "bench" / "trivial" / "main.py"
OURS = ROOT / "main.py"
ARTICLE = "article's manifests, file secret, one create"
SECRET_MANAGER = "Secret Manager, three triggers with CEL, three creates"
COMPILING = "article's, the function's own byte code not kept"


def measure(*, quick: bool) -> list[Row]:
    """Start the trivial function and ours by turns, and ours in stages."""
    times: dict[str, list[float]] = {}
    rounds = 4 if quick else 15
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "triggers.yaml").write_text(listener(*CEL_TRIGGERS))
        (directory / "key").write_bytes(SECRET)
        secrets = write_secret(directory)
        with cluster(directory, "goldstine-lab") as lab, cluster(directory, NAMESPACE) as own:
            stored = [f"--secret={PROJECT}/github-webhook={directory / 'key'}", f"--secret={PROJECT}/cluster={own}"]
            with stand_in("secret_manager", *stored) as manager:
                cases = {
                    ARTICLE: {"TRIGGERS_SOURCE": "infra/triggers", "SECRETS_SOURCE": secrets, "KUBECONFIG": str(lab)},
                    SECRET_MANAGER: {
                        "TRIGGERS_SOURCE": str(directory / "triggers.yaml"),
                        "SECRETS_SOURCE": f"secret-manager://{PROJECT}",
                        "KUBECONFIG_SECRET": f"projects/{PROJECT}/secrets/cluster",
                        "SECRET_MANAGER_EMULATOR_HOST": manager["host"],
                    },
                }
                uncompiled = _without_byte_code(directory)
                for number in range(-1, rounds):
                    progress(f"cold start, round {number + 1} of {rounds}")
                    found = {"trivial": _first_answer(TRIVIAL, {}, 200, number)}
                    found |= {case: _first_answer(OURS, given, 202, number) for case, given in cases.items()}
                    given = cases[ARTICLE] | {"PYTHONPATH": str(uncompiled.parent), "PYTHONDONTWRITEBYTECODE": "1"}
                    found[COMPILING] = _first_answer(uncompiled, given, 202, number)
                    if number >= 0:  # the first round fills the caches of byte code and files
                        for case, spent in found.items():
                            times.setdefault(case, []).append(spent)
                stages = {case: _stages(given, 3 if quick else 7) for case, given in cases.items()}
    return _rows(times, stages)


def _without_byte_code(directory: Path) -> Path:
    """Copy the function without its caches of byte code and return its main.py."""
    target = directory / "source"
    shutil.copytree(ROOT / "functions", target / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "infra" / "triggers", target / "infra" / "triggers")
    return Path(shutil.copy(OURS, target))


def _first_answer(source: Path, given: Mapping[str, str], status: int, number: int) -> float:
    body = push(2, number=number + 1000)
    started = time.perf_counter()
    with served(source, given) as function:
        connection = HTTPConnection("127.0.0.1", function.port)
        connection.request("POST", "/", body, headers(body, number + 1000))
        answer = connection.getresponse()
        text = answer.read()
        spent = time.perf_counter() - started
        connection.close()
    if answer.status != status:
        raise RuntimeError(f"the first delivery was answered with {answer.status}: {text.decode()}")
    return spent * 1000


def _stages(given: Mapping[str, str], rounds: int) -> dict[str, float]:
    progress("cold start, stages")
    found = [python("stages", {}, given) for _ in range(rounds)]
    return {stage: statistics.median(each[stage] for each in found) for stage in STAGES}


def _rows(times: Mapping[str, list[float]], stages: Mapping[str, Mapping[str, float]]) -> list[Row]:
    trivial = statistics.median(times["trivial"])
    rows = []
    for case, at_most in ((ARTICLE, 1.6), (COMPILING, None), (SECRET_MANAGER, 2.2)):
        value = statistics.median(times[case])
        rows.append(
            Row("1 cold start", case, value, "ms", beside=trivial, beside_what="trivial function", at_most=at_most)
        )
        spent = stages.get(case, {})
        rows += [Row("1 cold start", f"- of it {stage}", spent[stage], "ms") for stage in STAGES if stage in spent]
    return rows
