"""`pipehook migrate`: a cluster's Triggers objects become manifests, Terraform variables and a checklist."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from functions.cli.app import Command
from functions.cli.manifests import texts_of
from functions.cli.migration import Migration, Object, plan
from functions.cli.output import progress, say, status
from functions.cli.types import NAMESPACE, PROJECT, THERE
from functions.common.errors import ConfigurationError
from functions.common.lenient import text_at
from functions.common.ports import Deadline
from functions.model.decode import CLUSTER_SCOPED, KINDS
from functions.model.documents import decode_text, read_documents
from functions.model.load import load_documents

SECONDS = 60.0

_EXAMPLES = """
Examples:
  pipehook migrate --context prod --out migrated          everything that your account may list
  pipehook migrate --context prod --namespace lab --out migrated
  pipehook migrate triggers/ --out migrated               from files

It writes triggers/*.yaml (one file a kind, without status and what the server added), terraform.tfvars and CHECK.md.
Nothing in the cluster is changed.
"""


@click.command(cls=Command, epilog=_EXAMPLES)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=THERE)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Directory to write to.")
@click.option("--namespace", "namespaces", type=NAMESPACE, multiple=True, help="Only this namespace; repeatable.")
@click.option("--kubeconfig", default="", metavar="PATH", help="Your kubeconfig [KUBECONFIG, ~/.kube/config].")
@click.option("--context", default="", help="Your context in it; default: the current one.")
@click.option(
    "--project", type=PROJECT, default="PROJECT", show_default=True, help="Google Cloud project, for terraform.tfvars."
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
def migrate(
    paths: tuple[str, ...],
    *,
    out: Path,
    namespaces: tuple[str, ...],
    kubeconfig: str,
    context: str,
    project: str,
    force: bool,
) -> None:
    """Read Tekton Triggers' objects from your cluster, or from files, and write what Pipehook deploys."""
    objects = _from_files(paths) if paths else _from_cluster(kubeconfig, context)
    if namespaces:
        objects = [found for found in objects if found["kind"] in CLUSTER_SCOPED or _namespace(found) in namespaces]
    if not objects:
        raise ConfigurationError("there are no objects of Tekton Triggers there")
    found = plan(objects, project=project, directory=_seen_from_infra(out / "triggers"))
    _write(found, out, force=force)
    _check(found)


def _from_files(paths: tuple[str, ...]) -> list[Object]:
    objects: list[Object] = []
    for name, raw in texts_of(paths).items():
        documents, errors = read_documents(decode_text(raw))
        if errors:
            raise ConfigurationError(f"{name} is not YAML", [f"{name}:{errors[0].line}: {errors[0].message}"])
        for node in documents:
            value = node.value
            items = value.get("items") if isinstance(value, dict) and str(value.get("kind")).endswith("List") else None
            entries = items if isinstance(items, list) else [value]
            objects += [entry for entry in entries if isinstance(entry, dict) and entry.get("kind") in KINDS]
    return objects


def _from_cluster(kubeconfig: str, context: str) -> list[Object]:
    from functions.adapters.kubernetes.api import KubernetesApi  # noqa: PLC0415 -- as above
    from functions.adapters.kubernetes.source.reader import Reader  # noqa: PLC0415 -- the cluster's client, when it is used
    from functions.cli.accounts import Cluster  # noqa: PLC0415 -- as above
    from functions.cli.admin import Given, admin_access  # noqa: PLC0415 -- as above

    access = admin_access(kubeconfig, context)
    progress(f"Reading {access.server} …")
    Cluster(access).reach()
    reader = Reader(KubernetesApi(Given(access)), lambda _: [access.namespace], clock=time.monotonic)
    reading = reader.read(Deadline(time.monotonic() + SECONDS, time.monotonic))
    for remark in reading.remarks:
        progress(f"{status('note')} {remark}")
    return [dict(entry) for entry in reading.objects.values()]


def _namespace(found: Object) -> str:
    return text_at(found, "metadata", "namespace") or "default"


def _seen_from_infra(directory: Path) -> str:
    """Return the directory as Terraform sees it, which runs in infra/."""
    return os.path.relpath(directory.absolute(), Path("infra").absolute())


def _write(found: Migration, out: Path, *, force: bool) -> None:
    files = {out / "triggers" / name: text for name, text in found.manifests.items()}
    files |= {out / "terraform.tfvars": found.variables, out / "CHECK.md": found.checklist}
    there = [str(path) for path in files if path.exists()]
    if there and not force:
        raise click.UsageError(f"{', '.join(there)} would be overwritten: give --force, or another --out")
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            say(os.fspath(path))
    except OSError as error:
        raise click.UsageError(f"{error.filename} cannot be written: {error.strerror}") from error


def _check(found: Migration) -> None:
    """Load what was written, so that nobody deploys what does not load."""
    loaded = load_documents({f"triggers/{name}": text for name, text in found.manifests.items()}, namespace="default")
    progress(
        f"{found.count} objects, {len(loaded.registry.listeners)} of them listeners; {found.todos} things in CHECK.md. "
        "Then: pipehook validate, pipehook doctor"
    )
