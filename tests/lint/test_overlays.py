"""PH308 and PH309: overlays that nothing reads, and that take a part of a branch."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lint.support import found, ids, listed, only, pinned, with_params
from tests.support.sources import cel, github, inline, listener, manifest, template

PUSH = github(eventTypes=["push"])
SHORT = cel(short="body.after.truncate(7)")
RUN = template("template", pinned())
HOOK: dict[str, Any] = {
    "webhook": {"url": "https://hooks.example.com/x", "objectRef": {"apiVersion": "v1", "kind": "Service", "name": "x"}}
}


def test_an_overlay_that_nothing_reads() -> None:
    finding = only("PH308", listed(PUSH, SHORT, params={"p": "$(body.after)"}), with_params("p"))
    assert finding.path == "spec.triggers[0].interceptors[1].params[0].value[0].key"
    assert finding.message.endswith("extensions.short")


@pytest.mark.parametrize(
    "more", [cel("extensions.short != ''"), cel("'short' in extensions"), cel(v="size(extensions)"), HOOK]
)
def test_one_that_a_later_interceptor_reads(more: dict[str, Any]) -> None:
    findings = found(listed(PUSH, SHORT, more), RUN, outbound_hosts=frozenset({"hooks.example.com"}))
    assert not [one for one in findings if "interceptors[1]" in one.path]


@pytest.mark.parametrize(
    ("value", "rules"),
    [
        ("$(extensions.short)", []),
        ("$(extensions)", []),
        ("$(Extensions.short)", []),
        ("$(extensions.shrt)", ["PH303"]),  # which says what is wrong
        ("$(body.short)", ["PH303"]),
        ("$(body.extensions.short)", ["PH303"]),
    ],
)
def test_one_that_a_binding_reads_or_was_meant_to(value: str, rules: list[str]) -> None:
    assert ids(listed(PUSH, SHORT, params={"p": value}), with_params("p"), beside=True) == rules


def test_one_of_a_group_serves_one_trigger_alone() -> None:
    group = {
        "name": "g",
        "interceptors": [PUSH, SHORT],
        "triggerSelector": {"labelSelector": {"matchLabels": {"a": "b"}}},
    }
    reads = {"bindings": [{"name": "p", "value": "$(extensions.short)"}], "template": {"ref": "reads"}}
    reading = with_params("p")
    reading["metadata"]["name"] = "reads"
    triggers = [
        manifest("Trigger", "one", {"template": {"ref": "template"}}, labels={"a": "b"}),
        manifest("Trigger", "two", reads, labels={"a": "b"}),
    ]
    assert ids(listener(triggerGroups=[group]), *triggers, RUN, reading, beside=True) == []
    assert ids(listener(triggerGroups=[group]), triggers[0], RUN, beside=True) == ["PH308"]


def test_what_stood_in_the_body_in_early_releases() -> None:
    # a sender whose events nobody knows
    chain = cel("header.canonical('X-Token').compareSecret('k', 's')", short="body.after.truncate(7)", after="body.id")
    finding = only("PH304", listed(chain, params={"p": "$(body.short)"}), with_params("p"))
    assert finding.hint == "write $(extensions.short)"
    assert ids(listed(chain, params={"p": "$(body.after)"}), with_params("p")) == []
    assert only("PH306", listed(chain, params={"p": "$(body.short)"}), with_params(p="master")).hint == finding.hint
    assert ids(listed(PUSH, SHORT, params={"p": "$(body.short)"}), with_params(p="master")) == ["PH306"]


def test_a_binding_that_is_not_there_may_read_it() -> None:
    bound = listener(inline("t", PUSH, SHORT, bindings=[{"ref": "elsewhere"}]))
    assert ids(bound, RUN, beside=True) == ["PH002"]


@pytest.mark.parametrize(
    ("filter_", "expression", "rules"),
    [
        ("", "body.ref.split('/')[2]", ["PH309"]),
        ("", "'v-' + body.ref.split('/')[2].lowerAscii()", ["PH309"]),
        ("body.ref.startsWith('refs/heads/')", "body.ref.split('/')[2]", ["PH309"]),
        ("body.ref == 'refs/heads/main'", "body.ref.split('/')[2]", []),
        ("body.ref.matches('^refs/heads/[a-z]+$')", "body.ref.split('/')[2]", []),
        ("body.ref.startsWith('refs/tags/')", "body.ref.split('/')[2]", []),
        ("body.ref.startsWith('refs/heads/feature-')", "body.ref.split('/')[2]", []),
        ("body.ref.startsWith('refs/heads/feature/')", "body.ref.split('/')[2]", ["PH309"]),
        ("body.ref.split('/')[2] == 'main'", "body.ref.split('/')[2]", []),
        ("body.ref.split('/')[2] in ['main', 'next']", "body.ref.split('/')[2].truncate(3)", []),
        ("", "body.ref.split('/')[2] + '-' + body.ref.split('/')[3]", []),
        ("", "body.ref.split('/').size() == 3 ? body.ref.split('/')[2] : 'other'", []),
        ("", "body.ref.split('/')[2] == 'main' ? 'live' : 'test'", []),
        ("", "body.ref.replace('refs/heads/', '')", []),
        ("", "body.ref.split('/')[1]", []),
        ("", "body.base_ref.split('/')[2]", []),
    ],
)
def test_a_part_of_a_branch(filter_: str, expression: str, rules: list[str]) -> None:
    chain = listed(PUSH, cel(filter_, v=expression), params={"p": "$(extensions.v)"})
    assert ids(chain, with_params("p"), beside=True) == rules


def test_a_branch_that_is_new_is_named_alone() -> None:
    chain = listed(github(eventTypes=["create"]), cel(v="body.ref.split('/')[2]"), params={"p": "$(extensions.v)"})
    assert ids(chain, with_params("p"), beside=True) == []
