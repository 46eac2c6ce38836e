"""Signs a delivery as its sender does: GitHub's and Bitbucket's HMAC, GitLab's token, Slack's timestamped HMAC."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from functions.cli.output import options
from functions.cli.recorded import Recorded
from functions.cli.types import SECRET
from functions.delivery import canonical_name

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT_VARIABLE = "WEBHOOK_SECRET"


def provider_of(recorded: Recorded) -> str:
    """Return github, gitlab, bitbucket or slack, or an empty string when the headers do not tell."""
    names = {canonical_name(name) for name, _ in recorded.headers} | set(recorded.stripped)
    for header, provider in (
        ("X-Github-Event", "github"),
        ("X-Gitlab-Event", "gitlab"),
        ("X-Event-Key", "bitbucket"),
        ("X-Slack-Signature", "slack"),
        ("X-Slack-Request-Timestamp", "slack"),
    ):
        if header in names:
            return provider
    return ""


def signed(recorded: Recorded, secret: bytes) -> Recorded:
    """Return the delivery with its sender's signature or token. Raises click.UsageError when nobody knows whose it is.

    https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries, and the like of the others.
    """
    provider = provider_of(recorded)
    if provider == "gitlab":
        return recorded.with_headers([("X-Gitlab-Token", secret.decode("utf-8", "replace"))])
    if provider == "slack":
        stamp = str(int(time.time()))
        digest = _hmac(secret, b"v0:" + stamp.encode() + b":" + recorded.body)
        return recorded.with_headers([("X-Slack-Request-Timestamp", stamp), ("X-Slack-Signature", f"v0={digest}")])
    if provider in ("github", "bitbucket"):
        header = "X-Hub-Signature-256" if provider == "github" else "X-Hub-Signature"
        return recorded.with_headers([(header, f"sha256={_hmac(secret, recorded.body)}")])
    raise click.UsageError("the headers do not say who sends this, so it cannot be signed; give --unsigned to send it")


def signed_again(original: Recorded, changed: Recorded, keys: Iterable[bytes]) -> Recorded:
    """Return `changed` signed with the key that `original` was signed with, or as it is when none of `keys` is that."""
    for key in keys:
        if provider_of(original) and _matches(original, key):
            return signed(changed, key)
    return changed


def _matches(recorded: Recorded, key: bytes) -> bool:
    """Say whether a delivery's own signature is one of this key; Slack's covers a time, which `signed` sets anew."""
    found = {canonical_name(name): value for name, value in recorded.headers}
    if stamp := found.get("X-Slack-Request-Timestamp"):
        expected = f"v0={_hmac(key, b'v0:' + stamp.encode() + b':' + recorded.body)}"
        return hmac.compare_digest(found.get("X-Slack-Signature", "").encode(), expected.encode())
    fresh = {canonical_name(name): value for name, value in signed(recorded, key).headers}
    return all(hmac.compare_digest(found.get(name, "").encode(), value.encode()) for name, value in fresh.items())


def _hmac(secret: bytes, text: bytes) -> str:
    return hmac.new(secret, text, hashlib.sha256).hexdigest()


secret_options: Callable[[F], F] = options(
    click.option(
        "--secret-env", default=DEFAULT_VARIABLE, show_default=True, metavar="NAME", help="Variable with the key."
    ),
    click.option("--secret-file", type=click.Path(path_type=Path, dir_okay=False), help="File with the key."),
    click.option(
        "--secret", type=SECRET, default="", metavar="projects/P/secrets/S", help="The key in Secret Manager."
    ),
    click.option("--secret-key", default="", metavar="KEY", help="Which member, where the secret is a JSON object."),
)


def read_secret(*, secret_env: str, secret_file: Path | None, secret: str, secret_key: str) -> bytes:
    """Return the key that the options name; it never stands on the command line itself.

    Raises click.UsageError, and what reading Secret Manager raises.
    """
    if secret_key and not secret:
        raise click.UsageError("--secret-key is a key of --secret: give both")
    if secret:
        from functions.cli.google_secrets import read_value  # noqa: PLC0415 -- gRPC, for those who ask for it

        return read_value(secret, key=secret_key)
    if secret_file:
        try:
            # one line break at the end is the editor's, as with `kubectl create secret --from-file`'s usual trap
            key = secret_file.read_bytes().removesuffix(b"\n").removesuffix(b"\r")
        except OSError as error:
            raise click.UsageError(f"{secret_file} cannot be read: {error.strerror}") from error
        if not key:
            raise click.UsageError(f"{secret_file} is empty: it holds no key")
        return key
    found = os.environ.get(secret_env, "")
    if not found and secret_env != DEFAULT_VARIABLE:
        raise click.UsageError(f"the variable {secret_env} is not set")
    if not found:
        raise click.UsageError("sign with which key? Set WEBHOOK_SECRET, or give --secret-file, --secret or --unsigned")
    return found.encode()
