"""A JTL-Wawi server as a function, carried by the connector's own transport in place of a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Self, TypeVar

import httpx

from connectors.api.transport import Reply, Transport
from connectors.jtl import JtlSettings
from connectors.jtl.target import JtlTarget

App = Callable[[httpx.Request], httpx.Response]
T = TypeVar("T")

ROOT = "https://api.jtl-cloud.com"
CLOUD = {
    "kind": "jtl",
    "base_url": f"{ROOT}/erp",
    "client_id": "canary-client",
    "client_secret": "canary-secret",
    "tenant_id": "6C1F6A52-0000-4000-8000-000000000001",
    "api_version": "1.0",
    "app_id": "Rollcall/1.0.0",
    "app_version": "1.0.0",
    "run_as": 7,
}
PREMISES = {"kind": "jtl", "base_url": f"{ROOT}/erp", "api_key": "canary-key"}


class AppTransport(Transport):
    """Carries requests to a function; a token is had for the asking."""

    def __init__(self, app: App) -> None:
        super().__init__("jtl", f"{ROOT}/erp", token_url="https://auth.jtl-cloud.com/oauth2/token")
        self.app = app
        self.seen: list[httpx.Request] = []
        self.tokens: list[httpx.Request] = []

    async def __aenter__(self) -> Self:
        return self

    async def _exchange(
        self,
        method: str,
        address: str,
        headers: Mapping[str, str],
        body: bytes | None,
        operation: str,  # noqa: ARG002 - as the transport has it
    ) -> Reply:
        request = httpx.Request(method, address, headers=dict(headers), content=body)
        self.requests += 1
        await asyncio.sleep(0)
        if request.url.host == "auth.jtl-cloud.com":
            self.tokens.append(request)
            response = httpx.Response(200, json={"access_token": f"token-{len(self.tokens)}", "expires_in": 3600})
        else:
            self.seen.append(request)
            response = self.app(request)
        return Reply(response.status_code, response.headers, response.content)


def perform(app: App, act: Callable[[JtlTarget], Coroutine[Any, Any, T]], **settings: object) -> tuple[T, AppTransport]:
    """Enter a target whose network is an app, and do something with it."""
    transport = AppTransport(app)
    target = JtlTarget(JtlSettings.model_validate({**CLOUD, **settings}), transport)

    async def main() -> T:
        async with target:
            return await act(target)

    return asyncio.run(main()), transport


def always(status: int, content: object = None, **headers: str) -> App:
    """Answer everything alike: an object as JSON, bytes as they are."""
    if isinstance(content, bytes):
        return lambda _: httpx.Response(status, content=content, headers=headers)
    return lambda _: httpx.Response(status, json=content, headers=headers)


def listed(*customers: Mapping[str, object], total: int | None = None, **envelope: object) -> dict[str, object]:
    """Show customers as the one page of a list."""
    count = len(customers) if total is None else total
    return {"Items": list(customers), "TotalItems": count, "PageNumber": 1, "PageSize": 3, **envelope}
