"""Calls a sandbox in process, logged in, and moves its clock."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock

LOGIN = {"j_username": "sandbox", "j_password": "sandbox", "ajax": "true"}
CUSTOMERS = "/api/v2.1/customers"


@dataclass
class FakeTime:
    """A clock that moves by hand, and by every sleep."""

    seconds: float = 0.0
    start: datetime = datetime(2026, 3, 1, 12, 0, 0, 700_000, tzinfo=UTC)
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """Give the wall time."""
        return self.start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Give the seconds that passed."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.slept.append(seconds)
        self.seconds += seconds

    @property
    def clock(self) -> Clock:
        """Give the sandbox this time."""
        return Clock(now=self.now, monotonic=self.monotonic, sleep=self.sleep)


class Caller:
    """Sends requests to an application without a socket; cookies are kept between them, redirects not followed."""

    def __init__(self, app: SandboxApp) -> None:
        self.app = app
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://acme.test")

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Send any request."""
        return self._runner.run(self._client.request(method, path, **arguments))

    def get(self, path: str = "", /, **query: str | int) -> httpx.Response:
        """List or show customers."""
        return self.request("GET", f"{CUSTOMERS}{path}", params=query or None)

    def post(self, path: str = "", /, files: Any = None, **fields: object) -> httpx.Response:
        """Write a customer by a form."""
        return self.request("POST", f"{CUSTOMERS}{path}", data=fields, files=files)

    def delete(self, path: str) -> httpx.Response:
        """Delete a customer."""
        return self.request("DELETE", f"{CUSTOMERS}{path}")

    def upsert(self, reference: str, /, **fields: object) -> httpx.Response:
        """Upsert a customer by its reference, which is part of the path as it is."""
        return self.post(f"/reference/{reference}", **fields)

    def log_in(self) -> httpx.Response:
        """Get a session."""
        return self.request("POST", "/j_spring_security_check", data=LOGIN)

    def forget_cookies(self) -> None:
        """Lose the session."""
        self._client.cookies.clear()

    def close(self) -> None:
        """Let go of the client and its loop."""
        self._runner.run(self._client.aclose())
        self._runner.close()


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Read an error answer, which has no other keys."""
    content = answer.json()
    assert set(content) == {"error", "error_description"}
    return answer.status_code, content["error"], content["error_description"]
