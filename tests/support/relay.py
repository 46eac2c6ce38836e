"""A relay to a server, whose connections a test lets fall silent."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self


class Relay:
    """A TCP relay to a server. Connections that are open when it is frozen stay open and carry nothing any more."""

    def __init__(self, host: str) -> None:
        name, _, port = host.rpartition(":")
        self._target = (name, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._carrying: list[threading.Thread] = []
        self._frozen: set[socket.socket] = set()
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        for end, threads in (([self._listener], [self._accepting]), (self._sockets, self._carrying)):
            for one in end:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)  # which wakes who waits for it, as closing does not
            for thread in threads:
                thread.join()
            for one in end:
                one.close()

    def freeze(self) -> None:
        """Let the open connections carry nothing any more; new ones do."""
        self._frozen.update(self._sockets)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._sockets += (near, far)
            for source, sink in ((near, far), (far, near)):
                thread = threading.Thread(target=self._carry, args=(source, sink), daemon=True)
                thread.start()
                self._carrying.append(thread)

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if source not in self._frozen:
                    sink.sendall(data)
