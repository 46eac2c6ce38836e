"""What a secretKey finds in payloads, and their checksum."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.secrets.crc32c import crc32c
from functions.adapters.secrets.values import MAX_BYTES, Secret, SecretValue
from functions.common.errors import LastingError
from functions.common.values import SecretRef

REF = SecretRef("team", "hook", "key")


def accepted(*payloads: bytes) -> tuple[bytes, ...]:
    return Secret(tuple(SecretValue.parsed(payload) for payload in payloads)).accepted(REF)


@pytest.mark.parametrize(
    "payload",
    [
        b"text",
        b"[1]",
        b'"key"',
        b"12",
        b"null",
        b"{",
        b'{"key": "a"',
        b"{key}",
        b'{"key": NaN}',
        b'{"key": "\xff"}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_json_object_is_the_value(payload: bytes) -> None:
    assert accepted(payload) == (payload,)


@pytest.mark.parametrize("payload", [b'{"key":"v"}', b' \n{"key": "v", "n": 1}\n', b'{"key": "x", "key": "v"}'])
def test_a_json_object_is_looked_up(payload: bytes) -> None:
    assert accepted(payload) == (b"v",)


def test_numbers_of_any_length_do_not_hide_an_object() -> None:
    assert accepted(b'{"n": ' + b"9" * 5000 + b', "key": "v"}') == (b"v",)


@pytest.mark.parametrize("value", ['{"a": 1}', "[1]", "1", "true", "null", r'"\ud800"'])
def test_a_value_that_is_no_string_is_refused(value: str) -> None:
    with pytest.raises(LastingError, match="the value of key key is not a string"):
        accepted(b'{"key": ' + value.encode() + b"}")


def test_an_object_that_nests_without_end_is_refused() -> None:
    with pytest.raises(LastingError, match="nests too deeply"):
        accepted(b'{"key": ' + b"[" * 200_000)


def test_more_than_a_mebibyte_is_refused() -> None:
    assert len(accepted(b"x" * MAX_BYTES)[0]) == MAX_BYTES
    with pytest.raises(LastingError, match="larger than 1024 KiB"):
        accepted(b"x" * (MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("payload", "values"),
    [
        (b"k\n", (b"k\n", b"k")),
        (b"k\r\n", (b"k\r\n", b"k")),
        (b"k\n\n", (b"k\n\n", b"k\n")),
        (b" k ", (b" k ",)),
        (b"k\r", (b"k\r",)),
        (b'{"key": "k\\n"}', (b"k\n", b"k")),
    ],
)
def test_one_newline_at_the_end_is_accepted_with_and_without(payload: bytes, values: tuple[bytes, ...]) -> None:
    assert accepted(payload) == values


def test_versions_stay_in_order_and_single() -> None:
    assert accepted(b"b\n", b'{"key": "a"}', b"b", b"a") == (b"b\n", b"b", b"a")


def test_versions_without_the_key_or_empty_are_passed_over() -> None:
    assert accepted(b"", b'{"other": "x"}', b'{"key": 1}', b"k") == (b"k",)


@given(
    st.one_of(
        st.binary(max_size=40),
        st.recursive(st.text() | st.integers() | st.none(), st.lists).map(lambda v: json.dumps({"key": v}).encode()),
    )
)
def test_no_payload_gives_an_empty_value_or_an_unknown_error(payload: bytes) -> None:
    try:
        values = accepted(payload)
    except LastingError:
        return
    assert values
    assert all(value.strip() for value in values)


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checksums_of_rfc_3720(data: bytes, checksum: int) -> None:
    assert crc32c(data) == checksum
