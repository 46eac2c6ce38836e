"""`pipehook hooks`: the webhooks at GitHub, with the key that the function verifies with."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import click
from msgspec.structs import replace

from functions.cli.app import Command, Group
from functions.cli.github import Hook, Hooks, read_token, scope_of
from functions.cli.manifests import Selection, triggers_options
from functions.cli.output import FAILED, document, finish, output_option, progress, say, status, table
from functions.cli.types import SECRET, URL
from functions.common.errors import LastingError
from functions.common.numbers import whole
from functions.common.values import SecretRef
from functions.lint.views import Views
from functions.lint.wanted import event_types
from functions.model.load import load_path
from functions.settings import read_settings

POLLS = 60
POLL_SECONDS = 0.25

_CREATE = """
Examples:
  pipehook hooks create acme/shop https://hooks.example.com
  pipehook hooks create acme https://hooks.example.com --event push --event release     for a whole organization
  pipehook hooks create acme/shop https://… --secret projects/acme/secrets/github-webhook --update

The key is read where the function reads it (SECRETS_SOURCE), or from --secret; it is shown to nobody.
GITHUB_TOKEN, or --token-secret, holds a token that may administer webhooks.
"""
_LIST = """
Examples:
  pipehook hooks list acme/shop
  pipehook hooks list acme -o json
"""
_TEST = """
Examples:
  pipehook hooks test acme/shop              the only hook
  pipehook hooks test acme/shop --id 521340097

Exits with 1 when the function did not take the ping.
"""

_token_option = click.option(
    "--token-secret",
    type=SECRET,
    default="",
    metavar="projects/P/secrets/S",
    help="Secret with the token [GITHUB_TOKEN].",
)


@click.group(cls=Group)
def hooks() -> None:
    """Create, list and test the webhooks at GitHub (GITHUB_API_URL: of an Enterprise Server)."""


@hooks.command("create", cls=Command, epilog=_CREATE)
@click.argument("target", metavar="OWNER/REPO|ORG")
@click.argument("url", type=URL)
@click.option("--event", "events", multiple=True, help="Event; default: those of the listeners' eventTypes.")
@click.option("--secret", type=SECRET, default="", metavar="projects/P/secrets/S", help="The key in Secret Manager.")
@click.option("--secret-key", default="", metavar="KEY", help="Which member, where the secret is a JSON object.")
@click.option("--update", is_flag=True, help="If the hook exists, give it key and events anew.")
@triggers_options
@_token_option
def create(
    target: str,
    url: str,
    *,
    events: tuple[str, ...],
    secret: str,
    secret_key: str,
    update: bool,
    triggers: str,
    listener: str,
    namespace: str,
    token_secret: str,
) -> None:
    """Create the webhook: JSON, the events that the listeners accept, and the key that they verify with."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1"):
        raise click.UsageError("the URL must be https: GitHub's signature does not hide what is sent")
    if secret_key and not secret:
        raise click.UsageError("--secret-key is a key of --secret: give both")
    scope = scope_of(target)
    selection = Selection.of(triggers=triggers, listener=listener, namespace=namespace)
    wanted = sorted(events) or _events(selection)
    github = Hooks(selection.settings.github_api_url, scope, read_token(token_secret))
    key = _key(selection, secret, secret_key)
    existing = next((hook for hook in github.all() if hook.url.rstrip("/") == url.rstrip("/")), None)
    if existing and not update:
        raise LastingError(f"{scope} has a hook for this URL, {existing.id}: --update gives it key and events anew")
    if existing:
        hook = github.update(existing, secret=key, events=wanted)
    else:
        hook = github.create(url, secret=key, events=wanted)
    progress(
        f"{status('ok')} {'updated' if existing else 'created'} hook {hook.id} of {scope}: {', '.join(hook.events)}"
    )
    progress(f"pipehook hooks test {target} --id {hook.id} shows whether it arrives.")


def _views(selection: Selection) -> Views:
    settings = selection.settings
    registry = load_path(settings.triggers_source, namespace=settings.namespace).registry
    if settings.event_listener:
        path = selection.listener("/").path
        served = {key: found for key, found in registry.listeners.items() if "/".join(key) == path}
        registry = replace(registry, listeners=served)
    return Views(registry, settings.outbound_hosts)


def _events(selection: Selection) -> list[str]:
    found: set[str] = set()
    for view in _views(selection).all:
        if any(entry.spec.ref_name == "github" for entry in view.interceptors):
            types = event_types(view)
            if types is None:
                raise click.UsageError(
                    f"trigger {view.prepared.identity} has no eventTypes, so nobody knows what it needs: give --event"
                )
            found.update(types)
    if not found:
        raise click.UsageError("no trigger names a GitHub event: give --event")
    return sorted(found)


