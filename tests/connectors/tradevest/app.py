"""A tradevest platform as a small function: it hands out tokens, and answers API requests as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Self, TypeVar
from urllib.parse import parse_qsl

import httpx

from connectors.api.transport import Reply, Transport
from connectors.tradevest import TradevestSettings
from connectors.tradevest.target import TradevestTarget

App = Callable[[httpx.Request], httpx.Response]
T = TypeVar("T")

ORIGIN = "https://api.tradevest.example"
TOKEN_URL = "https://auth.tradevest.example/connect/token"
REQUESTOR = "0b7b6a2e-45a3-4c7e-9a55-0d3f0c8d9a11"
ENTITY = "7d0a3c52-61de-4a0f-8a43-5f1b9f6c2e70"
OTHER = "11111111-2222-4333-8444-555555555555"
ID = "c0ffee00-1111-4222-8333-444455556666"
CUSTOMERS = "/roles/customers"

GIVEN: Mapping[str, object] = {
    "kind": "tradevest",
    "base_url": ORIGIN,
    "token_url": TOKEN_URL,
    "client_id": "canary-client",
    "client_secret": "canary-secret",
    "scope": "tradevest.api",
}
SETTINGS = TradevestSettings.model_validate({**GIVEN, "requestor_id": REQUESTOR})
FORM = {
    "grant_type": "client_credentials",
    "scope": "tradevest.api",
    "client_id": "canary-client",
    "client_secret": "canary-secret",
}


class AppTransport(Transport):
    """Carries requests to a function, in place of a network."""

    def __init__(self, app: App) -> None:
        super().__init__("tradevest", ORIGIN, token_url=TOKEN_URL)
        self.app = app
        self.seen: list[httpx.Request] = []

    async def __aenter__(self) -> Self:
        return self

    async def _exchange(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes | None, operation: str
    ) -> Reply:
        self.requests += 1
        request = httpx.Request(
            method, address, headers=dict(headers), content=body, extensions={"operation": operation}
        )
        self.seen.append(request)
        await asyncio.sleep(0)
        response = self.app(request)
        return Reply(response.status_code, response.headers, response.content)


class Platform:
    """A server that hands out tokens, and answers API requests by a function; `live` are the tokens that it knows."""

    def __init__(self, api: App) -> None:
        self.api = api
        self.live: set[str] = set()
        self.logins = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if str(request.url) == TOKEN_URL:
            return self._hand_out(request)
        if request.headers.get("Authorization", "").partition(" ")[2] not in self.live:
            return httpx.Response(401)
        return self.api(request)

    def _hand_out(self, request: httpx.Request) -> httpx.Response:
        if dict(parse_qsl(request.content.decode())) != FORM or "Authorization" in request.headers:
            return httpx.Response(400, json={"error": "invalid_client"})
        self.logins += 1
        token = f"token-{self.logins}"
        self.live.add(token)
        return httpx.Response(200, json={"access_token": token, "expires_in": 3600, "token_type": "Bearer"})


def customer(**more: object) -> dict[str, object]:
    """Show a customer the way the vendor's sample does, in short."""
    shown = {"customerId": ID, "customerStatus": "CREATED", "entityId": ENTITY, "entityType": "NATURAL_PERSON"}
    return {**shown, "refAccounts": [], "labels": [], **more}


def listed(*customers: Mapping[str, object], cursor: object = "") -> dict[str, object]:
    """Wrap customers as an answer of the list."""
    return {"data": list(customers), "pagination": {"cursor": cursor, "limit": 100}}


def problem(*details: tuple[str, str, str], **more: str) -> dict[str, object]:
    """Make an ErrorMessage; details are field, code and words."""
    told = {"message": "Validation failed", "responseType": "VALIDATION_ERROR", "requestId": "r-1", **more}
    errors = [{"field": field, "errors": [{"code": code, "message": words}]} for field, code, words in details]
    return {**told, "errorDetails": errors} if errors else {**told}


def always(status: int, content: object = None, **headers: str) -> App:
    """Answer everything alike: an object as JSON, bytes as they are, nothing at all for None."""
    if content is None or isinstance(content, bytes):
        return lambda _: httpx.Response(status, content=content or b"", headers=headers)
    return lambda _: httpx.Response(status, json=content, headers=headers)


def perform(app: App, act: Callable[[TradevestTarget], Coroutine[Any, Any, T]]) -> tuple[T, AppTransport]:
    """Enter a target whose network is an app, and do something with it."""
    transport = AppTransport(app)

    async def main() -> T:
        async with TradevestTarget(SETTINGS, transport) as target:
            return await act(target)

    return asyncio.run(main()), transport
