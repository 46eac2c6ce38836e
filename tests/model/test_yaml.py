"""YAML as Kubernetes reads it: scalars, merges, aliases, tags, bounds, and where each value stands."""

from __future__ import annotations

from itertools import pairwise

import pytest
import yaml

from functions.common.values import Json
from functions.go.yaml_scalars import YamlError
from functions.model import documents as manifest_documents
from functions.model.documents import decode_text, read_documents

SCALARS: dict[str, Json] = {
    "yes": True,
    "On": True,
    "y": "y",
    "TRUE": True,
    "no": False,
    "OFF": False,
    "N": "N",
    "yEs": "yEs",
    "tRue": "tRue",
    "": None,
    "~": None,
    "Null": None,
    "nULL": "nULL",
    "'yes'": "yes",
    '"null"': "null",
    "12": 12,
    "-12": -12,
    "+12": 12,
    "0": 0,
    "017": 15,
    "0o17": 15,
    "08": 8,
    "0x1F": 31,
    "0b101": 5,
    "-0b101": -5,
    "1_000": 1000,
    "18446744073709551615": 18446744073709551615,
    "18446744073709551616": 18446744073709551616,
    "-9223372036854775808": -9223372036854775808,
    "99999999999999999999999": 1e23,
    "0xFFFFFFFFFFFFFFFFF": "0xFFFFFFFFFFFFFFFFF",
    "1.5": 1.5,
    "8.0": 8,
    "1e3": 1000,
    "1.5E-3": 0.0015,
    ".5": 0.5,
    "-.5": -0.5,
    ".2_5": 0.25,
    ".2__5": ".2__5",
    "5.": 5,
    "1e400": "1e400",
    "1" * 400: "1" * 400,
    ".": ".",
    "1.2.3": "1.2.3",
    "1:30": "1:30",
    "190:20:30": "190:20:30",
    "2001-01-01": "2001-01-01",
    "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00",
    "1e3d5f7": "1e3d5f7",
    "!!str 12": "12",
    "!!int '12'": 12,
    "!!float 3": 3,
    "!!bool yes": True,
    "!!null ''": None,
    "! 12": "12",
    "=": "=",
    "\u0661": "\u0661",
}


def value_of(text: str) -> Json:
    """The value of a text's one document. Raises its first mistake."""
    documents, errors = read_documents(decode_text(text))
    for error in errors:
        raise error
    (document,) = documents
    return document.value


@pytest.mark.parametrize("text", SCALARS)
def test_a_scalar_means_what_go_yaml_makes_of_it(text: str) -> None:
    value = value_of(f"a: {text}")
    assert value == {"a": SCALARS[text]}
    assert isinstance(value, dict)
    assert type(value["a"]) is type(SCALARS[text])


def test_keys_become_strings() -> None:
    assert value_of("1: a\nyes: b\n1.5: c\n08: d\nx: e") == {"1": "a", "true": "b", "1.5": "c", "8": "d", "x": "e"}


@pytest.mark.parametrize(("style", "text"), [("|", "x\n"), (">", "x\n"), ("|-", "x"), ("|+", "x\n")])
def test_a_block_at_the_end_of_a_file_without_a_line_break_has_one(style: str, text: str) -> None:
    assert value_of(f"a: {style}\n  x") == value_of(f"a: {style}\n  x\n") == {"a": text}


def test_an_explicit_key_goes_before_a_merged_one_and_an_earlier_source_before_a_later() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\nd: {'<<': 1}"
    value = value_of(text)
    assert isinstance(value, dict)
    assert value["c"] == {"x": 1, "y": 1, "z": 3}
    assert value["d"] == {"<<": 1}


def test_aliases_stand_for_what_was_anchored_last() -> None:
    assert value_of("a: &x 1\nb: *x\nc: &x [2]\nd: *x\n&k e: *k") == {"a": 1, "b": 1, "c": [2], "d": [2], "e": "e"}


