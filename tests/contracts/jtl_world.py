"""A world in the JTL-Wawi sandbox, served over a real socket, whose clock is the world's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

import httpx

from connectors.jtl.settings import JtlSourceSettings
from connectors.jtl.source import JtlSource
from connectors.protocol import Source
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.jtl.setting import JtlSettings
from connectors.sandbox.jtl.vendor import jtl_app
from connectors.sandbox.server import running
from tests.contracts.world import BEGIN, Held, World

_SECRET = "hunter2"
_SANDBOX = JtlSettings(client_secret=_SECRET)
_LEAST = {"CustomerGroupId": 1, "LanguageIso": "DE", "InternalCompanyId": 1}
_ADDRESS = {"City": "Bern", "CountryIso": "CH"}


@dataclass(slots=True)
class Served:
    """A sandbox, its address, its time, and a client that changes what it holds."""

    app: SandboxApp
    url: str
    client: httpx.Client
    time: list[datetime] = field(default_factory=lambda: [BEGIN])

    def sign_in(self) -> None:
        """Get a token for the client."""
        answer = self.client.post(
            "/oauth2/token", data={"grant_type": "client_credentials"}, auth=(_SANDBOX.client_id, _SECRET)
        )
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


class JtlWorld(World):
    """An ERP's customers; their last change is the sandbox's time, which follows `now`."""

    columns: ClassVar[Mapping[str, str]] = {"no": "Number", "name": "BillingAddress.LastName", "city": "InitialContact"}
    tied: ClassVar[int] = 250  # more than the 100 of one answer
    examples: ClassVar[int] = 10
    tick: ClassVar[timedelta] = timedelta(seconds=1)
    keyed: ClassVar[bool] = False  # ids are the ERP's own
    secrets: ClassVar[tuple[str, ...]] = (_SECRET,)

    def __init__(self, served: Served, *, last_change_filter: bool) -> None:
        super().__init__()
        self._served = served
        self._ids: dict[str, int] = {}
        self._settings = JtlSourceSettings.model_validate(
            {
                "kind": "jtl",
                "base_url": served.url,
                "client_id": _SANDBOX.client_id,
                "client_secret": _SECRET,
                "token_url": f"{served.url}/oauth2/token",
                "tenant_id": _SANDBOX.tenant_id,
                "last_change_filter": last_change_filter,
            }
        )

    def advance(self, ticks: int) -> None:
        """Let time pass, here and in the sandbox."""
        super().advance(ticks)
        self._served.time[0] = self.now

    def follow(self, cursor: str | None) -> None:
        """Let time pass up to a cursor, here and in the sandbox."""
        super().follow(cursor)
        self._served.time[0] = self.now

    def write(self, no: str, held: Held) -> None:
        """Create or update the customer, over the API."""
        address = {"LastName": held.name}
        if no in self._ids:
            update = {"BillingAddress": address, "InitialContact": held.city}
            self._served.client.patch(f"/customers/{self._ids[no]}", json=update).raise_for_status()
            return
        customer = {**_LEAST, "Number": no, "BillingAddress": {**_ADDRESS, **address}, "InitialContact": held.city}
        answer = self._served.client.post("/customers", json=customer).raise_for_status()
        self._ids[no] = answer.json()["Id"]

    def erase(self, no: str) -> None:
        """Delete the customer, over the API."""
        self._served.client.delete(f"/customers/{self._ids.pop(no)}").raise_for_status()

    def clear(self) -> None:
        """Delete everything at once, and set the sandbox to this world's time."""
        self._served.time[0] = self.now
        self._served.app.reset()
        self._served.sign_in()
        self._ids.clear()
        self.held.clear()

    def make(self) -> Source:
        """Make a source that signs in anew."""
        return JtlSource(self._settings)


@contextmanager
def served() -> Iterator[Served]:
    """Serve an ERP without customers."""
    time = [BEGIN]
    app = jtl_app(_SANDBOX, clock=Clock(now=lambda: time[0]))
    with (
        running(app) as url,
        httpx.Client(base_url=url, trust_env=False, headers={"x-tenant-id": _SANDBOX.tenant_id}) as client,
    ):
        yield Served(app, url, client, time)
