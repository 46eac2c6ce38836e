"""Ids from SECRET_ID_FORMAT: plain where they are safe, refused where they could be another tenant's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.secrets.ids import SecretIds
from functions.common.errors import LastingError
from functions.common.values import SecretRef

LABELS = st.from_regex(r"[a-c]([-a-c]{0,6}[a-c])?", fullmatch=True)
NAMES = st.from_regex(r"[a-c]([-a-c]{0,8}[a-c])?", fullmatch=True)
LITERALS = st.sampled_from(["", "-", "--", "_", "a", "X", "a-", "-a-", "_x_"])
TEMPLATES = st.builds(
    lambda start, fields, between, end: start + between.join(fields) + end,
    LITERALS,
    st.permutations(["{namespace}", "{name}"]),
    LITERALS,
    LITERALS,
) | st.sampled_from(["{name}-{namespace}-{name}", "{namespace}-{namespace}{name}"])


def owned(ids: SecretIds, namespace: str, name: str) -> str | None:
    try:
        return ids.manager_id(SecretRef(namespace, name, "k"))
    except LastingError:
        return None


@given(TEMPLATES, st.lists(st.tuples(LABELS, NAMES), min_size=2, max_size=6, unique=True))
def test_no_two_tenants_ever_share_an_id(template: str, references: list[tuple[str, str]]) -> None:
    known = {namespace for namespace, _ in references}
    for ids in (SecretIds(template, lambda: known), SecretIds(template)):
        owners: dict[str, str] = {}
        for namespace, name in references:
            identifier = owned(ids, namespace, name)
            if identifier is not None:
                assert owners.setdefault(identifier, namespace) == namespace


@given(TEMPLATES, LABELS, NAMES)
def test_the_longest_namespace_is_never_refused(template: str, namespace: str, name: str) -> None:
    shorter = {namespace[:length] for length in range(1, len(namespace) + 1)}
    identifier = template.replace("{namespace}", namespace).replace("{name}", name)
    assert owned(SecretIds(template, lambda: shorter), namespace, name) == identifier


@given(TEMPLATES, LABELS, NAMES)
def test_readings_are_all_there_are(template: str, namespace: str, name: str) -> None:
    identifier = template.replace("{namespace}", namespace).replace("{name}", name)
    found = list(SecretIds(template).readings(identifier))
    assert (namespace, name) in found
    assert len(found) == len(set(found))
    for other_namespace, other_name in found:
        assert template.replace("{namespace}", other_namespace).replace("{name}", other_name) == identifier


@given(
    st.permutations(["{namespace}", "{name}"]),
    st.sampled_from(["_", "X", "-_", "_a", "-Z-"]),
    LABELS,
    NAMES,
    LABELS,
    NAMES,
)
def test_formats_of_one_reading_refuse_nothing_and_share_nothing(
    fields: list[str], between: str, namespace: str, name: str, other_namespace: str, other_name: str
) -> None:
    ids = SecretIds(between.join(fields))
    assert not ids.ambiguous
    same = (namespace, name) == (other_namespace, other_name)
    assert (owned(ids, namespace, name) == owned(ids, other_namespace, other_name)) is same
    assert owned(ids, namespace, name) is not None


@given(
    st.text(max_size=12), st.text(max_size=12), st.sampled_from(["{name}", "{namespace}-{name}", "{namespace}_{name}"])
)
def test_whatever_a_manifest_says_an_id_is_an_id(namespace: str, name: str, template: str) -> None:
    identifier = owned(SecretIds(template, lambda: (namespace,)), namespace, name)
    assert identifier is None or re.fullmatch(r"[A-Za-z0-9_-]{1,255}", identifier)


@pytest.mark.parametrize(
    ("template", "ambiguous"),
    [
        ("{name}", False),
        ("hooks-{name}", False),
        ("{namespace}_{name}", False),
        ("x-{name}_{namespace}-y", False),
        ("{namespace}-{name}", True),
        ("{namespace}--{name}", True),
        ("{namespace}{name}", True),
        ("{namespace}_{name}-{namespace}", True),
    ],
)
def test_ambiguous_formats(template: str, ambiguous: bool) -> None:
    assert SecretIds(template).ambiguous is ambiguous


class TestTeamAndTeamA:
    IDS = SecretIds("{namespace}-{name}", lambda: ("team", "team-a", "goldstine-lab"))

    def test_both_have_their_own(self) -> None:
        assert owned(self.IDS, "team", "github-webhook") == "team-github-webhook"
        assert owned(self.IDS, "team-a", "github-webhook") == "team-a-github-webhook"
        assert owned(self.IDS, "goldstine-lab", "github-webhook") == "goldstine-lab-github-webhook"

    def test_the_shorter_reaches_not_into_the_longer(self) -> None:
        with pytest.raises(
            LastingError, match=r"belongs to namespace team-a .*SECRET_ID_FORMAT=\{namespace\}_\{name\}"
        ):
            self.IDS.manager_id(SecretRef("team", "a-github-webhook", "k"))

    def test_without_known_namespaces_a_second_reading_is_refused(self) -> None:
        ids = SecretIds("{namespace}-{name}")
        assert owned(ids, "team", "hook") == "team-hook"
        with pytest.raises(LastingError, match="second reading"):
            ids.manager_id(SecretRef("team-a", "hook", "k"))


@pytest.mark.parametrize("namespace", ["", "..", "A", "a/b", "a_b", "-a", "a-", "a.b", "a" * 64, "a\n"])
def test_a_namespace_is_kubernetes(namespace: str) -> None:
    with pytest.raises(LastingError, match="its namespace is not a name that Kubernetes allows"):
        SecretIds("{name}").directory(SecretRef(namespace, "hook", "k"))


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "A", "a_b", "-a", "a-", "a..b", ".a", "a" * 254, "a\n", "ä"]
)
def test_a_name_is_kubernetes(name: str) -> None:
    with pytest.raises(LastingError, match="secretName is not a name that Kubernetes allows"):
        SecretIds("{name}").directory(SecretRef("team", name, "k"))


@pytest.mark.parametrize("key", ["", ".", "..", "..data", "a/b", "a b", "k" * 254, "k\n", "a\0"])
def test_a_key_is_kubernetes(key: str) -> None:
    with pytest.raises(LastingError, match="secretKey is not a key that Kubernetes allows"):
        SecretIds("{name}").directory(SecretRef("team", "hook", key))


def test_dots_are_for_directories_alone() -> None:
    ref = SecretRef("team", "hook.example", ".key_1.txt")
    assert SecretIds("{name}").directory(ref) == "hook.example"
    with pytest.raises(LastingError, match="holds a dot, which no Secret Manager id can: use"):
        SecretIds("{name}").manager_id(ref)


def test_long_names() -> None:
    ref = SecretRef("n" * 63, "a" * 253, "k")
    ids = SecretIds("{namespace}_{name}")
    with pytest.raises(LastingError, match="use a shorter secretName"):
        ids.manager_id(ref)
    with pytest.raises(LastingError, match="longer than 255 characters"):
        ids.directory(ref)
