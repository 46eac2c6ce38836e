"""Bodies whose bytes become far more in memory, and others that are as large as GitHub sends them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.deliveries import PUSH, encoded

MIB = 1 << 20


def listed(unit: bytes, size: int) -> bytes:
    """Return a push of about `size` bytes with a list of one and the same text, which ends in a comma."""
    return encoded(PUSH)[:-1] + b',"x":[' + unit * (size // len(unit)) + unit[:-1] + b"]}"


def of_keys(size: int) -> bytes:
    """Return one with an object of many short keys."""
    return encoded(PUSH)[:-1] + b',"x":{' + b",".join(b'"%x":1' % n for n in range(size // 9)) + b"}}"


def of_objects(size: int) -> bytes:
    """Return one with many objects of one key, each another one."""
    return encoded(PUSH)[:-1] + b',"x":[' + b",".join(b'{"%x":1}' % n for n in range(size // 12)) + b"]}"


def of_one_string(size: int) -> bytes:
    """Return one with a string that is wide for its last character alone."""
    return encoded(PUSH)[:-1] + b',"x":"' + b"a" * size + '😀"}'.encode()


SHAPES: Mapping[str, Callable[[int], bytes]] = {
    "dicts": lambda size: listed(b"{},", size),
    "small-dicts": lambda size: listed(b'{"a":1},', size),
    "lists": lambda size: listed(b"[],", size),
    "pairs": lambda size: listed(b"[[],[]],", size),
    "lists-of-one": lambda size: listed(b"[1],", size),
    "floats": lambda size: listed(b"1.5,", size),
    "integers": lambda size: listed(b"999,", size),
    "digits": lambda size: listed(b"1,", size),
    "empty-strings": lambda size: listed(b'"",', size),
    "short-strings": lambda size: listed(b'"ab",', size),
    "wide-strings": lambda size: listed('"😀",'.encode(), size),
    "surrogates": lambda size: listed(rb'"\ud83d\ude00",', size),
    "lone-surrogates": lambda size: listed(rb'"\ud800",', size),
    "escapes": lambda size: listed(b'"' + rb"\u4e2d" * 50 + b'",', size),
    "deep-lists": lambda size: listed(b"[" * 490 + b"]" * 490 + b",", size),
    "deep-dicts": lambda size: listed(b'{"a":' * 490 + b"1" + b"}" * 490 + b",", size),
    "keys": of_keys,
    "objects": of_objects,
    "one-wide-string": of_one_string,
    "no-utf-8": lambda size: listed(b'"' + b"\xff" * 99 + b'",', size),
    "one-byte-no-utf-8": lambda size: listed(b"[1],", size)[:-2] + b',"\xff"]}',
    "zeros": bytes,
}
"""By name, what makes a body of about so many bytes."""


def push_of_files(names: int) -> bytes:
    """Return a push of 2,048 commits, the most that GitHub lists, that name so many files, the last of them alone."""
    commit: dict[str, Any] = {
        "tree_id": "f9d2a07e9488b91af2641b26b9407fe22a451433",
        "distinct": True,
        "message": "Say hello: 🎉 to everybody [skip ci]",
        "timestamp": "2026-11-22T10:11:12+01:00",
        "author": {"name": "mosuke5", "email": "mosuke5@example.com", "username": "mosuke5"},
        "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
    }
    each = -(-names // 2_048)
    commits: list[dict[str, Any]] = []
    for number in range(2_048):
        first = number * each
        files = [f"services/billing/internal/generated/file-{file}.go" for file in range(first, first + each)]
        identity = {"id": f"{number:040x}", "url": f"https://github.com/mosuke5/myapp/commit/{number:040x}"}
        commits.append(identity | commit | {"added": files[: each // 2], "removed": [], "modified": files[each // 2 :]})
    commits[-1]["modified"].append("the/very-last.txt")
    return json.dumps(PUSH | {"commits": commits}, separators=(",", ":"), ensure_ascii=False).encode()