REFUSED = {
    "not YAML": ("a: [", 1),
    "a tab": ("a:\n\t- b", 2),
    "a tag that makes an object": ("a: !!python/object/apply:os.system [ls]", 1),
    "a local tag": ("a:\n- !secret x", 2),
    "a binary": ("a: !!binary aGk=", 1),
    "a set": ("a: !!set {b}", 1),
    "a value that does not fit its tag": ("a: !!int b", 1),
    "a boolean tagged as a number": ("a: !!int yes", 1),
    "not a number": ("a: 1\nb: .nan", 2),
    "an infinity": ("a: -.Inf", 1),
    "a null key": ("~: a", 1),
    "a list as a key": ("? [a]\n: b", 1),
    "an alias without an anchor": ("a: 1\nb: *x", 2),
    "an alias inside its own anchor": ("a: &x\n  b: [*x]", 2),
    "a merge of what is no object": ("a: 1\n<<: [b]", 2),
    "a merge of a scalar": ("<<: b", 1),
    "a control character": ("a: b\nc: \x07", 2),
    "a lone surrogate": ("a: \ud800", 1),
    "an incompatible version": ("%YAML 9.0\n---\na: b", 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_refused_with_its_line(name: str) -> None:
    text, line = REFUSED[name]
    with pytest.raises(YamlError) as caught:
        value_of(text)
    assert caught.value.line == line


def test_a_tab_is_told_in_plain_words() -> None:
    _, (error,) = read_documents("a:\n\t- b")
    assert error.hint == "indent with spaces, never with tabs"


def test_bytes_that_are_not_utf8_are_refused_with_their_line() -> None:
    with pytest.raises(YamlError, match="line 2: the text is not UTF-8"):
        decode_text(b"a: b\nc: \xff")
    assert decode_text(b"\xef\xbb\xbfa: b") == "a: b"


def test_an_alias_bomb_is_refused_before_it_is_expanded() -> None:
    levels = "abcdefghi"
    lines = [f"{levels[0]}: &{levels[0]} [{', '.join(['x'] * 10)}]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in pairwise(levels)]
    documents, errors = read_documents("\n".join(lines) + "\n---\na: b")
    assert documents == []
    assert [(error.line, error.message) for error in errors] == [
        (6, "the text holds more than 500000 values, aliases counted as what they stand for")
    ]


def test_a_merge_bomb_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_documents, "MAX_NODES", 100)
    lines = ["a: &a {x: 1, y: 2, z: 3}", *(f"b{n}: {{<<: *a, q{n}: 1}}" for n in range(20))]
    with pytest.raises(YamlError, match="more than 100 values"):
        value_of("\n".join(lines))


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_deep_nesting_is_refused(opening: str) -> None:
    with pytest.raises(YamlError, match="deeper than 100 levels"):
        value_of(opening * 10_000)


def test_long_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest_documents, "MAX_BYTES", 10)
    with pytest.raises(YamlError, match="longer than"):
        decode_text("a: bcdefghij")


def test_every_value_has_its_place() -> None:
    (node,), errors = read_documents("# first\n---\na:\n  - b: 1\n    c: &x [d, e]\nf: *x\n")
    assert errors == []
    places = {
        (): (3, 1),
        ("a",): (3, 1),
        ("a", 0): (4, 5),
        ("a", 0, "b"): (4, 5),
        ("a", 0, "c", 1): (5, 15),
        ("f",): (6, 1),
        ("f", 1): (5, 15),
    }
    assert {path: (node.at(path).line, node.at(path).column) for path in places} == places


def test_a_path_that_leads_nowhere_stands_where_it_leaves_the_document() -> None:
    (node,), _ = read_documents("a:\n  b: [c]\n")
    for path in (("a", "b", 5), ("a", "b", "x"), ("a", "b", 0, "x")):
        assert node.at(path).line == 2
    assert node.at(("z",)) is node


def test_a_mistake_in_one_document_leaves_the_others() -> None:
    text = "%YAML 1.1\n# comment\n---\na: 1\n--- # two\nb: [\n--- {c: 3}\n...\n---\n\n---\nd: 4\n---not: a separator\n"
    documents, errors = read_documents(text)
    assert [document.value for document in documents] == [{"a": 1}, {"c": 3}, {"d": 4, "---not": "a separator"}]
    assert [document.line for document in documents] == [4, 7, 12]
    assert [error.line for error in errors] == [7]


def test_duplicate_keys_are_all_told() -> None:
    documents, errors = read_documents("a: 1\na: 2\nb: {c: 1, c: 2, '1': x, 1: y}")
    assert [str(error) for error in errors] == [
        'line 2: the key "a" stands twice in one object, first in line 1',
        'line 3: the key "c" stands twice in one object, first in line 3',
        'line 3: the key "1" stands twice in one object, first in line 3',
    ]
    assert len(documents) == 1


def test_libyaml_and_pyyamls_own_parser_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: &x {b: 1, c: [yes, 'no', !!str 1]}\nd: {<<: *x, e: |\n    text\n  }\n---\nf: >-\n  folded\n  text\n"
    text = text.replace("e: |\n    text\n  }", "e: text}")
    (fast, second), _ = read_documents(text)
    monkeypatch.setattr(manifest_documents, "LOADER", yaml.BaseLoader)
    (slow, other), _ = read_documents(text)
    assert (fast.value, second.value) == (slow.value, other.value)
    assert fast.at(("a", "c", 1)).column == slow.at(("a", "c", 1)).column == 23


@pytest.mark.parametrize(
    "text", ["a: {{ .Values.b }}", "a: {{b}}", "{{- if .Values.b }}\na: 1\n{{- end }}", "a:\n  {{- include `b` . }}\n"]
)
def test_a_template_that_is_not_rendered_is_told_so(text: str) -> None:
    assert read_documents(text)[1][0].hint == "render the template first: {{ and }} are no YAML"


def test_any_other_key_that_is_no_string_is_to_be_quoted() -> None:
    assert read_documents("{a: b}: 1")[1][0].hint == "put it in quotes"
