"""Which element of a page has the keyboard's focus, told by style sheets alone: the pages run no scripts.

A page that is shown anew gives the focus back. Each page has a name of its own; its style sheet has a background for
every element that may be focused, and a browser asks for it when the element is.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable

PAGES = 100
IMAGE = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
_PLACE = re.compile(r"[a-z]{1,10}[0-9]{0,10}")


class Focus:
    """What was focused last on each of the newest pages. Shared by the threads that serve."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: OrderedDict[str, str] = OrderedDict()

    def page(self, place: str = "") -> str:
        """Begin a page on which `place` has the focus, and return its name."""
        name = secrets.token_urlsafe(9)
        with self._lock:
            self._pages[name] = place
            while len(self._pages) > PAGES:
                self._pages.popitem(last=False)
        return name

    def at(self, page: str) -> str:
        """Return the id of the element that is focused on a page, empty when none is or nobody knows the page."""
        with self._lock:
            return self._pages.get(page, "")

    def note(self, page: str, place: str) -> None:
        """Note what is focused now."""
        with self._lock:
            if page in self._pages and _PLACE.fullmatch(place):
                self._pages[page] = place

    @staticmethod
    def style(page: str, places: Iterable[str]) -> str:
        """Return a page's style sheet."""
        return "\n".join(f'#{place}:focus {{ background-image: url("/focus/{page}/{place}"); }}' for place in places)
