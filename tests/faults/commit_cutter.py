"""Stands between a ledger and its PostgreSQL server, and cuts the connection at a COMMIT of the test's choice."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_COMMIT = b"COMMIT"
_ANSWER_SECONDS = 5.0


@dataclass
class CommitCutter:
    """A TCP proxy: the `cut_at`-th COMMIT from now on is not passed on, or is and loses its answer; None cuts none."""

    server: tuple[str, int]
    listener: socket.socket
    cut_at: int | None = None
    passed_on: bool = False  # whether the server is to see the COMMIT that is cut
    commits: int = 0
    cuts: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where the ledger connects to."""
        port: int = self.listener.getsockname()[1]
        return port

    def plan(self, cut_at: int | None, *, passed_on: bool = False) -> None:
        """Begin to count anew."""
        self.commits, self.cut_at, self.passed_on = 0, cut_at, passed_on

    def serve(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.server)
                self._open += [client, server]
                answered = threading.Event()
                threading.Thread(target=self._pass_on, args=(client, server, answered), daemon=True).start()
                threading.Thread(target=self._pass_back, args=(server, client, answered), daemon=True).start()

    def close(self) -> None:
        """Let go of everything."""
        for each in (self.listener, *self._open):
            _end(each)

    def _pass_on(self, client: socket.socket, server: socket.socket, answered: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                self.commits += _COMMIT in data
                if _COMMIT in data and self.commits == self.cut_at:
                    self.cuts += 1
                    if self.passed_on:
                        _end(client)
                        answered.clear()
                        server.sendall(data)
                        answered.wait(_ANSWER_SECONDS)
                    break
                server.sendall(data)
        _end(client)
        _end(server)

    def _pass_back(self, server: socket.socket, client: socket.socket, answered: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                answered.set()
                client.sendall(data)
        _end(client)


def _end(side: socket.socket) -> None:
    with suppress(OSError):
        side.shutdown(socket.SHUT_RDWR)
    side.close()


@contextmanager
def commit_cutter(host: str, port: int) -> Iterator[CommitCutter]:
    """Serve until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cutter = CommitCutter((host, port), listener)
        serving = threading.Thread(target=cutter.serve, daemon=True)
        serving.start()
        try:
            yield cutter
        finally:
            cutter.close()
            serving.join(5)
