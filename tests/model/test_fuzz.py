"""Whatever comes in, loading answers with what it loaded or with mistakes, and never with another exception."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from functions.common.values import Json
from functions.model.documents import read_documents
from functions.model.findings import ManifestError
from functions.model.load import Loaded, decode_object, load_documents
from functions.model.resources import Source

SAMPLES = [path.read_text() for path in sorted((Path(__file__).parent / "manifests").glob("*.yaml"))]
OBJECTS = [document.value for sample in SAMPLES for document in read_documents(sample)[0]]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
SNIPPETS = (
    "\t",
    "- ",
    "? ",
    ": ",
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "!x ",
    "---\n",
    "...\n",
    "{",
    "]",
    "'",
    '"',
    "|\n",
    "%",
)
snippets = st.sampled_from(SNIPPETS) | st.text(max_size=3)
# what JSON and YAML 1.1 both take literally within quotes
literal = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\ufffe\uffff")
plain_text = st.text(literal, max_size=9)
plain_numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | plain_text | plain_numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain_text, inner, max_size=3),
)


def outcome(raw: str | bytes) -> Loaded | ManifestError:
    try:
        return load_documents({"x.yaml": raw}, namespace="lab")
    except ManifestError as error:
        assert error.mistakes
        assert all(mistake.line >= 1 for mistake in error.found)
        return error


@given(st.binary(max_size=200) | st.text(max_size=200))
@example(b"\xff\xfea\x00")
@example("a: !<tag:yaml.org,2002:str")
@example("%TAG ! x\n%TAG ! y\n--- a")
@example("- \ufeff- a")
@example('{"a": ' * 2000)
@example("{" + '"a": ' + "1" * 5000 + ', "b": "\\ud83d\\ude00"}')
def test_arbitrary_input(raw: str | bytes) -> None:
    outcome(raw)


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 30), snippets), max_size=4))
def test_manifests_with_their_text_cut_and_spliced(text: str, cuts: list[tuple[int, int, str]]) -> None:
    for start, length, snippet in cuts:
        text = text[:start] + snippet + text[start + length :]
    outcome(text)


@given(st.sampled_from(OBJECTS), st.data())
@settings(max_examples=300)
def test_manifests_with_values_replaced(found: Json, data: st.DataObject) -> None:
    manifest = deepcopy(found)
    place: Json = manifest
    while isinstance(place, (dict, list)) and place:
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
        inner: Json = place[key]  # type: ignore[call-overload,index] # the key was drawn from this very object
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.booleans()):
            place[key] = data.draw(anything)  # type: ignore[call-overload,index] # as above
            break
        place = inner
    if isinstance(manifest, dict):
        try:
            decode_object(manifest, source=Source("cluster"), namespace="lab")
        except ManifestError as error:
            assert error.mistakes
    outcome(json.dumps(manifest))
    outcome(yaml.safe_dump(manifest))


@given(plain)
def test_what_is_written_as_json_is_read_as_it_was(value: Json) -> None:
    documents, errors = read_documents(json.dumps([value], ensure_ascii=False))
    assert errors == []
    assert [document.value for document in documents] == [[value]]
