"""Answers as fast as Python can: it checks nothing and stores nothing, so that clients are what is measured.

`python -m tests.benchmarks.server --latency 50` prints its base URL and serves until it is ended.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import cast

_LOGIN = (
    b"HTTP/1.1 302 Found\r\nLocation: /login/ajaxSuccess\r\nSet-Cookie: JSESSIONID=bench\r\nContent-Length: 0\r\n\r\n"
)
_TOKEN = b'{"token": "bench"}'
_CREATED = (
    b'{"id": 256, "name": "created", "dateCreated": "2026-01-01T00:00:00Z", "lastUpdated": "2026-01-01T00:00:00Z"}'
)


def _answer(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


_SIGNED_IN = _answer(b"200 OK", _TOKEN)
_ACCEPTED = _answer(b"201 Created", _CREATED)


class BenchProtocol(asyncio.Protocol):
    """HTTP/1.1 with kept connections and bodies of known length; nothing more."""

    def __init__(self, latency_seconds: float) -> None:
        self._latency = latency_seconds
        self._received = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every whole request in what has come."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = _length(head)
            if len(self._received) < end + 4 + length:
                return
            self._received = self._received[end + 4 + length :]
            self._reply(head)

    def _reply(self, head: bytes) -> None:
        if b"j_spring_security_check" in head:
            self._transport.write(_LOGIN)
        elif b"login/ajaxSuccess" in head:
            self._transport.write(_SIGNED_IN)
        elif self._latency:
            self._loop.call_later(self._latency, self._transport.write, _ACCEPTED)
        else:
            self._transport.write(_ACCEPTED)


def _length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    return int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def _serve(latency_seconds: float) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: BenchProtocol(latency_seconds), "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS")
    asyncio.run(_serve(parser.parse_args().latency / 1000))
