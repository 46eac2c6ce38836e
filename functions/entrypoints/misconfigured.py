"""What a function answers that cannot serve as it is configured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from functions.adapters.http import exchange

if TYPE_CHECKING:
    from flask import Request


class Misconfigured:
    """Answers 500 to everything, probes included: a half-configured function never serves."""

    status = 500

    def __init__(self, mistakes: Iterable[str] = ()) -> None:
        """`mistakes` are those of the log, for whoever serves on their own machine."""
        self.mistakes = tuple(mistakes)

    def __call__(self, _request: Request) -> exchange.Response:
        """Answer one request."""
        return exchange.misconfigured(self.status)
