"""What one request to the API brings: an answer, whatever its status, or none."""

from __future__ import annotations

import json
from contextvars import ContextVar

from msgspec import Struct

from functions.common.ports import Deadline
from functions.common.values import Json

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer: a page of 500 large objects stays well below."""

ends: ContextVar[Deadline] = ContextVar("ends")
"""When the answer of the request that this thread sends must have ended."""


class Answer(Struct, frozen=True):
    """What the API answered, whatever the status."""

    status: int
    retry_after: str
    body: bytes

    def document(self) -> Json:
        """Return the body's JSON, None where it is none."""
        try:
            return json.loads(self.body)  # type: ignore[no-any-return] # it is JSON
        except (ValueError, RecursionError):
            return None
