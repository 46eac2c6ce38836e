"""What a function answers that cannot serve as it is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.adapters import logs
from functions.adapters.http import exchange
from functions.common.errors import ConfigurationError, LastingError

if TYPE_CHECKING:
    from flask import Request


class Misconfigured:
    """Answers 500, or another `status`, to everything, probes included: a half-configured function never serves."""

    def __init__(self, error: LastingError, status: int = 500) -> None:
        """Write what is wrong to the log; `mistakes` are the same for whoever serves on their own machine."""
        found = error.mistakes if isinstance(error, ConfigurationError) else ()
        self.mistakes = (error.reason, *found)
        self._status = status
        logs.write("CRITICAL", f"Pipehook cannot serve: {error.reason}")
        for mistake in found:
            logs.write("ERROR", f"mistake: {mistake}")

    def __call__(self, _request: Request) -> exchange.Response:
        """Answer one request."""
        return exchange.misconfigured(self._status)
