"""OWNERS and OWNERS_ALIASES of a repository's default branch: who is named in them."""

from __future__ import annotations

from functions.common.errors import LastingError
from functions.common.values import Json

MAX_FILE = 256 * 1024
"""Characters of either file."""
MAX_LEVELS = 20
"""Levels of nesting; they need three."""


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
    import yaml  # noqa: PLC0415 -- see above

    from functions.go.yaml import LOADER, Budget, Composer, Dialect, TooDeepError  # noqa: PLC0415 -- see above
    from functions.go.yaml_scalars import YamlError  # noqa: PLC0415 -- see above

    # every scalar is text: a login may be all digits
    texts = Dialect(plain=str, tagged=lambda _, text: text, levels=MAX_LEVELS)
    try:
        documents = [node.value for node in Composer(LOADER(text), texts, Budget(MAX_FILE)).documents()]
    except TooDeepError as error:
        raise LastingError(f"the {file} file nests deeper than {MAX_LEVELS} levels") from error
    except (YamlError, yaml.YAMLError) as error:
        raise LastingError(f"the {file} file is no YAML object with {wanted}") from error
    if len(documents) > 1:
        raise LastingError(f"the {file} file is no YAML of one document")
    document = documents[0] if documents else ""
    if document == "":
        return {}
    if not isinstance(document, dict):
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
