"""Calls a Keypro sandbox in process, with its token."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from connectors.sandbox.app import SandboxApp

CUSTOMERS = "/customers/"
TOKEN = "5a" * 20


class KeyproCaller:
    """Sends requests to an application without a socket; redirects are not followed."""

    def __init__(self, app: SandboxApp, token: str = TOKEN) -> None:
        self.app = app
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app),
            base_url="http://town.test",
            headers={"Authorization": f"Token {token}"},
        )

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Send any request."""
        return self._runner.run(self._client.request(method, path, **arguments))

    def get(self, query: str = "", /, **parameters: str | int) -> httpx.Response:
        """List customers, by a query as it is or by parameters."""
        return self.request("GET", f"{CUSTOMERS}{query}", params=parameters or None)

    def show(self, customer_id: int) -> httpx.Response:
        """Show a customer."""
        return self.request("GET", f"{CUSTOMERS}{customer_id}/")

    def post(self, **fields: object) -> httpx.Response:
        """Create a customer."""
        return self.request("POST", CUSTOMERS, json=fields)

    def patch(self, customer_id: int, /, **fields: object) -> httpx.Response:
        """Update a customer."""
        return self.request("PATCH", f"{CUSTOMERS}{customer_id}/", json=fields)

    def delete(self, customer_id: int) -> httpx.Response:
        """Delete a customer."""
        return self.request("DELETE", f"{CUSTOMERS}{customer_id}/")

    def constants(self, group: str, **parameters: str | int) -> httpx.Response:
        """List a group of constants."""
        return self.request("GET", f"/txt_constants/groupname/{group}/", params=parameters or None)

    def count(self) -> int:
        """Count the customers as they are."""
        return len(self.app.vendor.customers(""))

    def close(self) -> None:
        """Let go of the client and its loop."""
        self._runner.run(self._client.aclose())
        self._runner.close()


def refusal(answer: httpx.Response) -> tuple[int, Any]:
    """Read an error answer: the text of `details` where that is all there is, else the whole object."""
    content = answer.json()
    return answer.status_code, content["details"] if set(content) == {"details"} else content
