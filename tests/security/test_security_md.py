"""SECURITY.md: every test that it names exists, every claim names one, and its numbers are the code's."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from functions import delivery
from functions.adapters.http import body, exchange, room
from functions.adapters.outbound import calls as outbound
from functions.cel import frame
from functions.common import call_bounds, limits
from functions.entrypoints.webhook import DELIVERY_SECONDS
from functions.go import decode, encode
from functions.interceptors.outgoing import CALL_SECONDS
from functions.listening import listeners
from functions.model import documents, findings
from functions.rendering import templates
from tests.support.function import ROOT

TEXT = (ROOT / "SECURITY.md").read_text()
REFERENCES = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))
MIB = 1 << 20


@cache
def functions_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("file", "name"), REFERENCES)
def test_a_named_test_exists(file: str, name: str) -> None:
    assert name.startswith("test_")
    assert name in functions_in(ROOT / "tests" / file)


def test_every_claim_names_its_test() -> None:
    assert len(REFERENCES) > 60
    claimed = False
    for line in TEXT.splitlines():
        if not line.startswith("|"):
            claimed = False
        elif "shown by" in line:
            claimed = True
        elif claimed and not line.startswith("|---"):
            assert re.search(r"`[\w/]+\.py::\w+`", line), line


LIMITS = {
    "body": [f"{body.MAX_BODY // MIB} MiB"],
    "body, time to arrive": [f"{body.BODY_SECONDS:g} s", f"{body.GRACE_SECONDS:g} s"],
    "threads that wait: for bodies, and for a turn to parse large ones": [f"{room.TURN_SECONDS:g} s at most"],
    "bodies over 1 MiB at a time": [
        f"{room.LARGE_BODIES // MIB} MiB together",
        f"{room.MAX_WAITING} may wait, {room.ROOM_SECONDS:g} s",
        f"Retry-After {room.BUSY_RETRY_SECONDS}",
    ],
    "what bodies become": [
        f"{room.VERIFIED_VALUES // MIB} MiB",
        f"{room.UNVERIFIED_DELIVERY // MIB} MiB for one",
        f"{room.UNVERIFIED_VALUES // MIB} for all",
        f"{room.SMALL_VALUES // MIB} MiB",
    ],
    "headers": [f"{exchange.MAX_HEADERS} fields", f"{exchange.MAX_HEADER_BYTES // 1024} KiB together"],
    "path and query": [f"{exchange.MAX_PATH:,} characters"],
    "event's name": [f"{exchange.MAX_EVENT_NAME} characters"],
    "form fields": [f"{delivery.MAX_FORM_FIELDS:,}"],
    "JSON": [
        f"{decode.MAX_DEPTH} levels",
        f"{decode.MAX_VALUES:,} values",
        f"{decode.MAX_INTEGER_DIGITS} digits",
    ],
    "CEL evaluation": [
        f"{limits.MIN_STEPS:,} steps and {limits.STEPS_PER_BYTE} for each byte",
        f"{frame.MAX_PRODUCED // MIB} MiB produced",
    ],
    "JSONPath": [
        f"{limits.MIN_VISITED:,} values and one for each {limits.BYTES_PER_VISITED} bytes",
        f"{encode.MAX_TEXT / MIB:g} M characters",
    ],
    "rendered resource": [f"{templates.MAX_RESOURCE_BYTES / MIB:g} MiB", f"{templates.MAX_DEPTH} levels"],
    "triggers of a listener": [f"{listeners.MAX_TRIGGERS:,}"],
    "outgoing calls": [
        f"{call_bounds.MAX_CALLS} in a delivery",
        f"{outbound.MAX_CALLS} at a time",
        f"{CALL_SECONDS:g} s and {outbound.MAX_ANSWER // MIB} MiB each",
    ],
    "delivery": [f"{DELIVERY_SECONDS:g} s"],
    "manifests": [
        f"{documents.MAX_BYTES // MIB} MiB",
        f"{documents.MAX_NODES:,} values",
        f"{documents.MAX_DEPTH} levels",
        f"{documents.MAX_DOCUMENTS:,} documents",
        f"{findings.MAX_MISTAKES} mistakes",
    ],
}


@pytest.mark.parametrize("what", LIMITS)
def test_the_limits_are_those_of_the_code(what: str) -> None:
    [row] = re.findall(rf"^\| {re.escape(what)} \|.*$", TEXT.partition("## Limits")[2], re.MULTILINE)
    for limit in LIMITS[what]:
        assert limit in row


def test_the_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for command in set(re.findall(r"`make (\w+)", TEXT)):
        assert re.search(rf"^{command}:.*## ", makefile, re.MULTILINE), command


def test_the_files_that_it_links_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / target).exists(), target
