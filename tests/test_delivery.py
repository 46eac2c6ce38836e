"""One delivery: headers as Go spells them, forms, ids."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from functions.common.errors import BadRequestError
from functions.delivery import Delivery, canonical_headers, canonical_name, opened, repository_name
from functions.go.form import parse_query


def delivery(body: bytes = b"{}", **headers: str) -> Delivery:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Delivery(path="/hook?x=1", headers=canonical_headers(pairs), body=body, received_at=0, nonce="drawn")


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("x-github-event", "X-Github-Event"),
        ("X-GitHub-DELIVERY", "X-Github-Delivery"),
        ("content-type", "Content-Type"),
        ("x--y-", "X--Y-"),
        ("sp ace", "sp ace"),
        ("é-x", "é-x"),
        ("", ""),
    ],
)
def test_names_are_spelt_as_go_spells_them(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


def test_host_is_left_out_and_repeated_headers_are_kept_in_order() -> None:
    found = canonical_headers(
        [("Host", "h"), ("transfer-encoding", "chunked"), ("Trailer", "X-A"), ("x-a", "1"), ("X-A", "2")]
    )
    assert found == {"X-A": ("1", "2")}


def test_the_event_is_named_and_numbered_by_its_sender() -> None:
    github = delivery(X_GitHub_Event="push", X_GitHub_Delivery="72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert (github.event_name, github.event_id) == ("push", "72d3162e-cc78-11e3-81ab-4c9367dc0958")
    assert delivery(X_Gitlab_Event="Push Hook", X_Gitlab_Event_UUID="u").sender_id == "u"
    assert delivery(X_Event_Key="repo:push", X_Request_UUID="r").event_name == "repo:push"
    assert delivery().event_id == "drawn"


@pytest.mark.parametrize("hostile", ["a" * 64, "../x", "a\nb", "-a", "ü"])
def test_an_id_that_cannot_be_a_label_is_not_the_event_id(hostile: str) -> None:
    assert delivery(X_GitHub_Delivery=hostile).event_id == "drawn"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "", "application/x-www-form-urlencoded"])
def test_any_content_type_is_read_as_json(content_type: str) -> None:
    event = delivery(b'{"a": [1]}', Content_Type=content_type).event(forms=True)
    assert event.body == {"a": [1]}
    assert event.request_url == "/hook?x=1"


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8"]
)
def test_githubs_form_encoding_is_the_json_in_payload(content_type: str) -> None:
    raw = urlencode({"payload": json.dumps({"ref": "a&b=ü"})}).encode()
    assert delivery(raw, Content_Type=content_type).event(forms=False).body == {"ref": "a&b=ü"}


def test_a_form_becomes_lists_where_forms_are_taken() -> None:
    form = delivery(b"token=x&text=a+b&text=&empty=", Content_Type="application/x-www-form-urlencoded")
    assert opened(form.event(forms=True)).body == {"token": ["x"], "text": ["a b", ""], "empty": [""]}
    with pytest.raises(BadRequestError, match="payload-validation"):
        form.event(forms=False)


def test_a_form_with_a_charset_is_no_form_to_tekton() -> None:
    given = delivery(b"a=1&b=2", Content_Type="application/x-www-form-urlencoded; charset=utf-8")
    assert "not JSON" in opened(given.event(forms=True)).unread


def test_forms_are_bounded() -> None:
    raw = b"&".join(b"a%d=" % n for n in range(2_000))
    with pytest.raises(BadRequestError):
        delivery(raw, Content_Type="application/x-www-form-urlencoded").event(forms=True)


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"1", b"true"])
def test_events_are_objects_unless_payloads_are_not_validated(raw: bytes) -> None:
    with pytest.raises(BadRequestError, match="not an object"):
        delivery(raw).event(forms=False)
    assert delivery(raw).event(forms=True).body == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "pairs"),
    [
        (b"", {}),
        (b"a", {b"a": [b""]}),
        (b"&&a=1&", {b"a": [b"1"]}),
        (b"a=1=2&=3", {b"a": [b"1=2"], b"": [b"3"]}),
        (b"a+b=%2B%26+c", {b"a b": [b"+& c"]}),
        (b"a=1;b=2&c=3", {b"c": [b"3"]}),
        (b"a=%&b=%2&c=%zz&%=d&e=%C3%BC", {b"e": [b"\xc3\xbc"]}),
    ],
)
def test_a_form_is_read_as_gos_parse_query_reads_it(raw: bytes, pairs: dict[bytes, list[bytes]]) -> None:
    assert parse_query(raw) == pairs


def test_null_passes_as_in_tekton() -> None:
    assert delivery(b"null").event(forms=True).body is None


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"repository": {"full_name": "o/r"}}, "o/r"),
        ({"project": {"path_with_namespace": "a/b/c"}}, "a/b/c"),
        ({"repository": {"full_name": "o/r\nseverity: x"}}, ""),
        ({"repository": "o/r"}, ""),
        ({}, ""),
        (None, ""),
    ],
)
def test_the_repository_is_named_for_the_log(body: object, name: str) -> None:
    assert repository_name(body) == name  # type: ignore[arg-type]  # any JSON may come
