"""The built-in events have what their forges always send: event_fields.json lists it, with where it is published."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.cli.recorded import sample, sample_names
from tests.cli.support import pipehook
from tests.support.sources import inline, listener, run, template

FACTS = json.loads(Path(__file__).with_name("event_fields.json").read_text(encoding="utf-8"))


def body(name: str) -> Any:
    return json.loads(sample(name).body)


def missing(value: Any, path: str, at: str = "") -> Iterator[str]:
    """Yield where a path (`commits[].author.name`, `repository:repository` for all of a shape's) leads to nothing."""
    path, _, shape = path.partition(":")
    name, _, rest = path.partition(".")
    key = name.removesuffix("[]")
    if not isinstance(value, dict) or key not in value:
        yield f"{at}{path}"
    elif name.endswith("[]"):
        for item in value[key]:
            inner = f"{rest}:{shape}" if shape else rest
            yield from missing(item, inner, f"{at}{name}.") if rest else shaped(item, shape, f"{at}{name}.")
    elif rest:
        yield from missing(value[key], f"{rest}:{shape}" if shape else rest, f"{at}{name}.")
    elif shape:
        yield from shaped(value[key], shape, f"{at}{name}.")


def shaped(value: Any, shape: str, at: str) -> Iterator[str]:
    for path in FACTS["shapes"][shape].split() if shape else ():
        yield from missing(value, path, at)


@pytest.mark.parametrize("name", sample_names())
def test_a_built_in_event_has_every_field_that_its_forge_always_sends(name: str) -> None:
    assert [found for path in FACTS["events"][name].split() for found in missing(body(name), path)] == []


def test_a_field_that_is_missing_would_be_found() -> None:
    found = body("push")
    del found["commits"][0]["author"]["email"], found["repository"]["owner"]["login"]
    paths = FACTS["events"]["push"].split()
    assert {path for entry in paths for path in missing(found, entry)} == {
        "commits[].author.email",
        "repository.owner.login",
    }


@pytest.mark.parametrize(
    ("event", "value"),
    [
        ("gitlab:push", "$(body.repository.git_http_url)"),
        ("gitlab:merge_request", "$(body.object_attributes.target.path_with_namespace)"),
        ("gitlab:merge_request", "$(body.object_attributes.source.git_http_url)"),
        ("gitlab:merge_request", "$(body.assignees[0].username)"),
        ("gitlab:merge_request", "$(body.object_attributes.oldrev)"),
        ("push", "$(body.repository.visibility)"),
        ("pull_request", "$(body.pull_request.statuses_url)"),
        ("pull_request", "$(body.pull_request.head.repo.fork)"),
        ("pull_request", "$(body.pull_request.author_association)"),
        ("bitbucket:repo:push", "$(body.push.changes[0].new.target.links.html.href)"),
    ],
)
def test_usual_bindings_find_their_fields(tmp_path: Path, event: str, value: str) -> None:
    provider = event.partition(":")[0] if ":" in event else "github"
    secret = {"name": "secretRef", "value": {"secretName": "hook", "secretKey": "key"}}
    trigger = inline("t", {"ref": {"name": provider}, "params": [secret]}, bindings=[{"name": "found", "value": value}])
    documents = [listener(trigger), template("template", run(found="$(tt.params.found)"))]
    (tmp_path / "a.yaml").write_text(yaml.safe_dump_all(documents))
    done = pipehook("render", "--event", event, "--triggers", tmp_path, "-o", "json")
    assert done.code == 0, done.out
    (found,) = done.json["triggers"]
    assert found["params"]["found"] not in ("", "null")
