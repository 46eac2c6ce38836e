"""Memory under more hostile bodies at once than there are threads: the real server, measured from outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_from_bytes

import pytest
import urllib3

from functions.adapters.http.body import MAX_BODY
from functions.delivery import FORM
from tests.adapters.outbound.support import Server, answer
from tests.security.shapes import MIB, SHAPES, push_of_files
from tests.standins.apiserver import ApiServer
from tests.support.deliveries import PUSH, encoded, headers
from tests.support.function import ServedFunction
from tests.support.sources import cel, github, inline, listener, run, template
from tests.support.workspace import Workspace
from tests.test_outgoing_interceptors import cluster_interceptor, custom, webhook

PROCESS = 440 * MIB
"""What the serving process may take of the default deployment's 512 MiB; gunicorn's other one has 40."""
THREADS = 16
KEY = b"hook-key"
WORST = ("small-dicts", "short-strings", "deep-lists", "keys")
COMPARED = "header.canonical('X-Token').compareSecret('token', 'hook') && body.ref == 'refs/heads/main'"


@pytest.fixture(scope="module")
def outside() -> Iterator[Server]:
    """An interceptor that answers with much JSON, which becomes far more."""
    extensions = b",".join(b'"%x":{"a":1}' % number for number in range(20_000))
    with Server(answer(b'{"continue":true,"ref":"main","extensions":{%s}}' % extensions)) as running:
        yield running


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory, cluster: ApiServer, outside: Server) -> Iterator[ServedFunction]:
    """A function as it is deployed, with three listeners in the namespace `memory`.

    One takes what GitHub has signed; another one asks interceptors outside about that; of the third, whose triggers
    compare a token in CEL, anybody reaches the parser.
    """
    workspace = Workspace(tmp_path_factory.mktemp("memory"), cluster, namespace="memory")
    workspace.secret("hook", "token", KEY)
    branch = [{"name": "branch", "value": "$(body.ref)"}]
    asked = custom("outside"), webhook(outside)
    workspace.write(
        [
            template("template", run("run-", branch="$(tt.params.branch)")),
            cluster_interceptor("outside", url=outside.url()),
            listener(*(inline(f"asked-{n}", github(), *asked, bindings=branch) for n in range(2)), name="asked"),
            listener(inline("signed", github(), bindings=branch), name="signed"),
            template(
                "many", *(run(f"run-{n}-", **{f"a{m}": "-$(tt.params.branch)" for m in range(7)}) for n in range(60))
            ),
            listener(inline("repeated", github(), bindings=branch, template={"ref": "many"}), name="repeated"),
            listener(*(inline(f"compared-{number}", cel(COMPARED)) for number in range(3)), name="compared"),
        ]
    )
    environment = workspace.environment(OUTBOUND_HOSTS=outside.entry)
    with ServedFunction(environment, threads=THREADS, fresh=True) as served:
        yield served


def sent(function: ServedFunction, body: bytes, *, signed: bool, kind: str = "application/json", name: str = "") -> int:
    listened = name or ("signed" if signed else "compared")
    given = headers("push", body, secret=KEY if signed else b"forged") | {"Content-Type": kind, "X-Token": "forged"}
    try:
        return function.post(body, given, f"/memory/{listened}").status
    except urllib3.exceptions.ProtocolError:
        return 503  # refused and closed while we were still sending, as TCP has it


def attacked(
    function: ServedFunction,
    bodies: Sequence[bytes],
    *,
    signed: bool,
    kind: str = "application/json",
    name: str = "",
) -> None:
    """Send hostile bodies, twice as many at once as there are threads, and small pushes meanwhile, which are created.

    How soon, `bench` measures: GitHub gives up after ten seconds. On a busy machine one may have to be sent again.
    """
    small = encoded(PUSH | {"small": True})
    with ThreadPoolExecutor(2 * THREADS) as pool:
        hostile = [pool.submit(sent, function, body, signed=signed, kind=kind, name=name) for body in bodies]
        for _ in range(5):
            own = urllib3.PoolManager(retries=False, timeout=100)
            genuine = (
                own.request(
                    "POST", f"{function.url}/memory/signed", body=small, headers=headers("push", small, secret=KEY)
                ).status
                for _ in range(10)
            )
            assert next(status for status in genuine if status != 503) == 202
        assert {future.result() for future in hostile} <= {202, 400, 401, 413, 422, 503}
    assert function.memory() < PROCESS


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "forged"])
def test_all_shapes_at_once(signed: bool, function: ServedFunction) -> None:
    attacked(function, [make(size) for size in (MIB - 4096, 4 * MIB) for make in SHAPES.values()], signed=signed)


@pytest.mark.parametrize("shape", WORST)
def test_many_bodies_of_the_worst_shapes(shape: str, function: ServedFunction) -> None:
    for size in (MIB - 4096, 3 * MIB):
        attacked(function, [SHAPES[shape](size)] * 2 * THREADS, signed=True)


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "forged"])
def test_forms_of_escapes(signed: bool, function: ServedFunction) -> None:
    body = b"payload=" + b"%41" * ((MAX_BODY - 8) // 3)
    attacked(function, [body] * THREADS, signed=signed, kind=FORM)


def test_the_largest_bodies_forged(function: ServedFunction) -> None:
    attacked(function, [bytes(MAX_BODY)] * 2 * THREADS, signed=False)


def test_the_largest_pushes_pass(function: ServedFunction) -> None:
    body = push_of_files(300_000)
    assert MAX_BODY // 2 < len(body) < MAX_BODY
    assert sent(function, body, signed=True) == 202
    form = b"payload=" + quote_from_bytes(push_of_files(170_000), safe="").encode()
    assert MAX_BODY // 3 < len(form) < MAX_BODY
    assert sent(function, form, signed=True, kind=FORM) == 202
    attacked(function, [body] * THREADS, signed=True)


@pytest.mark.parametrize("shape", ["one-wide-string", "small-dicts"])
def test_what_interceptors_outside_are_asked_and_answer(shape: str, function: ServedFunction) -> None:
    attacked(function, [SHAPES[shape](5 * MIB)] * THREADS, signed=True, name="asked")


def test_a_text_that_stands_in_many_places(function: ServedFunction) -> None:
    body = encoded(PUSH | {"ref": "😀" * 200_000})
    attacked(function, [body] * THREADS, signed=True, name="repeated")
