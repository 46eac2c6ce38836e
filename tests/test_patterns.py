"""Patterns that are compiled when first used."""

from __future__ import annotations

import copy
import re

import pytest

from functions.patterns import pattern


def test_it_acts_as_the_compiled_pattern() -> None:
    word = pattern(r"([a-z])\w*", re.IGNORECASE)
    for text in ("Abc", "1"):
        expected = re.compile(r"([a-z])\w*", re.IGNORECASE).fullmatch(text)
        found = word.fullmatch(text)
        assert (found and found.groups()) == (expected and expected.groups())
    assert word.pattern == r"([a-z])\w*"
    assert word.sub("x", "ab cd") == "x x"
    assert pattern(rb"[!-~]+").fullmatch(b"token")


def test_it_is_compiled_by_its_first_use_and_never_again(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []
    compile_now = re.compile

    def compile_and_note(text: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(text)
        return compile_now(text, flags)

    monkeypatch.setattr(re, "compile", compile_and_note)
    digits = pattern("[0-9]+")
    assert compiled == []
    assert [bool(digits.fullmatch(text)) for text in ("1", "a", "2")] == [True, False, True]
    assert compiled == ["[0-9]+"]


def test_a_mistake_shows_at_the_first_use() -> None:
    wrong = pattern("(")
    with pytest.raises(re.error):
        wrong.search("")


def test_it_has_no_attributes_of_its_own() -> None:
    with pytest.raises(AttributeError):
        _ = pattern("a").nothing  # type: ignore[attr-defined]  # asked for on purpose
    assert copy.copy(pattern("a")).fullmatch("a")
