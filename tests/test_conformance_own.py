"""Deliveries of our own in the form of `conformance/deliveries.json`, with what Tekton's reply does not tell.

`own_deliveries.json` adds to each result the `triggers`' statuses and (parts of) their `reasons`, and compares the
HTTP `status`, too; `settings` are further variables of the function. From `bodies` on, Tekton's own sink and core
interceptors create the same.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.application import Application
from tests.support.workspace import Workspace
from tests.test_conformance_deliveries import placed, plain

CASES: dict[str, Any] = json.loads((Path(__file__).parent / "conformance" / "own_deliveries.json").read_text())


@pytest.mark.parametrize("name", CASES)
def test_answers_and_creates(name: str, workspace: Workspace) -> None:
    case = placed(CASES[name], workspace.namespace)
    workspace.write(case["manifests"])
    application = Application(workspace.environment(**case.get("settings", {})))
    seen: set[str] = set()
    for request, result in zip(case["requests"], case["results"], strict=True):
        body = request["body"].encode("utf-8", "surrogateescape")  # with bytes that are no UTF-8 as \udc80 to \udcff
        answer = application.post(body, request["headers"], request["path"])
        assert (answer.status, answer.statuses) == (result["status"], result["triggers"])
        for reason, wanted in zip(answer.reasons, result["reasons"], strict=True):
            assert wanted in reason
            assert wanted or not reason
        found = [
            one
            for namespace in (workspace.namespace, f"{workspace.namespace}-other")
            for one in workspace.cluster.objects(namespace=namespace)
            if one["kind"] != "Namespace" and one["metadata"]["uid"] not in seen
        ]
        seen |= {one["metadata"]["uid"] for one in found}
        assert sorted(map(plain, found)) == sorted(json.dumps(one, sort_keys=True) for one in result["created"])
