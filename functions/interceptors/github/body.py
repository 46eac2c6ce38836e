"""The fields of GitHub's bodies that the github interceptor reads; what is missing is said in Tekton's words."""

from __future__ import annotations

import re
from collections.abc import Mapping

from functions.common.errors import LastingError
from functions.common.values import Json

Fields = Mapping[str, Json]

_FULL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")


def section_in(body: Fields, name: str, missing: str) -> Fields:
    """Return an object in the body. Raises LastingError, saying `missing`."""
    value = body.get(name)
    if not isinstance(value, dict):
        raise wrong(missing)
    return value


def number_in(fields: Fields, missing: str) -> int:
    """Return the field `number`. Raises LastingError, saying `missing`."""
    value = fields.get("number")
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 1:
        raise wrong(missing)
    return int(value)


def repository_in(body: Fields) -> str:
    """Return `repository.full_name`, `owner/name`. Raises LastingError when it is missing or cannot be one."""
    repository = section_in(body, "repository", "payload body missing 'repository' field")
    full_name = repository.get("full_name")
    if not isinstance(full_name, str):
        raise wrong("payload body missing 'repository.full_name' field")
    if not _FULL_NAME.fullmatch(full_name) or {".", ".."} & set(full_name.split("/")):
        raise wrong("'repository.full_name' is not OWNER/NAME")
    return full_name


def wrong(text: str) -> LastingError:
    """Return the error of a body that the interceptor cannot read."""
    return LastingError(f"error parsing body: {text}")
