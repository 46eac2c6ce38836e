"""The shape of a JSON text: depth and values as a parser meets them, and no less memory than the parser takes."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import AbstractContextManager, nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.common.values import Json
from functions.go.decode import parse_json
from functions.go.json_shape import rough_shape_of, shape_of
from tests.security.shapes import MIB, SHAPES
from tests.support.function import ROOT

# strings full of what has a meaning outside of them
TEXTS = st.text(alphabet='[]{},:"\\\\abü中😀', max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
)


def depth(value: Json) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_depth_and_values_are_those_of_the_text(value: Json, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    shape = shape_of(text.encode())
    bare = json.dumps(json.loads(text, object_hook=lambda found: {f"{n}": v for n, v in enumerate(found.values())}))
    assert shape.depth == depth(value)
    assert shape.values >= sum(1 for _ in nested(value)) - 1, bare


@given(VALUES, st.booleans(), st.sampled_from([None, 2]))
def test_the_rough_shape_has_no_less(value: Json, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    exact, rough = shape_of(text), rough_shape_of(text)
    assert min(rough.depth - exact.depth, rough.values - exact.values, rough.size - exact.size) >= 0


@pytest.mark.parametrize("body", [b'{"a":"' + b"[" * 501 + b'"}', b"[" + b'{"a":{}},' * 8_000 + b"{}]"])
def test_the_exact_shape_decides_where_the_rough_one_is_much(body: bytes) -> None:
    told: list[int] = []

    def making(size: int) -> AbstractContextManager[None]:
        told.append(size)
        return nullcontext()

    assert parse_json(body, making) is not None
    assert told == [shape_of(body).size]


def nested(value: Json) -> list[Json]:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(found for item in inner for found in nested(item))]


@pytest.mark.parametrize("cut", [131_071, 131_072, 131_073])
def test_no_string_or_escape_is_cut_apart(cut: int) -> None:
    text = b'["' + b"a" * (cut - 4) + rb"\\\"[[[" + b'",{}]'
    assert (shape_of(text).depth, shape_of(text).values) == (2, 3)
    assert shape_of(b"[" + b'"",' * cut + b"0]").values == cut + 1


def test_a_key_that_was_met_before_takes_less() -> None:
    same = b"[" + b",".join([b'{"some_name":1}'] * 600_000) + b"]"
    other = b"[" + b",".join(b'{"%09x":1}' % number for number in range(600_000)) + b"]"
    assert len(same) == len(other)
    assert shape_of(same).size < shape_of(other).size * 4 // 5


@pytest.mark.parametrize("shape", SHAPES)
def test_it_takes_no_more_than_was_told(shape: str) -> None:
    """In a process of its own, whose memory nobody else has touched; what Python itself keeps at hand comes on top."""
    code = f"""
import re
from pathlib import Path
from functions.go.json_shape import rough_shape_of, shape_of
from functions.go.decode import parse_json
from functions.common.errors import BadRequestError
from tests.security.shapes import SHAPES
def memory(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
body = SHAPES[{shape!r}](2 << 20)
told = shape_of(body).size
Path("/proc/self/clear_refs").write_text("5")
before = memory("VmRSS")
try:
    value = parse_json(body)
except BadRequestError:
    pass
print(told, memory("VmHWM") - before)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    told, took = map(int, done.stdout.split())
    assert took <= told + 4 * MIB
