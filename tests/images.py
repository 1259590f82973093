"""Images of the four kinds, and a host on this machine that serves them, well or badly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from connectors.sandbox.exchange import Receive, Scope, Send
from connectors.sandbox.server import running

GIF = b"GIF89a" + bytes(20)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@dataclass
class ImageHost:
    """What is at each path: contents, and the statuses that are answered before them, one a request."""

    contents: dict[str, bytes] = field(default_factory=dict)
    statuses: dict[str, list[int]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    @property
    def name(self) -> str:
        """The host as a job names it."""
        return self.url.removeprefix("http://")

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = str(scope["path"])
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        self.asked.append((path, headers))
        waiting = self.statuses.get(path, [])
        status = waiting.pop(0) if waiting else 200 if path in self.contents else 404
        shown = [(b"location", b"/elsewhere.gif")] if status == 302 else []
        await send({"type": "http.response.start", "status": status, "headers": shown})
        await send({"type": "http.response.body", "body": self.contents.get(path, b"") if status == 200 else b""})


@contextmanager
def image_host(**contents: bytes) -> Iterator[ImageHost]:
    """Serve images until the end of the block, each at `/NAME`."""
    host = ImageHost({f"/{name}": content for name, content in contents.items()})
    with running(host) as url:
        host.url = url
        yield host
