"""A sender as GitHub and Cloud Run are together: `python -m bench.flood` reads a job and prints what came of it.

Deliveries are due at even distances over `seconds`, whatever becomes of earlier ones; with 0, as soon as there is an
instance for them. Each goes to the one that has the fewest under way; where all have as many as they may, it waits.
Ten seconds after a delivery was due, or had its instance, GitHub gives up.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.inputs import SECRET, headers, push
from bench.processes import Served, python

GIVEN_UP_AFTER = 10.0
_KEPT = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class _Instance:
    port: int
    idle: list[_KEPT] = field(default_factory=list)
    busy: int = 0

    async def post(self, message: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body; over a new connection where a kept one was closed as it idled."""
        if self.idle:
            try:
                return await self._post(*self.idle.pop(), message)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                if isinstance(error, asyncio.IncompleteReadError) and error.partial:
                    raise
        return await self._post(*await asyncio.open_connection("127.0.0.1", self.port), message)

    async def _post(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes
    ) -> tuple[int, bytes]:
        try:
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            body = await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))
        return int(head.split(b" ", 2)[1]), body


class _Instances:
    def __init__(self, ports: Sequence[int], concurrency: int) -> None:
        self._all = [_Instance(port) for port in ports]
        self._free = asyncio.Semaphore(concurrency * len(ports))

    @asynccontextmanager
    async def one(self) -> AsyncIterator[_Instance]:
        async with self._free:
            instance = min(self._all, key=lambda found: found.busy)
            instance.busy += 1
            try:
                yield instance
            finally:
                instance.busy -= 1


def _message(number: int, secret: bytes, *, mixed: bool) -> bytes:
    """Return a push as it goes over the wire: of 2 KB and signed, or, `mixed`, of another kind with each number."""
    kind = number % 100 if mixed else 0
    body = push(
        1_000 if kind in (98, 99) else 20 if kind > 80 else 2, number=number - number % 100 if kind == 1 else number
    )
    if kind in range(10, 20):
        body = body.replace(b"refs/heads/main", b"refs/heads/next")  # filtered
    elif kind in range(20, 25):
        body = body.replace(b"refs/heads/main", b"refs/heads/fail")  # of a kind that the cluster does not know
    elif kind in range(25, 28):
        body = body[:-1]  # no JSON
    sent = headers(body, number, forged=kind in range(28, 38), key=secret)
    lines = [f"{name}: {value}" for name, value in sent.items()]
    head = "\r\n".join(["POST / HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}", *lines, "", ""])
    return head.encode() + body


async def _send(
    *, ports: Sequence[int], concurrency: int, first: int, deliveries: int, seconds: float, mixed: bool, secret: str
) -> dict[str, Any]:
    instances = _Instances(ports, concurrency)
    found: Counter[str] = Counter()
    times: list[float] = []
    began = time.perf_counter()

    async def deliver(place: int) -> None:
        due = began + place * seconds / deliveries
        await asyncio.sleep(due - time.perf_counter())
        try:
            async with asyncio.timeout(GIVEN_UP_AFTER if seconds else None), instances.one() as instance:
                message = _message(first + place, secret.encode(), mixed=mixed)
                async with asyncio.timeout(GIVEN_UP_AFTER):
                    status, body = await instance.post(message)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            found["no answer"] += 1
        else:
            found[str(status)] += 1
            found.update(trigger["status"] for trigger in json.loads(body).get("triggers", ()))
        times.append(time.perf_counter() - due)

    await asyncio.gather(*(deliver(place) for place in range(deliveries)))
    times.sort()
    return {
        "seconds": time.perf_counter() - began,
        "processor": time.process_time(),
        "found": dict(found),
        "median": times[len(times) // 2],
        "p95": times[len(times) * 95 // 100],
        "most": times[-1],
    }


def flood(
    functions: Sequence[Served],
    first: int,
    deliveries: int,
    *,
    seconds: float = 0.0,
    concurrency: int = 16,
    mixed: bool = False,
    secret: bytes = SECRET,
) -> dict[str, Any]:
    """Send so many deliveries from a process of its own, `concurrency` at a time to each function."""
    job = {
        "ports": [one.port for one in functions],
        "concurrency": concurrency,
        "mixed": mixed,
        "secret": secret.decode(),
    }
    found: dict[str, Any] = python("flood", job | {"first": first, "deliveries": deliveries, "seconds": seconds})
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_send(**json.load(sys.stdin)))) + "\n")
