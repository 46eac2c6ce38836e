"""The README's commands, run: for one's own manifests and for a laptop as they stand, to deploy by infra's test."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from functions.settings import read_settings, require_cluster
from functions.settings.variables import VARIABLES
from tests.cli.support import Done, clean, pipehook
from tests.infra.commands import blocks
from tests.support.function import ROOT, free_port

README = (ROOT / "README.md").read_text()
ENV = (ROOT / ".env.example").read_text()
MANIFESTS, SERVE, SEND, _ = blocks(ROOT / "README.md")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout, as far as the commands need it, with the programs that `make demo` puts into `.venv/bin`."""
    for name in ("main.py", "functions", "infra", ".env.example"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    lines = re.findall(r"printf '(#!.*?)' '\$\(CURDIR\)' '\$\(CURDIR\)/\$\(BIN\)' > \$\(BIN\)/pipehook", makefile())
    (line,) = (line.replace("$$", "$") for line in lines)
    printf = subprocess.run(["printf", line, tmp_path, programs], capture_output=True, text=True, check=True)
    (programs / "pipehook").write_text(printf.stdout)
    (programs / "functions-framework").write_text(f'#!/bin/sh\nexec {sys.executable} -m functions_framework "$@"\n')
    (programs / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    return tmp_path


def makefile() -> str:
    return (ROOT / "Makefile").read_text()


def environment(clone: Path) -> dict[str, str]:
    found = clean({"PATH": f"{clone / '.venv' / 'bin'}:{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"})
    return {name: value for name, value in found.items() if name != "PYTHONPATH"}


def typed(block: str, clone: Path) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=clone,
        env=environment(clone),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_what_it_says_of_ones_own_manifests(clone: Path) -> None:
    said = typed(MANIFESTS, clone)
    assert "would create PipelineRun" in said or "kind: PipelineRun" in said
    assert (clone / "migrated" / "triggers").is_dir()
    assert (clone / "migrated" / "CHECK.md").is_file()


@pytest.fixture
def served(clone: Path) -> Iterator[str]:
    """The function, served by the README's own lines but for the port, which may be taken; yields that."""
    port = str(free_port())
    block = SERVE.replace("8080", port).replace("functions-framework", "exec functions-framework")
    with subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=clone,
        env=environment(clone),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
        reader.start()
        end = time.monotonic() + 60
        while pipehook("send", f"http://127.0.0.1:{port}", "--event", "ping", "--unsigned").code == 3:
            assert process.poll() is None, lines
            assert time.monotonic() < end, lines
        yield port
        process.terminate()


def test_what_it_says_of_a_laptop(clone: Path, served: str) -> None:
    said = typed(SEND.replace("8080", served), clone)
    assert "HTTP 202" in said
    assert "dry run: would create PipelineRun goldstine-lab/build-deploy-pipeline-" in said


def given(text: str) -> dict[str, str]:
    """Return what a shell that reads such a file then has in its environment."""
    names = re.findall(r"^([A-Z_]+)=", text, re.MULTILINE)
    values = " ".join(f'"${name}"' for name in names)
    script = f"set -a; . /dev/stdin; set +a; printf '%s\\0' {values}"
    read = subprocess.run(["sh", "-c", script], input=text, capture_output=True, text=True, cwd="/", check=True)
    return dict(zip(names, read.stdout.split("\0"), strict=False))


def test_the_example_of_an_environment_has_every_variable_with_its_meaning_and_a_value_that_is_right() -> None:
    rows = re.findall(r"^# (.+)\n(?:# )?([A-Z_]+)=.+$", ENV, re.MULTILINE)
    assert {name: meaning for meaning, name in rows} == VARIABLES
    assert [name for _, name in rows] == list(VARIABLES)
    everything = re.sub(r"^# ([A-Z_]+=)", r"\1", ENV, flags=re.MULTILINE)
    assert given(everything).keys() == VARIABLES.keys()
    read_settings(given(everything))
    settings = read_settings(given(ENV))
    require_cluster(settings)
    assert settings.dry_run
    assert settings.secrets_source.location == "//secrets"


def test_nothing_of_a_laptop_can_be_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {".env", "/secrets/", "/kubeconfig", "/environment.json", "/migrated/"} <= set(ignored)


def example() -> list[dict[str, object]]:
    return list(yaml.safe_load_all((ROOT / "docs" / "example-pipeline.yaml").read_text()))


def test_the_example_trigger_starts_what_the_example_pipeline_is() -> None:
    (template,) = yaml.safe_load_all((ROOT / "infra/triggers/template.yaml").read_text())
    (run,) = template["spec"]["resourcetemplates"]
    task, pipeline = example()
    assert isinstance(task["spec"], dict)
    assert isinstance(pipeline["spec"], dict)
    assert pipeline["kind"] == "Pipeline"
    assert pipeline["metadata"] == {"name": run["spec"]["pipelineRef"]["name"], "namespace": "goldstine-lab"}
    assert {one["name"] for one in pipeline["spec"]["params"]} == {one["name"] for one in run["spec"]["params"]}
    (step,) = pipeline["spec"]["tasks"]
    assert task["kind"] == "Task"
    assert task["metadata"] == {"name": step["taskRef"]["name"], "namespace": "goldstine-lab"}
    assert {one["name"] for one in task["spec"]["params"]} == {one["name"] for one in step["params"]}
    assert "$(params" not in task["spec"]["steps"][0]["script"]
    assert "kubectl apply -f docs/example-pipeline.yaml" in README


PUSHED = {
    "ref": "refs/heads/main",
    "repository": {"full_name": "acme/shop", "name": "shop", "owner": {"login": "acme"}},
    "head_commit": {"id": "c1"},
}


@pytest.mark.parametrize(
    ("files", "fires"),
    [
        (["services/cart/main.go"], ["cart"]),
        (["README.md", "services/billing/a,b.py"], ["billing"]),
        (["libraries/money.go"], ["billing", "cart"]),
        (["docs/services/cart/x", "services/cartography/x"], []),
        (["services/cart/README.md"], []),
    ],
)
def test_in_one_repository_each_project_has_its_trigger(tmp_path: Path, files: list[str], fires: list[str]) -> None:
    (manifests,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/monorepo.md").read_text(), re.DOTALL)
    (tmp_path / "triggers.yaml").write_text(manifests)
    assert pipehook("validate", tmp_path / "triggers.yaml").code == 0
    commit = {"id": "c1", "added": files[:1], "modified": files[1:], "removed": []}
    (tmp_path / "push.json").write_text(json.dumps({**PUSHED, "commits": [commit]}))
    args: list[str | Path] = [
        "--triggers",
        tmp_path / "triggers.yaml",
        "--event",
        "push",
        "--payload",
        tmp_path / "push.json",
    ]
    for more, typed in (([], ""), (["--changed-files", "-"], "\n".join(files))):
        done = pipehook("render", *args, *more, "-o", "yaml", typed=typed)
        assert directories(done) == [f"services/{name}" for name in fires]


def directories(done: Done) -> list[str]:
    """Return the projects that are built."""
    assert done.code == 0, done.err
    runs = [document for document in yaml.safe_load_all(done.out) if document]
    params = (param for run in runs for param in run["spec"]["params"])
    return sorted(param["value"] for param in params if param["name"] == "directory")


COMPLETED = {
    "pipehook re": {"render", "record", "replay", "redeliver"},
    "pipehook hooks c": {"create"},
    "pipehook send --ev": {"--event"},
    "pipehook send --output ": {"table", "json", "yaml"},
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_completion(shell: str) -> None:
    (line,) = re.findall(rf"^.*_PIPEHOOK_COMPLETE={shell}_source pipehook.*$", README, re.MULTILINE)
    assert line
    source = pipehook(environment={"_PIPEHOOK_COMPLETE": f"{shell}_source"})
    assert f"_PIPEHOOK_COMPLETE={shell}_complete" in source.out
    for typed_so_far, wanted in COMPLETED.items():
        word = typed_so_far.rpartition(" ")[2]
        place = word if shell == "fish" else str(len(typed_so_far.split(" ")) - 1)
        asked = {"_PIPEHOOK_COMPLETE": f"{shell}_complete", "COMP_WORDS": typed_so_far, "COMP_CWORD": place}
        said = pipehook(environment=asked).out
        assert {word for word in re.findall(r"[\w-]+", said) if word in wanted} == wanted


def test_bash_completes_with_the_readmes_line(clone: Path) -> None:
    script = (
        'eval "$(_PIPEHOOK_COMPLETE=bash_source pipehook)"; COMP_WORDS=(pipehook re); COMP_CWORD=1; '
        '_pipehook_completion pipehook; echo "${COMPREPLY[@]}"'
    )
    assert typed(script, clone).split() == ["render", "record", "replay", "redeliver"]
