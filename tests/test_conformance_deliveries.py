"""What a real Tekton Triggers created for the same manifests and requests (`conformance/deliveries.json`)."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.application import Application
from tests.support.workspace import Workspace

CASES: dict[str, Any] = json.loads((Path(__file__).parent / "conformance" / "deliveries.json").read_text())
EVENT_LABEL = "triggers.tekton.dev/triggers-eventid"
SERVER_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")


def placed(value: Any, namespace: str) -> Any:
    """Put the test's namespaces where a case has its own."""
    return json.loads(json.dumps(value).replace("NSOTHER", f"{namespace}-other").replace("<ns>", namespace))


def plain(found: dict[str, Any]) -> str:
    """Return an object without what the server, or Pipehook's own bookkeeping, added; ids become placeholders."""
    thing = copy.deepcopy(found)
    metadata = thing["metadata"]
    thing.pop("status", None)
    for field in SERVER_FIELDS:
        metadata.pop(field, None)
    annotations = metadata.get("annotations", {})
    annotations.pop("pipehook.dev/delivery-key", None)
    if not annotations:
        metadata.pop("annotations", None)
    event_id = metadata["labels"][EVENT_LABEL]
    uid = None
    if "generateName" in metadata:
        metadata.pop("name")
    elif (start := metadata["name"].rfind("-", 0, -35)) > 0:
        uid = metadata["name"][start + 1 :]
    text = json.dumps(thing, sort_keys=True).replace(event_id, "<eventID>")
    return text.replace(uid, "<uid>") if uid else text


@pytest.mark.parametrize("name", CASES)
def test_creates_what_tekton_creates(name: str, workspace: Workspace) -> None:
    """Each request leaves the same new objects, or what we deviate to on purpose."""
    case = placed(CASES[name], workspace.namespace)
    workspace.write(case["manifests"])
    application = Application(workspace.environment(UNVERIFIED_TRIGGERS="allow"))
    seen: set[str] = set()
    for request, result in zip(case["requests"], case["results"], strict=True):
        body = request.get("body", "").encode()
        application.request(request["method"], request["path"], body=body, headers=request["headers"])
        found = [
            thing
            for namespace in (workspace.namespace, f"{workspace.namespace}-other")
            for thing in workspace.cluster.objects(namespace=namespace)
            if thing["kind"] not in ("Namespace", "ServiceAccount") and thing["metadata"]["uid"] not in seen
        ]
        seen |= {thing["metadata"]["uid"] for thing in found}
        wanted = result.get("ours", result["created"])
        assert sorted(map(plain, found)) == sorted(json.dumps(thing, sort_keys=True) for thing in wanted)
