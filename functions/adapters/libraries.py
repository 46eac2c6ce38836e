"""Libraries are imported with their first use, by one thread at a time."""

from __future__ import annotations

import threading

IMPORTING = threading.RLock()
"""Held while a large library is imported: modules of theirs import each other in circles, and two threads that begin at
different ends meet a deadlock of the import system. A delivery to several clusters has such threads."""
