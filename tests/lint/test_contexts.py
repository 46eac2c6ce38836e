"""PH205: contexts of statuses that the sender of an event could write."""

from __future__ import annotations

import pytest

from tests.lint.support import found, listed, pinned, with_params
from tests.support.sources import cel, github


@pytest.mark.parametrize(
    ("value", "context", "wrong"),
    [
        ("$(body.ref)", "$(tt.params.p)", True),
        ("$(body.ref)", "ci/$(tt.params.p)", True),
        ("$(body.head_commit.message)", "ci/$(tt.params.p)", True),
        ("$(extensions.x)", "ci/$(tt.params.p)", True),
        ("$(body.after)", "ci/$(tt.params.p)", False),
        ("$(body.repository.id)", "ci/$(tt.params.p)", False),
        ("$(body.repository.full_name)", "ci/$(tt.params.p)", False),
        ("main", "ci/$(tt.params.p)", False),
        ("$(body.ref)", "ci/build", False),
    ],
)
def test_text_that_people_write_is_no_context(value: str, context: str, *, wrong: bool) -> None:
    resource = pinned(p="$(tt.params.p)")
    resource["metadata"]["annotations"] = {"pipehook.dev/status": context}
    chain = (github(eventTypes=["push"]), cel("body.ref != ''", x="body.ref + '!'"))
    hits = found(listed(*chain, params={"p": value}), with_params("p", resource=resource))

    spoofed = [one for one in hits if one.rule.id == "PH205"]
    assert len(spoofed) == wrong
    for one in spoofed:
        assert one.rule.severity == "error"
        assert "$(tt.params.p)" in one.message


def test_a_context_on_what_is_no_run_never_runs() -> None:
    resource = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"generateName": "a-", "annotations": {"pipehook.dev/status": "ci"}},
    }
    hits = found(listed(), with_params("p", resource=resource))

    assert any(one.rule.id == "PH002" and "means nothing on a ConfigMap" in one.message for one in hits)


@pytest.mark.parametrize("prefix", ["", "/", "x" * 51, "a\nb", "$(tt.params.p)"])
def test_a_prefix_is_a_plain_text(prefix: str) -> None:
    listener = listed(params={"p": "$(body.after)"})
    listener["metadata"]["annotations"] = {"pipehook.dev/status": prefix}
    hits = found(listener, with_params("p"))

    assert any(one.rule.id == "PH002" and "must be the beginning of contexts" in one.message for one in hits)
