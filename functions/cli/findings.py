"""What a check of `pipehook doctor` says: its result and its remedy; misspelt variables, and what a clock says."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from email.utils import parsedate_to_datetime
from typing import Any

from msgspec import Struct

from functions.adapters.kubernetes.kubeconfig.access import ClusterAccess
from functions.settings.variables import VARIABLES

OK, WARN, FAIL = 0, 1, 2
MAX_SKEW = 30.0
"""Seconds: tokens are good for a minute around their times, Slack's signatures for five."""


class Check(Struct, frozen=True):
    """What one check found."""

    name: str
    result: int
    detail: str
    remedy: str = ""

    def plain(self, word: str) -> dict[str, str]:
        """Return it as plain values, the result as a word."""
        return {"check": self.name, "result": word, "detail": self.detail, "remedy": self.remedy if self.result else ""}


def misspelt(names: Iterable[str]) -> Iterator[Check]:
    """Yield what is nearly the name of a variable, which the function passes over."""
    for name in sorted(set(names) - VARIABLES.keys()):
        for meant in get_close_matches(name.upper(), VARIABLES, n=1, cutoff=0.85):
            yield Check("settings", WARN, f"{name} is no variable of the function", f"is {meant} meant? Rename it")


def clock(whose: str, date: float | None) -> Check:
    """Return what another clock (seconds since 1970, None when it is not told) says of this one."""
    if date is None:
        return Check("clock", OK, f"{whose} does not tell the time")
    skew = abs(time.time() - date)
    result = OK if skew <= MAX_SKEW else WARN
    return Check("clock", result, f"this clock and that of {whose} differ by {skew:.0f} s", "timedatectl set-ntp true")


def server_date(access: ClusterAccess) -> float | None:
    """Return the API server's time, from the Date of an answer, whatever it answers."""
    import ssl  # noqa: PLC0415 -- for this question alone

    import urllib3  # noqa: PLC0415 -- as above

    context: Any = ssl.create_default_context(cadata=access.ca_pem or None)
    if access.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib3.PoolManager(ssl_context=context, retries=False) as pool:
            answer = pool.request("GET", f"{access.server}/version", timeout=5.0, redirect=False)
    except (urllib3.exceptions.HTTPError, OSError):
        return None
    date = answer.headers.get("Date")
    return parsedate_to_datetime(date).timestamp() if date else None