def _key(selection: Selection, secret: str, secret_key: str) -> str:
    """Return the key that the triggers verify with. Raises click.UsageError when there is not exactly one."""
    from functions.cli.google_secrets import deadline, read_value  # noqa: PLC0415 -- gRPC, when a key is read

    if secret:
        return _text(read_value(secret, key=secret_key))
    refs = [
        ref
        for view in _views(selection).all
        for entry in view.interceptors
        if entry.spec.ref_name == "github"
        for ref in _ref(entry.param("secretRef"), view.prepared.namespace)
    ]
    distinct = list(dict.fromkeys(refs))
    if len(distinct) != 1:
        what = "name several keys" if distinct else "name no key"
        raise click.UsageError(f"the github interceptors of the listeners {what}: give --secret projects/P/secrets/S")
    if selection.settings.secrets_source.kind == "none":
        raise click.UsageError(
            "which key? Give --secret projects/P/secrets/S, or set SECRETS_SOURCE as the function has it"
        )
    from functions.entrypoints.parts import put_together  # noqa: PLC0415 -- the adapters, when a key is read

    parts = put_together(selection.settings, namespaces=frozenset)
    return _text(parts.secrets.accepted(distinct[0], deadline())[0])


def _ref(value: object, namespace: str) -> list[SecretRef]:
    if isinstance(value, dict) and isinstance(value.get("secretName"), str) and isinstance(value.get("secretKey"), str):
        return [SecretRef(namespace, value["secretName"], value["secretKey"])]
    return []


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise LastingError(
            "the key is no text, which GitHub's API takes alone: make one with openssl rand -hex 32"
        ) from error


@hooks.command("list", cls=Command, epilog=_LIST)
@click.argument("target", metavar="OWNER/REPO|ORG")
@_token_option
@output_option()
def list_(target: str, *, token_secret: str, output: str) -> None:
    """List the webhooks of a repository or organization."""
    found = _hooks(target, token_secret).all()
    if output != "table":
        say(document([_plain(hook) for hook in found], output))
        return
    rows = [
        [
            str(hook.id),
            hook.url,
            ", ".join(hook.events),
            hook.content_type if hook.content_type == "json" else status("warning") + f" {hook.content_type}",
            "yes" if hook.signed else status("failed") + " no key",
            "yes" if hook.active else "no",
        ]
        for hook in found
    ]
    say(table(rows, ["id", "url", "events", "content", "signed", "active"]))


def _plain(hook: Hook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "url": hook.url,
        "events": list(hook.events),
        "contentType": hook.content_type,
        "signed": hook.signed,
        "active": hook.active,
    }


def _hooks(target: str, token_secret: str) -> Hooks:
    return Hooks(read_settings(os.environ).github_api_url, scope_of(target), read_token(token_secret))


@hooks.command("test", cls=Command, epilog=_TEST)
@click.argument("target", metavar="OWNER/REPO|ORG")
@click.option("--id", "hook_id", type=click.IntRange(1), help="Which hook, when there are several.")
@_token_option
@output_option()
def test(target: str, *, hook_id: int | None, token_secret: str, output: str) -> None:
    """Let GitHub send a ping, and show what the function answered."""
    github = _hooks(target, token_secret)
    if hook_id is None:
        found = github.all()
        if len(found) != 1:
            raise click.UsageError(f"there are {len(found)} hooks: give --id (pipehook hooks list {target})")
        hook_id = found[0].id
    before = {entry.get("id") for entry in github.deliveries(hook_id)}
    github.ping(hook_id)
    progress("GitHub sends a ping …")
    for _ in range(POLLS):
        new = [entry for entry in github.deliveries(hook_id) if entry.get("id") not in before]
        if new:
            _show(new[0], output)
            return
        time.sleep(POLL_SECONDS)
    raise LastingError("GitHub recorded no delivery: look at the hook's page, Recent deliveries")


def _show(delivery: Mapping[str, Any], output: str) -> None:
    code = whole(delivery.get("status_code")) or 0
    fine = 200 <= code < 300  # noqa: PLR2004 -- success
    if output == "table":
        row = [
            str(delivery.get("guid", "")),
            str(delivery.get("event", "")),
            str(code),
            str(delivery.get("status", "")),
        ]
        say(table([row], ["delivery", "event", "code", "status"]))
    else:
        say(document(dict(delivery), output))
    if not fine:
        hints = {
            0: "GitHub did not reach it: mind the URL, and that it is public",
            401: "the key at GitHub is another one than the function's: pipehook hooks create … --update",
            404: "the path names no listener",
            422: "the function's log says what is not set up",
            500: "the function is not configured; its log lists every mistake",
        }
        progress(f"{status('failed')} {hints.get(code, 'the function did not take it; its log says why')}")
        finish(FAILED)
