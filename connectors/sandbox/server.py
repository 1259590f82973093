"""Puts a sandbox on 127.0.0.1, in a thread or in the foreground; it serves no other interface."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from connectors.sandbox.exchange import BREAK, Ending, Receive, Scope, Send

App = Callable[[Scope, Receive, Send], Any]
HOST = "127.0.0.1"

_NO_LINGER = struct.pack("ii", 1, 0)
_STARTUP_SECONDS = 10


class BreakableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which also hands the application a way to break its own connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Offer the break under the ASGI extension `exchange.BREAK`."""
        super().connection_made(transport)
        app = self.app

        def break_off(ending: Ending) -> None:
            if ending == "truncated":
                transport.close()  # what was written still goes out
                return
            if ending == "reset":
                # Closing without lingering makes the kernel send RST instead of FIN.
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            transport.abort()

        async def with_break(scope: Any, receive: Any, send: Any) -> None:
            scope["extensions"] = {BREAK: break_off}
            try:
                await app(scope, receive, send)
            except asyncio.CancelledError:
                # The server ends while this request is open. uvicorn would log that as an error of the application,
                # unless the connection is gone before it hears of it: that takes one turn of the loop.
                transport.abort()
                await asyncio.sleep(0)

        self.app = with_break


def _bind(port: int) -> socket.socket:
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it on, an answer takes 40 ms more.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _server(app: App) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=BreakableProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=75,  # uvicorn's 5 s race with clients that pause between two pages
        server_header=False,
        date_header=False,  # the sandbox's own clock may be another
    )
    return uvicorn.Server(config)


@contextlib.contextmanager
def running(app: App, port: int = 0) -> Iterator[str]:
    """Serve `app` from a thread (port 0: any free one) and yield its base URL; requests still open at the end are cut.

    Raises OSError where the port is taken.
    """
    listener = _bind(port)
    server = _server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True)
    thread.start()
    try:
        _await_start(server, thread)
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True  # a hung request would keep a graceful end waiting for ever
        thread.join()
        listener.close()


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    for _ in range(_STARTUP_SECONDS * 200):
        if server.started:
            return
        thread.join(0.005)
        if not thread.is_alive():
            break
    raise RuntimeError("the sandbox did not start")


def serve(app: App, port: int = 0, *, announce: Callable[[str], None]) -> None:
    """Serve `app` in the foreground until SIGINT; `announce` gets the base URL as soon as connections are taken.

    Raises OSError where the port is taken.
    """
    listener = _bind(port)
    announce(f"http://{HOST}:{listener.getsockname()[1]}")
    with contextlib.closing(listener), contextlib.suppress(KeyboardInterrupt):
        _server(app).run(sockets=[listener])
