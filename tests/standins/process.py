"""Running a stand-in as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import sys
import threading


def serve_until_told(**address: object) -> None:
    """Print the address as one line of JSON; return on SIGTERM, SIGINT, or when a pipe on stdin is closed."""
    told, waker = socket.socketpair()
    waker.settimeout(0)
    with told, waker:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)
        signal.set_wakeup_fd(waker.fileno())  # a wait for a lock would miss a signal that comes just before
        # Only a pipe or socket is a parent that holds us; /dev/null would end the server at once.
        mode = os.fstat(sys.stdin.fileno()).st_mode if sys.stdin is not None else 0
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            threading.Thread(target=_wait_for_end, args=(waker,), daemon=True).start()
        sys.stdout.write(json.dumps(address) + "\n")
        sys.stdout.flush()
        told.recv(1)
        signal.set_wakeup_fd(-1)


def _wait_for_end(waker: socket.socket) -> None:
    # The file descriptor itself: a buffered reader's lock would stop the interpreter from ending.
    while os.read(0, 4096):
        pass
    with contextlib.suppress(OSError):  # it has ended already
        waker.send(b"\0")
