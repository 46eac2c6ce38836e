"""Every variable is planned on top of a deployment that exists, or is left out for a reason."""

from __future__ import annotations

import json
import re
import runpy
from typing import Any

import pytest

from tests.infra.hcl import INFRA, blocks, of_kind

_MODULE = runpy.run_path(str(INFRA / "checks" / "switches.py"))
_SWITCHES = {switch.name: switch for switch in _MODULE["SWITCHES"]}
_WEBHOOK = "module.webhook.google_cloudfunctions2_function.this"


Change = tuple[str, list[str], Any, Any, Any]
"""Address, actions, before, after, and what is known after the apply."""


def _said(name: str, *changes: Change) -> list[str]:
    """Give the problems with a plan of these."""
    resources = [
        {"address": address, "change": {"actions": actions, "before": before, "after": after, "after_unknown": unknown}}
        for address, actions, before, after, unknown in changes
    ]
    plan = {"type": "test_plan", "@testrun": name, "test_plan": {"resource_changes": resources}}
    return list(_MODULE["problems"](json.dumps(plan), [_SWITCHES[name]]))


def test_every_variable_is_switched_or_left_out_for_a_reason() -> None:
    everything = _MODULE["EVERYTHING"]
    switched = {
        name
        for text in (everything, *(switch.set for switch in _SWITCHES.values()))
        for name in re.findall(r"^\s*(\w+)\s*= ", text, re.MULTILINE)
    }

    assert switched | set(_MODULE["ELSEWHERE"]) == set(of_kind(INFRA, "variable"))
    assert switched.isdisjoint(_MODULE["ELSEWHERE"])


def test_what_is_expected_is_no_problem() -> None:
    tracer = "module.webhook.google_project_iam_member.tracer[0]"
    api = 'google_project_service.this["cloudtrace.googleapis.com"]'
    environment = [{"environment_variables": {"TRACING": "false", "THREADS": "16"}}]
    told = [{"environment_variables": {"TRACING": "true", "THREADS": "16"}}]
    changed: Change = (_WEBHOOK, ["update"], {"service_config": environment}, {"service_config": told}, {})

    made: list[Change] = [(address, ["create"], None, {}, {}) for address in (tracer, api)]
    assert _said("tracing_on", *made, changed) == []
    assert _said("tracing_on", made[0], changed) == [
        "tracing_on: no google_project_service.this??cloudtrace.googleapis.com?? is made"
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ((_WEBHOOK, ["delete", "create"], {}, {}, {}), f"{_WEBHOOK} is replaced"),
        ((_WEBHOOK, ["delete"], {}, None, {}), f"{_WEBHOOK} is gone"),
        ((_WEBHOOK, ["update"], {"labels": {"a": "1"}}, {"labels": {"a": "2"}}, {}), f"{_WEBHOOK} is changed"),
    ],
)
def test_what_is_not_expected_is_named(change: Change, problem: str) -> None:
    assert _said("nothing", change)[0] == f"nothing: {problem}"


def test_a_value_that_becomes_unknown_is_named() -> None:
    change: Change = (
        _WEBHOOK, ["update"],
        {"service_config": [{"environment_variables": {"TRACING": "false"}}]},
        {"service_config": [{}]},
        {"service_config": [{"environment_variables": True}]},
    )  # fmt: skip

    assert f"tracing_on: {_WEBHOOK}: service_config.environment_variables? changes" in _said("tracing_on", change)


def test_a_run_that_did_not_run_is_named() -> None:
    diagnostic = {"type": "diagnostic", "diagnostic": {"summary": "Refused", "detail": "because"}}

    assert list(_MODULE["problems"](json.dumps(diagnostic), [_SWITCHES["nothing"]])) == [
        "Refused: because",
        "nothing was not planned",
    ]


def test_no_environment_holds_what_is_known_after_the_apply() -> None:
    """A function's settings are built from variables, so that a plan shows them, and one of them changes alone."""
    for name, module in of_kind(INFRA, "module").items():
        if "environment" in module.body:
            assert not re.search(r"\b(google_\w+|module|data)\.", str(module.body["environment"])), name


def test_no_data_source_is_read_again_because_something_else_is_made() -> None:
    """Only the archive waits, for the hash of what it holds: so it is written by the apply, and not by the plan."""
    waiting = {
        ".".join(block.labels): str(block.body.get("depends_on")) for block in blocks(INFRA) if block.kind == "data"
    }

    assert waiting == {"archive_file.source": "['${terraform_data.source}']"}


def test_the_archive_is_uploaded_under_a_path_that_a_plan_knows() -> None:
    """A plan and its apply may be on two machines: the file need not be there before the apply, nor compared."""
    (archive,) = of_kind(INFRA, "data").values()
    uploaded = of_kind(INFRA, "resource")["google_storage_bucket_object.source"].body

    assert uploaded["source"] == archive.body["output_path"] == "${local.archive}"
    assert uploaded["source_md5hash"] == "${local.source_hash}"
    assert "data.archive_file.source" in str(uploaded["depends_on"])
