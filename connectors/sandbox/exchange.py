"""One HTTP exchange over ASGI: a request read whole, a reply as a value, and the ways in which a connection can break.

Knows no vendor and decides nothing.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote_to_bytes

from connectors.sandbox.form import Form, read_form

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Ending = Literal["answered", "dropped", "reset", "truncated", "hung", "dripped"]

BREAK = "rollcall.break"
"""The ASGI extension under which `server` offers to break the connection: a callable that takes an `Ending`."""

_DRIP_SECONDS = 0.2
_BOMB_MEGABYTES = 200
JSON_HEADERS = ((b"content-type", b"application/json;charset=UTF-8"),)
HTML_HEADERS = ((b"content-type", b"text/html;charset=UTF-8"),)


@dataclass(frozen=True)
class Request:
    """A request with its body; `segments` are the parts of the path, each percent-decoded on its own.

    A segment that is no UTF-8 keeps its replacement characters: it then names nothing that exists.
    """

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The path as it was sent, cut at `/` before decoding, so that `a%2Fb` stays one segment."""
        return tuple(unquote_to_bytes(part).decode(errors="replace") for part in self.path.split("/")[1:])

    @cached_property
    def query(self) -> dict[str, str]:
        """The parameters behind the question mark, the last of a name winning."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @cached_property
    def form(self) -> Form:
        """The body as a form; raises FormError where it is none."""
        return read_form(self.headers.get("content-type", ""), self.body)

    @property
    def origin(self) -> str:
        """The address that the caller used, for absolute links."""
        return f"http://{self.headers.get('host', '127.0.0.1')}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; `applied` says that customers are no longer what they were before the request."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = JSON_HEADERS
    applied: bool = False


def json_reply(status: int, content: object, *, applied: bool = False) -> Reply:
    """Make a reply of anything that JSON can say; text stays Unicode."""
    return Reply(status, json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), applied=applied)


async def read_request(scope: Scope, receive: Receive) -> Request | None:
    """Read a request to its end; None where the client left before it."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        chunks = [body]
        while message.get("more_body", False):
            message = await receive()
            chunks.append(message.get("body", b""))
        body = b"".join(chunks)
    if message["type"] == "http.disconnect":
        return None
    return Request(
        method=scope["method"],
        path=scope["raw_path"].decode("ascii"),
        query_string=scope["query_string"].decode("ascii"),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
    )


async def send_reply(reply: Reply, ending: Ending, *, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as `ending` says: whole, cut in the middle of the body, byte by byte, or not at all.

    Raises ConnectionAbortedError for a broken ending where no real connection can be broken (in-process transports).
    """
    if ending in ("answered", "truncated", "dripped"):
        length = (b"content-length", str(len(reply.body)).encode())
        await send({"type": "http.response.start", "status": reply.status, "headers": [*reply.headers, length]})
    if ending == "answered":
        await send({"type": "http.response.body", "body": reply.body})
        return
    if ending == "dripped":
        await _drip(reply.body, receive, send)
        return
    if ending == "truncated":
        half = reply.body[: len(reply.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
    await _break(ending, scope, receive)


async def _drip(body: bytes, receive: Receive, send: Send) -> None:
    """Send one byte after the other, until the client leaves."""
    gone = asyncio.ensure_future(receive())
    try:
        for place in range(len(body)):
            await send({"type": "http.response.body", "body": body[place : place + 1], "more_body": True})
            await asyncio.wait([gone], timeout=_DRIP_SECONDS)
            if gone.done():
                return
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def _break(ending: Ending, scope: Scope, receive: Receive) -> None:
    if ending != "hung":
        if BREAK not in scope.get("extensions", {}):
            raise ConnectionAbortedError(f"the exchange ends {ending}")
        scope["extensions"][BREAK](ending)
    # The server takes an application that returns without an answer for a broken one, unless the client has left.
    while (await receive())["type"] != "http.disconnect":
        continue


@cache
def gzip_bomb() -> bytes:
    """Pack blanks with gzip, a megabyte at a time: they never lie in memory all together."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    blanks = b" " * 1_000_000
    return b"".join([packer.compress(blanks) for _ in range(_BOMB_MEGABYTES)] + [packer.flush()])
