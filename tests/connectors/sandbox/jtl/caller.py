"""Calls a JTL-Wawi sandbox in process, with a token and the tenant's header."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.jtl.setting import JtlSettings

TENANT = JtlSettings().tenant_id
GRANT = {"grant_type": "client_credentials"}
CUSTOMER: dict[str, Any] = {
    "Number": "C-1",
    "CustomerGroupId": 1,
    "BillingAddress": {"City": "Graz", "CountryIso": "AT"},
    "LanguageIso": "DE",
    "InternalCompanyId": 1,
}
"""The least that a customer has, and a number."""


class JtlCaller:
    """Sends requests to an application without a socket; the headers of `headers` go with each."""

    def __init__(self, app: SandboxApp) -> None:
        self.app = app
        self.headers: dict[str, str] = {"x-tenant-id": TENANT}
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://wawi.test")

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Send any request; headers that are given go before those of the caller."""
        headers = self.headers | arguments.pop("headers", {})
        return self._runner.run(self._client.request(method, path, headers=headers, **arguments))

    def get(self, path: str = "", /, **query: str | int) -> httpx.Response:
        """List or show customers."""
        return self.request("GET", f"/customers{path}", params=query or None)

    def create(self, **fields: object) -> httpx.Response:
        """Create a customer who has the least there is, and these properties."""
        return self.request("POST", "/customers", json=CUSTOMER | fields)

    def patch(self, customer_id: int = 1, /, **fields: object) -> httpx.Response:
        """Update a customer."""
        return self.request("PATCH", f"/customers/{customer_id}", json=fields)

    def delete(self, customer_id: int = 1, /) -> httpx.Response:
        """Delete a customer."""
        return self.request("DELETE", f"/customers/{customer_id}")

    def ask_token(self, *, auth: Any = ("sandbox", "sandbox"), **form: str) -> httpx.Response:
        """Ask for a token without any other header."""
        return self._runner.run(self._client.post("/oauth2/token", data=form or GRANT, auth=auth))

    def log_in(self, auth: tuple[str, str] = ("sandbox", "sandbox")) -> None:
        """Get a token, and send it from now on."""
        self.headers["authorization"] = f"Bearer {self.ask_token(auth=auth).json()['access_token']}"

    def count(self) -> int:
        """Count the customers there are."""
        return len(self.app.vendor.customers(""))

    def close(self) -> None:
        """Let go of the client and its loop."""
        self._runner.run(self._client.aclose())
        self._runner.close()


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Read an ErrorResponse, which has its four keys and no other."""
    content = answer.json()
    assert set(content) == {"ErrorCode", "ValidationErrors", "ErrorMessage", "Stacktrace"}
    return answer.status_code, content["ErrorCode"]


def wrong(answer: httpx.Response) -> list[str]:
    """Read which properties a validation error names, in the order of their names."""
    assert refusal(answer) == (400, "VALIDATION_ERROR"), answer.text
    return sorted(answer.json()["ValidationErrors"])
