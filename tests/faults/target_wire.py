"""What stands on the wire in tests of faults: a tap before a sandbox, and places that nobody may ever reach."""

from __future__ import annotations

import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.exchange import Message, Receive, Reply, Request, Scope, Send, read_request, send_reply

WRITES = frozenset({"POST", "PATCH", "PUT", "DELETE"})


class Tap:
    """A sandbox as its clients meet it; a test sees each request, may act before it or answer in the sandbox's place.

    `together` is the greatest number of writes of one customer that were ever open at the same time.
    """

    def __init__(self, app: SandboxApp) -> None:
        self.app = app
        self.requests: list[Request] = []
        self.before: Callable[[Request], Reply | None] = lambda _: None
        self.together = 0
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = await read_request(scope, receive)
        if request is None:
            return
        self.requests.append(request)
        if (reply := self.before(request)) is not None:
            await send_reply(reply, "answered", scope=scope, receive=receive, send=send)
            return
        name = self.app.vendor.reference(request) if request.method in WRITES else None
        if name is None:
            await self.app(scope, _replay(request, receive), send)
            return
        self._open[name] += 1
        self.together = max(self.together, self._open[name])
        try:
            await self.app(scope, _replay(request, receive), send)
        finally:
            self._open[name] -= 1


def _replay(request: Request, receive: Receive) -> Receive:
    """Give the request once more to who reads it next."""
    waiting: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


@dataclass
class Elsewhere:
    """Another server: a port that counts who comes and keeps what was said; it answers nothing and closes."""

    port: int
    scheme: str = "http"
    visits: int = 0
    heard: bytearray = field(default_factory=bytearray)

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.scheme}://127.0.0.1:{self.port}"


@contextmanager
def elsewhere(context: ssl.SSLContext | None = None) -> Iterator[Elsewhere]:
    """Listen on a port of this machine until the test ends; with a context over TLS, and what is heard is decrypted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = Elsewhere(listener.getsockname()[1], "http" if context is None else "https")

        def listen() -> None:
            with suppress(OSError):  # the listener is shut
                while True:
                    visitor, _ = listener.accept()
                    place.visits += 1
                    visitor.settimeout(1)
                    with visitor, suppress(OSError):  # a TLS handshake that is broken off is one, too
                        if context is None:
                            place.heard += visitor.recv(65536)
                            continue
                        with context.wrap_socket(visitor, server_side=True) as secured:
                            place.heard += secured.recv(65536)

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield place
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept
            thread.join()
