"""Calls a tradevest sandbox in process with a token, and reads its errors."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx

from connectors.sandbox.app import SandboxApp

CUSTOMERS = "/roles/customers"
LABELS = "/roles/customer-labels"
CREDENTIALS = {"client_id": "sandbox", "client_secret": "sandbox", "grant_type": "client_credentials"}
REQUESTOR = {"Requestor-ID": "5f0c2f0e-58a1-4d3b-9a52-0d5c1b1f7a10"}


def entity(number: int) -> str:
    """Make the uuid of an invented entity."""
    return f"00000000-0000-4000-8000-{number:012}"


class Caller:
    """Sends requests to an application without a socket, with the token that it got last; redirects not followed."""

    def __init__(self, app: SandboxApp) -> None:
        self.app = app
        self.headers: dict[str, str] = {}
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://tradevest.test")

    def request(self, method: str, path: str, *, headers: Any = None, **arguments: Any) -> httpx.Response:
        """Send any request."""
        headers = {**self.headers, **(headers or {})}
        return self._runner.run(self._client.request(method, path, headers=headers, **arguments))

    def token(self, path: str = "/oauth2/token", **fields: str) -> httpx.Response:
        """Ask for a token, with the right credentials unless told otherwise; empty text leaves a field out."""
        form = {name: value for name, value in {**CREDENTIALS, **fields}.items() if value}
        return self.request("POST", path, data=form)

    def log_in(self) -> None:
        """Get a token and use it from now on."""
        self.headers = {"Authorization": f"Bearer {self.token().json()['access_token']}"}

    def create(self, number: int = 1, **properties: object) -> httpx.Response:
        """Make an entity a customer."""
        body = {"entityId": entity(number), "entityType": "NATURAL_PERSON", **properties}
        return self.request("POST", CUSTOMERS, json=body)

    def created(self, number: int = 1, **properties: object) -> str:
        """Make an entity a customer, and give the customer's id."""
        answer = self.create(number, **properties)
        assert answer.status_code == 200, answer.text
        return str(uuid.UUID(answer.json()["customerId"]))

    def list(self, **query: Any) -> httpx.Response:
        """List customers; a list of texts repeats its key."""
        return self.request("GET", CUSTOMERS, params=query or None)

    def show(self, customer_id: str) -> httpx.Response:
        """Show one customer."""
        return self.request("GET", f"{CUSTOMERS}/{customer_id}")

    def patch(self, customer_id: str, **properties: object) -> httpx.Response:
        """Update one customer, with a Requestor-ID."""
        return self.request("PATCH", f"{CUSTOMERS}/{customer_id}", json=properties, headers=REQUESTOR)

    def close(self) -> None:
        """Let go of the client and its loop."""
        self._runner.run(self._client.aclose())
        self._runner.close()


def read_error(answer: httpx.Response) -> dict[str, Any]:
    """Read an ErrorMessage: the documented keys and no others, the required ones there, each within its limits."""
    content: dict[str, Any] = answer.json()
    required, optional = {"message", "responseType", "requestId"}, {"validationString", "errorCode", "errorDetails"}
    assert required <= content.keys() <= required | optional
    assert uuid.UUID(content["requestId"])
    for detail in content.get("errorDetails", []):
        assert detail.keys() == {"field", "errors"}
        assert len(detail["field"]) <= 255
        assert detail["errors"]
        for error in detail["errors"]:
            assert {"code", "message"} <= error.keys() <= {"code", "message", "parameter"}
    return content


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Read status, responseType and errorCode of an error."""
    content = read_error(answer)
    return answer.status_code, content["responseType"], content.get("errorCode")


def problems(answer: httpx.Response) -> dict[str, list[str]]:
    """Read the wrong fields of a 400, with their codes."""
    content = read_error(answer)
    assert (answer.status_code, content["responseType"]) == (400, "VALIDATION_ERROR"), answer.text
    return {detail["field"]: [error["code"] for error in detail["errors"]] for detail in content["errorDetails"]}


def entities(answer: httpx.Response) -> list[int]:
    """Read the numbers of the entities on a page of customers."""
    assert answer.status_code == 200, answer.text
    return [int(customer["entityId"][-12:]) for customer in answer.json()["data"]]
