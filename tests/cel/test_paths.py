"""paths.match, paths.only and pathChanged: globs, incomplete lists, linear time, and none of it taken from Tekton."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.cel import Activation, CelCompileError, CelEvaluationError, compile_expression
from functions.cel.errors import BudgetError
from functions.cel.globs import gitignore_globs, gobwas_glob
from functions.common.limits import Limits, Unbounded
from functions.common.ports import Deadline


def evaluated(source: str, *, limits: Limits | None = None, **extensions: Any) -> object:
    activation = Activation(
        body={"globs": ["src/**"], "numbers": [1]},
        header={},
        extensions=extensions,
        request_url="/",
        compare_secret=lambda *_: False,
        limits=limits or Limits(Deadline(1.0, lambda: 0.0), Unbounded()),
    )
    return compile_expression(source).evaluate(activation)


def wanted(*globs: str, path: str) -> bool:
    return gitignore_globs(globs).want(path)


@pytest.mark.parametrize(
    ("glob", "matching", "others"),
    [
        ("src/**", ["src/a", "src/a/b.py", "src/.x"], ["src", "lib/src/a", "srcs/a"]),
        ("**", ["a", "a/b/c", ".github/x"], []),
        ("**/test", ["test", "a/test", "a/b/test", "a/test/x"], ["latest", "a/tests"]),
        ("a/**/b", ["a/b", "a/x/b", "a/x/y/b"], ["a/xb", "x/a/b"]),
        ("*.md", ["a.md", "docs/a.md", "docs/x/.md"], ["a.mdx", "md", "a.md/x.py"]),
        ("/*.md", ["a.md"], ["docs/a.md"]),
        ("docs/*.md", ["docs/a.md"], ["docs/x/a.md", "x/docs/a.md"]),
        ("docs/*", ["docs/a", "docs/.a"], ["docs/x/a"]),
        ("docs", ["docs", "docs/a/b", "x/docs/a"], ["docs2/a", "mydocs"]),
        ("/docs", ["docs", "docs/a/b"], ["x/docs/a"]),
        ("docs/", ["docs/a", "x/docs/a/b"], ["docs"]),
        ("**/", ["a/b", "a/b/c"], ["a"]),
        ("services/cart", ["services/cart/a/b", "services/cart"], ["x/services/cart/a", "services/cart2"]),
        ("a**b", ["ab", "axxb"], ["a/b"]),
        ("?.py", ["a.py", "ü.py", "x/b.py"], ["ab.py", ".py", "/.py"]),
        ("[a-c]x", ["ax", "cx"], ["dx", "-x"]),
        ("[!a-c]x", ["dx", "-x"], ["ax", "y/"]),
        ("[^a]x", ["bx"], ["ax"]),
        ("a[!b]c", ["axc"], ["a/c", "abc"]),
        ("a[+-9]c", ["a.c", "a0c"], ["a/c"]),
        ("[]x]y", ["]y", "xy"], ["[y"]),
        (r"\*.md", ["*.md"], ["a.md"]),
        (r"\!a", ["!a"], ["a"]),
        (r"a\[b", ["a[b"], ["ab"]),
        ("a.b+(c)|d$", ["a.b+(c)|d$"], ["axb+(c)|d$", "d$"]),
        ("с/**", ["с/ё"], ["c/e"]),
        ("a b,c", ["a b,c"], ["a"]),
    ],
)
def test_a_glob_matches_what_it_says(glob: str, matching: list[str], others: list[str]) -> None:
    assert [path for path in matching if not wanted(glob, path=path)] == []
    assert [path for path in others if wanted(glob, path=path)] == []


@pytest.mark.parametrize(
    ("globs", "path", "is_wanted"),
    [
        (["src/**", "!**/*.md"], "src/a.md", False),
        (["src/**", "!**/*.md"], "src/a.py", True),
        (["src/**", "!**/*.md"], "docs/a.py", False),
        (["src/**", "!**/*.md", "src/keep.md"], "src/keep.md", True),
        (["!src/a", "src/**"], "src/a", True),
        (["a", "b", "!c", "!d", "e"], "d", False),
        ([], "a", False),
    ],
)
def test_the_last_glob_that_matches_decides(globs: list[str], path: str, is_wanted: bool) -> None:
    assert wanted(*globs, path=path) is is_wanted


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("paths.match(extensions.changed_files_list, ['src/**', '!**/*.md'])", True),
        ("paths.match(extensions.changed_files_list, ['lib/**'])", False),
        ("paths.match(extensions.changed_files_list, body.globs)", True),
        ("paths.only(extensions.changed_files_list, ['src/**'])", False),
        ("paths.only(extensions.changed_files_list, ['src/**', 'docs/**'])", True),
        ("paths.only([], ['**'])", False),
        ("paths.match([], ['**'])", False),
        ("'docs/**'.pathChanged()", True),
        ("'lib/**'.pathChanged()", False),
        ("body.globs[0].pathChanged()", True),
    ],
)
def test_a_list_of_paths(source: str, value: bool) -> None:
    files = ["src/a.py", "docs/deep/er.md"]
    assert evaluated(source, changed_files_list=files, changed_files_truncated=False) is value


def test_of_a_list_that_is_cut_short_everything_may_have_changed_and_nothing_is_only_this() -> None:
    cut: dict[str, Any] = {"changed_files_list": ["docs/a.md"], "changed_files_truncated": True}
    assert evaluated("paths.match(extensions.changed_files_list, ['src/**'])", **cut) is True
    assert evaluated("paths.only(extensions.changed_files_list, ['docs/**'])", **cut) is False
    assert evaluated("'src/**'.pathChanged()", **cut) is True


@pytest.mark.parametrize("said", ["true", 1, None, False])
def test_only_true_says_that_it_is_cut_short(said: Any) -> None:
    assert evaluated("paths.match(['a'], ['b'])", changed_files_truncated=said) is False


@pytest.mark.parametrize(
    ("glob", "matching", "others"),
    [
        ("docs/*.md", ["docs/a.md", "docs/x/a.md"], ["x/docs/a.md"]),
        ("docs/**", ["docs/a", "docs/a/b"], ["docs"]),
        ("version/***", ["version/a/b"], []),
        ("*.go", ["a.go", "x/a.go"], ["a.gox"]),
        ("???", ["a/b"], ["ab"]),
        ("{src,lib}/*", ["src/a", "lib/a"], ["docs/a"]),
        ("{a,{b,c}}d", ["ad", "bd", "cd"], ["a", "d"]),
        ("a,b}", ["a,b}"], ["a"]),
        ("[a-c]/[!x]", ["a//", "b/y"], ["d/y", "a/x"]),
        (r"\{a", ["{a"], ["a"]),
    ],
)
def test_path_changed_reads_globs_as_pipelines_as_code_does(glob: str, matching: list[str], others: list[str]) -> None:
    assert [path for path in matching if not gobwas_glob(glob).want(path)] == []
    assert [path for path in others if gobwas_glob(glob).want(path)] == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("paths.match(['a'], ['[a'])", "a glob has a [ without its ]"),
        ("paths.match(['a'], ['[z-a]'])", "a range whose end is before its beginning"),
        ("paths.match(['a'], ['[[:alpha:]]'])", "write its ranges"),
        ("paths.match(['a'], ['a//b'])", "two slashes in a row"),
        ("paths.match(['a'], [r'a\\'])", "ends with a backslash"),
        ("paths.match(['a'], [''])", "an empty glob matches no path"),
        ("paths.match(['a'], ['/'])", "an empty glob matches no path"),
        ("paths.only(['a'], ['!docs/**'])", "globs with ! alone match no path"),
        ("'{a'.pathChanged()", "a { without its }"),
        ("paths.match('a', ['b'])", "found no matching overload"),
        ("paths.match(['a'])", "found no matching overload"),
        ("paths.any(['a'], ['b'])", "undeclared reference to 'paths'"),
    ],
)
def test_a_mistake_shows_when_it_is_loaded(source: str, reason: str) -> None:
    with pytest.raises(CelCompileError, match=re.escape(reason)):
        compile_expression(source)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("paths.match(extensions.changed_files_list, ['a'])", "no such key: changed_files_list"),
        ("'a'.pathChanged()", "no such key: changed_files_list in extensions, which addChangedFiles puts there"),
        ("paths.match(body.numbers, ['a'])", "lists of strings, as extensions.changed_files_list is"),
        ("paths.match(body.globs[0], ['a'])", "lists of strings, as extensions.changed_files_list is"),
        ("paths.match(['a'], body.numbers)", "lists of strings, as extensions.changed_files_list is"),
        ("paths.match(['a'], [body.globs[0] + '['])", r"a glob has a \[ without its \]"),
    ],
)
def test_a_mistake_on_an_event(source: str, reason: str) -> None:
    with pytest.raises(CelEvaluationError, match=reason):
        evaluated(source)


def test_a_variable_of_a_macro_keeps_its_methods_as_tekton_has_them() -> None:
    source = "[header].exists(paths, paths.match('A', 'b'))"
    assert evaluated(source) is False


@given(st.text(min_size=1).filter(lambda text: "/" not in text))
def test_a_name_that_is_escaped_matches_itself_alone(name: str) -> None:
    escaped = "".join(f"\\{char}" for char in name)
    assert wanted(f"/{escaped}", path=name)
    assert not wanted(f"/{escaped}", path=f"{name}x")
    assert gobwas_glob(escaped).want(name)


_ATOM = st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]"])
_SEGMENT = st.one_of(st.just("**"), st.lists(_ATOM, min_size=1, max_size=4).map("".join))
_PATH = st.lists(st.text("ab.", min_size=1, max_size=4), min_size=1, max_size=4).map("/".join)


@given(st.lists(_SEGMENT, min_size=1, max_size=4).map("/".join), _PATH)
def test_globs_agree_with_a_plain_matcher_that_tries_every_way(glob: str, path: str) -> None:
    assert wanted(f"/{glob}", path=path) is _anchored(glob.split("/"), path.split("/"))


def _anchored(glob: list[str], path: list[str]) -> bool:
    """Match segment by segment, in exponential time."""
    if not glob:
        return not path
    first, *rest = glob
    if first == "**":
        if not rest:
            return bool(path)
        return any(_anchored(rest, path[skipped:]) for skipped in range(len(path)))
    if not path or not _one(first, path[0]):
        return False
    if not rest and not set(first) & set("*?["):
        return True  # a name means all that is in it, too
    return _anchored(rest, path[1:])


def _one(glob: str, segment: str) -> bool:
    if not glob:
        return not segment
    if glob[0] == "*":
        return _one(glob[1:], segment) or (bool(segment) and _one(glob, segment[1:]))
    if not segment:
        return False
    if glob[0] == "[":
        inner, _, rest = glob[1:].partition("]")
        return ((segment[0] in inner.removeprefix("!")) is not inner.startswith("!")) and _one(rest, segment[1:])
    return glob[0] in ("?", segment[0]) and _one(glob[1:], segment[1:])


def test_work_counts_against_the_steps_of_the_delivery() -> None:
    files = [f"src/{'x' * 100}/{number}" for number in range(300_000)]
    with pytest.raises(BudgetError, match="takes more than 1000000 steps"):
        evaluated("paths.match(extensions.changed_files_list, ['a/**', '!b/**'])", changed_files_list=files)


def test_a_glob_that_would_backtrack_for_ever_does_not() -> None:
    assert not wanted("/" + "*a" * 40 + "b", path="a" * 5_000)
    assert not wanted("/" + "**/a/" * 20 + "b", path="a/" * 2_000 + "c")


@given(st.text(), st.text())
def test_any_text_is_a_glob_or_a_mistake(glob: str, path: str) -> None:
    with contextlib.suppress(CelEvaluationError):
        assert gitignore_globs((glob,)).want(path) in (True, False)
    with contextlib.suppress(CelEvaluationError):
        assert gobwas_glob(glob).want(path) in (True, False)
