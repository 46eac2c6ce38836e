"""What manifests cost: memory and work in proportion to the text, and no endless lists of mistakes."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from functions.go import yaml
from functions.model import documents, fields
from functions.model.findings import MAX_MISTAKES, ManifestError, did_you_mean
from functions.model.load import load_documents

HEAD = "apiVersion: triggers.tekton.dev/v1beta1\nkind: EventListener\nmetadata: {name: x}\n"
SIZE = 100_000

SHAPES: dict[str, Callable[[int], str]] = {
    "comments": lambda size: "# why\n" * (size // 6),
    "hashes": lambda size: "#\n" * (size // 2),
    "comments of blanks": lambda size: " #\r\n" * (size // 4),
    "blank lines": lambda size: "\n" * size,
    "one comment": lambda size: "#" * size,
    "directives": lambda size: "%A\n" * (size // 3) + "---\n",
    "comments before a mistake": lambda size: "#\n" * (size // 2) + "\ta: b",
    "documents": lambda size: "---\n" * (size // 4),
    "documents that are none": lambda size: "--- {\n" * (size // 6),
    "directives and documents": lambda size: "%A\n---\n" * (size // 7),
    "keys that stand twice": lambda size: f"{HEAD}spec:\n" + "  a: 1\n" * (size // 7),
    "unknown fields": lambda size: HEAD + "".join(f"spek{number}: 1\n" for number in range(size // 12)),
    "triggers that are none": lambda size: f"{HEAD}spec:\n  triggers:\n" + "  - 1\n" * (size // 6),
    "tags": lambda size: "a:\n" + "- !x 1\n" * (size // 7),
    "kinds that are none": lambda size: f"---\n{HEAD.replace('EventListener', 'Trigerr')}" * (size // 90),
    "items that are none": lambda size: "apiVersion: v1\nkind: List\nitems:\n" + "- {}\n" * (size // 5),
}


def loaded(text: str) -> list[str]:
    """Load and return the mistakes."""
    try:
        load_documents({"triggers.yaml": text}, namespace="team")
    except ManifestError as error:
        return list(error.mistakes)
    return []


@pytest.mark.parametrize("shape", SHAPES)
def test_memory_is_a_small_multiple_of_the_text(shape: str) -> None:
    text = SHAPES[shape](SIZE)
    loaded(text[:1000])  # imports, compiled expressions
    tracemalloc.start()
    try:
        mistakes = loaded(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 64 * len(text)
    assert len(mistakes) <= MAX_MISTAKES
    assert sum(map(len, mistakes)) < 1000 * (MAX_MISTAKES + 1)


@pytest.mark.parametrize("shape", [name for name in SHAPES if "comment" in name or "blank" in name])
def test_what_holds_nothing_costs_next_to_nothing(shape: str) -> None:
    text = SHAPES[shape](SIZE)
    loaded(text[:1000])
    tracemalloc.start()
    try:
        loaded(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(text)


@pytest.mark.parametrize("shape", SHAPES)
def test_names_are_suggested_and_parsers_made_a_bounded_number_of_times(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    parsed: list[int] = []

    def suggest(name: str, known: Any) -> str:
        asked.append(name)
        return did_you_mean(name, known)

    def parser(text: str, inner: Any = yaml.LOADER) -> Any:
        parsed.append(len(text))
        return inner(text)

    monkeypatch.setattr(fields, "did_you_mean", suggest)
    monkeypatch.setattr(documents, "LOADER", parser)
    text = SHAPES[shape](SIZE)
    loaded(text)
    assert len(asked) <= 2 * MAX_MISTAKES
    assert len(parsed) <= documents.MAX_DOCUMENTS
    assert sum(parsed) <= 2 * len(text)


def test_more_mistakes_than_are_listed_are_said_to_be_more() -> None:
    with pytest.raises(ManifestError) as caught:
        load_documents({"triggers.yaml": SHAPES["unknown fields"](100_000)}, namespace="team")
    assert caught.value.reason == "the trigger manifests have more than 100 mistakes, of which 100 are listed"
    assert len(caught.value.mistakes) == MAX_MISTAKES


def test_a_text_has_a_bounded_number_of_documents() -> None:
    (mistake,) = loaded("---\n" * (documents.MAX_DOCUMENTS + 5))
    assert mistake == "triggers.yaml:10001: the text holds more than 10000 documents"


def test_objects_in_json_one_after_the_other_are_bounded_as_well() -> None:
    (mistake,) = loaded("{}" * (documents.MAX_DOCUMENTS + 1))
    assert mistake == "triggers.yaml:1: not YAML: did not find expected <document start>"


def test_json_with_too_many_values_is_not_read_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_NODES", 1_000)
    (mistake,) = loaded('{"items": [' + "{}," * 1_000 + "{}]}")
    assert "more than 1000 values" in mistake


@pytest.mark.parametrize("text", ["# a\rkind: Trigger", " \tkind: Trigger", "#\n\nkind: Trigger", "#\r\nkind: Trigger"])
def test_nothing_hides_behind_a_comment(text: str) -> None:
    assert loaded(f"# first\n{text}")


@pytest.mark.parametrize("form", ["{0}: 1\n{0}: 2", "a: *{0}", "a: &{0} [*{0}]", "kind: {0}\n"])
def test_what_a_mistake_quotes_is_bounded_and_printable(form: str) -> None:
    name = "b" * 500 if "*" in form else "b\u202e\u200b" * 300
    mistakes = loaded(
        f"{HEAD.replace('EventListener', 'Trigger')}\n---\n"
        + form.format(name)
        + "\napiVersion: triggers.tekton.dev/v1beta1\n"
    )
    assert mistakes
    assert all(mistake.isprintable() and len(mistake) < 400 for mistake in mistakes)
