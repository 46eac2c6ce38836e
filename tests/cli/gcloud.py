"""A gcloud for the tests: takes exactly the commands that doctor prints, and notes them for the stand-in."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Note one command."""
    parser = argparse.ArgumentParser(prog="gcloud", allow_abbrev=False)
    secrets = parser.add_subparsers(required=True).add_parser("secrets", allow_abbrev=False)
    verbs = secrets.add_subparsers(required=True, dest="verb")
    create = verbs.add_parser("create", allow_abbrev=False)
    create.add_argument("--replication-policy", choices=["automatic"], required=True)
    bind = verbs.add_parser("add-iam-policy-binding", allow_abbrev=False)
    bind.add_argument("--member", required=True)
    bind.add_argument("--role", required=True)
    versions = verbs.add_parser("versions", allow_abbrev=False).add_subparsers(required=True)
    add = versions.add_parser("add", allow_abbrev=False)
    add.add_argument("--data-file", choices=["-"], required=True)
    for command in (create, bind, add):
        command.add_argument("secret")
        command.add_argument("--project", required=True)
    found = vars(parser.parse_args())
    verb = {"create": "create", "add-iam-policy-binding": "bind", "versions": "add"}[found.pop("verb")]
    value = {"value": sys.stdin.read()} if verb == "add" else {}
    with Path(os.environ["GCLOUD_LOG"]).open("a", encoding="utf-8") as log:
        log.write(json.dumps({**found, "verb": verb, **value}) + "\n")


if __name__ == "__main__":
    main()
