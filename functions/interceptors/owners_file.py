"""OWNERS and OWNERS_ALIASES of a repository's default branch: who is named in them."""

from __future__ import annotations

from functions.common.errors import LastingError
from functions.common.values import Json

MAX_FILE = 256 * 1024
"""Characters of either file."""


def owners_named(text: str) -> frozenset[str]:
    """Return the approvers and reviewers in OWNERS, logins and aliases in lower case.

    Raises LastingError when it is not as Tekton reads it.
    """
    document = _document(text, "OWNERS", "approvers and reviewers")
    return frozenset().union(*(_logins(document.get(name), "OWNERS", name) for name in ("approvers", "reviewers")))


def expanded(names: frozenset[str], aliases: str) -> frozenset[str]:
    """Return names with each that OWNERS_ALIASES defines replaced by its members, as prow does it.

    An alias is no login, then: who registers its name at GitHub is not an owner. Raises LastingError when the file is
    not as prow reads it. https://docs.prow.k8s.io/docs/components/plugins/approve/approvers/
    """
    defined = _document(aliases, "OWNERS_ALIASES", "aliases").get("aliases") or {}
    if not isinstance(defined, dict):
        raise LastingError("in the OWNERS_ALIASES file, aliases is no object")
    members = {name.lower(): _logins(logins, "OWNERS_ALIASES", "an alias") for name, logins in defined.items()}
    return frozenset().union(*(members.get(name, frozenset({name})) for name in names))


def _document(text: str, file: str, wanted: str) -> dict[str, Json]:
    if len(text) > MAX_FILE:
        raise LastingError(f"the {file} file is longer than {MAX_FILE // 1024} KiB")
    # only these checks need YAML, whose import a cold start should not pay for
    import yaml  # noqa: PLC0415

    try:
        # every scalar stays text: a login may be all digits
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 -- the loader that makes text, lists and maps only
    except (yaml.YAMLError, RecursionError) as error:
        raise LastingError(f"the {file} file is no YAML") from error
    if document is None or document == "":
        return {}
    if not isinstance(document, dict) or not all(isinstance(name, str) for name in document):
        raise LastingError(f"the {file} file is no YAML object with {wanted}")
    return document


def _logins(value: Json, file: str, name: str) -> frozenset[str]:
    found = value or []
    if not isinstance(found, list):
        raise LastingError(f"in the {file} file, {name} is no list of logins")
    logins = frozenset(login.lower() for login in found if isinstance(login, str))
    if not all(isinstance(login, str) for login in found):
        raise LastingError(f"in the {file} file, {name} is no list of logins")
    return logins
