"""Libraries are imported with their first use: by one thread at a time, and without the garbage collector."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.RLock()


@contextmanager
def importing() -> Iterator[None]:
    """Import something large.

    Modules of the libraries import each other in circles, and two threads that begin at different ends meet a deadlock
    of the import system; a delivery to several clusters has such threads. What modules consist of stays, so that
    looking it through again and again for garbage is a tenth of an import's time: the collector waits meanwhile, and
    passes over it from then on.
    """
    with _LOCK:
        if not gc.isenabled():
            yield
            return
        known = len(sys.modules)
        gc.disable()
        try:
            yield
        finally:
            if len(sys.modules) > known:  # not when all had been imported before: what lives then is other things
                gc.freeze()
            gc.enable()
