"""`pipehook validate`: mistakes, findings, forms of output, exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli.support import pipehook

GOOD = Path("infra/triggers")
FIXED = """
apiVersion: triggers.tekton.dev/v1beta1
kind: TriggerTemplate
metadata: {name: extra, namespace: goldstine-lab}
spec:
  resourcetemplates:
    - {apiVersion: v1, kind: ConfigMap, metadata: {name: fixed}}
"""

LISTENER = """
apiVersion: triggers.tekton.dev/v1beta1
kind: EventListener
metadata: {name: open, namespace: goldstine-lab}
spec:
  triggers:
    - {name: one, template: {ref: extra}}
"""


def test_the_manifests_of_this_repository_have_no_errors() -> None:
    done = pipehook("validate", GOOD)
    assert done.code == 0
    assert "0 errors" in done.err
    assert pipehook("validate", GOOD, "--fail-on", "warning").code == 1
    assert pipehook("validate", GOOD, "--fail-on", "warning", "--ignore", "PH304,PH404").code == 0


def test_without_a_path_it_looks_at_triggers_source(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: [")
    done = pipehook("validate", environment={"TRIGGERS_SOURCE": str(tmp_path)})
    assert done.code == 1
    assert f"{tmp_path}/a.yaml:1" in done.out
    assert "PH001" in done.out


def test_every_mistake_has_file_line_and_column_and_nothing_silences_it(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(
        "apiVersion: triggers.tekton.dev/v1beta1\nkind: Trigger\nmetadata: {name: a}\nspec:\n  tempalte: {}\n"
    )
    done = pipehook("validate", file, "--ignore", "PH001")
    assert done.code == 1
    assert f"{file}:5:3: error PH001 Trigger default/a: spec.tempalte: unknown field" in done.out
    assert 'did you mean "template"?' in done.out


def test_what_another_command_renders_is_read_from_its_output() -> None:
    done = pipehook("validate", "/dev/stdin", typed=LISTENER)
    assert done.code == 1
    assert "/dev/stdin:7:7: error PH002 EventListener goldstine-lab/open" in done.out
    assert "or a filter with compareSecret" not in done.out, "what never runs has no other finding"
    done = pipehook("validate", "/dev/stdin", typed=f"{LISTENER}---{FIXED}")
    assert "interceptor with a secretRef, or a filter with compareSecret" in done.out


def test_several_paths_are_taken_together(tmp_path: Path) -> None:
    extra = tmp_path / "extra.yaml"
    extra.write_text(FIXED)
    done = pipehook("validate", GOOD, extra, "-o", "json")
    found = {Path(finding["file"]).name: (finding["rule"], finding["severity"]) for finding in done.json}
    assert found == {"template.yaml": ("PH404", "warning"), "extra.yaml": ("PH501", "note")}
    assert yaml.safe_load(pipehook("validate", GOOD, extra, "-o", "yaml").out) == done.json


def test_rules_are_ignored_by_their_first_letters() -> None:
    assert pipehook("validate", GOOD, "-o", "json", "--ignore", "ph4,PH501").json == []


def test_it_ends_with_counts_by_rule(tmp_path: Path) -> None:
    other = FIXED.replace("name: extra", "name: other")
    (tmp_path / "a.yaml").write_text(f"{FIXED}---\n{other}---\n{LISTENER}")
    done = pipehook("validate", tmp_path)
    assert done.err.splitlines()[-1] == "by rule: PH201 1, PH403 1, PH501 1"
    assert "by rule" not in pipehook("validate", GOOD, "--ignore", "PH").err


def test_sarif_for_code_scanning() -> None:
    log = pipehook("validate", GOOD, "-o", "sarif").json
    assert (log["version"], log["runs"][0]["tool"]["driver"]["name"]) == ("2.1.0", "pipehook")
    (result,) = log["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "infra/triggers/template.yaml"
    assert place["region"]["startLine"] > 1


def test_the_rules_are_listed_with_their_reasons() -> None:
    listed = pipehook("validate", "--rules", "-o", "json").json
    assert {rule["id"] for rule in listed} >= {"PH001", "PH202", "PH301", "PH501"}
    assert all(rule["why"].endswith(".") for rule in listed)
    assert "PH202" in pipehook("validate", "--rules").out


@pytest.mark.parametrize("path", ["nowhere", "nowhere.yaml"])
def test_a_path_to_nothing_is_named(path: str) -> None:
    done = pipehook("validate", path)
    assert done.code == 2
    assert f"{path} does not exist" in done.err


def test_folders_that_hold_what_the_path_does_not_are_named(tmp_path: Path) -> None:
    for folder in ("apps/one", "apps/two", ".git"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.yaml").write_text(FIXED)
    done = pipehook("validate", tmp_path)
    assert done.code == 1
    assert (
        f"folders in it are not entered: name one that holds some ({tmp_path}/apps/one, {tmp_path}/apps/two)"
        in done.err
    )
    assert pipehook("validate", tmp_path / "apps/one", tmp_path / "apps/two").code == 1  # the same object twice
    assert pipehook("validate", tmp_path / "apps/one").code == 0


@pytest.mark.parametrize("version", ["v1beta1", "v1alpha1"])
def test_a_mistake_is_said_once_although_its_field_is_read_twice(tmp_path: Path, version: str) -> None:
    trigger = {
        "bindings": [{"name": "a", "value": 5}, {"ref": 7}, {"name": "b", "value": "x", "kind": True}],
        "template": {"ref": 8, "apiVersion": False},
        "interceptors": [{"ref": {"name": 9, "kind": 1}}, {"name": 3}],
        "serviceAccountName": 4,
    }
    document = {
        "apiVersion": f"triggers.tekton.dev/{version}",
        "kind": "EventListener",
        "metadata": {"name": "l"},
        "spec": {"triggers": [trigger]},
    }
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(document))
    found = [(entry["path"], entry["message"]) for entry in pipehook("validate", tmp_path, "-o", "json").json]
    assert ("spec.triggers[0].bindings[0].value", "must be a string, not a number") in found
    assert len(found) == len(set(found))


def test_a_part_without_a_listener_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "extra.yaml").write_text(FIXED)
    done = pipehook("validate", tmp_path)
    assert done.code == 0
    assert "There is no EventListener in these files" in done.err
