"""Keypro connectors whose network is a function, and customers as the vendor would show them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Self, TypeVar

import httpx

from connectors.api.transport import Reply, Transport
from connectors.keypro import KeyproSettings
from connectors.keypro.target import KeyproTarget
from connectors.protocol import Answer, Held, Roll, Row

App = Callable[[httpx.Request], httpx.Response]
T = TypeVar("T")

TOKEN = "canary" + "0a" * 17
PREFIX = "/api/v2"
ORIGIN = "https://town.keyaqua.example"
GIVEN: Mapping[str, object] = {"kind": "keypro", "base_url": ORIGIN + PREFIX, "token": TOKEN}
MISSING: Mapping[str, object] = {"details": "Not found."}


class AppTransport(Transport):
    """Carries requests to a function, in place of a network."""

    def __init__(self, app: App) -> None:
        super().__init__("keypro", ORIGIN + PREFIX)
        self.app = app
        self.seen: list[httpx.Request] = []

    async def __aenter__(self) -> Self:
        return self

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, operation: str
    ) -> Reply:
        """Ask the app."""
        self.requests += 1
        request = httpx.Request(
            method, ORIGIN + target, headers=dict(headers), content=body, extensions={"operation": operation}
        )
        self.seen.append(request)
        await asyncio.sleep(0)
        response = self.app(request)
        return Reply(response.status_code, response.headers, response.content)


def customer(number: int, reference: object = "C-1", **more: object) -> dict[str, object]:
    """Show a customer, in short."""
    return {"id": number, "customerNumber": reference, "customerName": "Ada", **more}


def envelope(*customers: object, following: str | None = None) -> dict[str, object]:
    """Make the documented form of a list."""
    return {"Next": following, "Prev": None, "Results": list(customers)}


def always(status: int, content: object = None, **headers: str) -> App:
    """Answer everything alike: bytes as they are, anything else as JSON."""
    if isinstance(content, bytes):
        return lambda _: httpx.Response(status, content=content, headers=headers)
    return lambda _: httpx.Response(status, json=content, headers=headers)


def perform(
    app: App,
    act: Callable[[KeyproTarget], Coroutine[Any, Any, T]],
    table: Mapping[str, str] | None = None,
    **settings: object,
) -> tuple[T, list[httpx.Request]]:
    """Enter a target whose network is an app, do something with it, and give the requests that this took.

    Entering is answered with an empty list.
    """
    transport = AppTransport(lambda _: httpx.Response(200, json=envelope()))
    target = KeyproTarget(KeyproSettings.model_validate({**GIVEN, **settings}), table or {}, transport)

    async def main() -> T:
        async with target:
            transport.app = app
            transport.seen.clear()
            return await act(target)

    return asyncio.run(main()), transport.seen


def send(app: App, row: Row, table: Mapping[str, str] | None = None, **settings: object) -> Answer:
    """Send one row."""
    return perform(app, lambda target: target.send(row), table, **settings)[0]


def look_up(app: App, row: Row, table: Mapping[str, str] | None = None, **settings: object) -> Held | None:
    """Look one row up."""
    return perform(app, lambda target: target.look_up(row), table, **settings)[0]


def roll(app: App, cursor: str | None = None, table: Mapping[str, str] | None = None) -> Roll:
    """Ask for a part of the list."""
    return perform(app, lambda target: target.roll(cursor), table)[0]
