"""A Valomnia sandbox over a real socket as a source: seeded, changed between requests, and read without real pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from connectors.api.transport import Limits, Reply, Transport
from connectors.protocol import Page
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.server import App, running
from connectors.sandbox.valomnia.vendor import valomnia_app
from connectors.valomnia import ValomniaSourceSettings
from connectors.valomnia.source import ValomniaSource
from tests.connectors.sandbox.caller import CUSTOMERS, LOGIN, FakeTime

Shown = dict[str, str]


class MeddlingTransport(Transport):
    """The connector's own transport, with something done before each list request, or to its answer."""

    def __init__(self, base_url: str, limits: Limits) -> None:
        super().__init__("valomnia", base_url, limits)
        self.before: Callable[[int], object] = lambda _number: None
        self.spoil: Callable[[Reply], Reply] = lambda reply: reply
        self.lists = 0

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, operation: str
    ) -> Reply:
        """Let the test have its way, then send."""
        if operation != "list":
            return await super().exchange(method, target, headers, body, operation)
        self.lists += 1
        self.before(self.lists)
        return self.spoil(await super().exchange(method, target, headers, body, operation))


@dataclass
class Api:
    """A sandbox, its clock, a client that changes it, and the source that reads it; `naps` are the source's pauses."""

    app: SandboxApp
    time: FakeTime
    client: httpx.Client
    transport: MeddlingTransport
    source: ValomniaSource
    naps: list[float] = field(default_factory=list)

    def seed(self, count: int, *, per_second: int = 1, first: int = 0, ago: float = 86400.0) -> None:
        """Add customers, so many to each second, the first of them so many seconds ago."""
        for number in range(count):
            updated = self.time.now() + timedelta(seconds=number // per_second - ago)
            self.add(first + number, updated.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def add(self, number: int, updated: str) -> None:
        """Add a customer with a last update as it stands; empty for null."""
        fields = {"reference": f"C-{number}", "name": "Ada", "lastUpdated": updated}
        assert self.app.vendor.add(fields).applied

    def update(self, number: int, name: str) -> None:
        """Update a customer over the API, now."""
        self.client.post(f"{CUSTOMERS}/reference/C-{number}", data={"name": name}).raise_for_status()

    def delete(self, number: int) -> None:
        """Delete a customer over the API."""
        self.client.delete(f"{CUSTOMERS}/reference/C-{number}").raise_for_status()

    def strike(self, kind: str, **details: object) -> None:
        """Let something go wrong with GET requests from now on: always, unless `next` says how often."""
        often = {} if "next" in details else {"probability": 1.0}
        strike = Strike(kind=kind, methods=("GET",), **{**often, **details})  # type: ignore[arg-type]  # pydantic checks
        self.app.faults = Faults(strikes=(strike,))

    def heal(self) -> None:
        """Let nothing go wrong."""
        self.app.faults = Faults()

    def requests(self, part: str) -> int:
        """Count the journal's requests with this in their path."""
        return sum(part in entry.path for entry in self.app.journal.entries)

    def held(self) -> Shown:
        """Show what the sandbox holds: references and names."""
        return {str(item["reference"]): str(item["name"]) for item in self.app.vendor.customers("")}

    async def nap(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.naps.append(seconds)
        self.time.seconds += seconds


def shown(pages: list[Page]) -> Shown:
    """Give the last name that pages show of each reference."""
    return {
        reference: name
        for page in pages
        for reference, name in zip(page.records["reference"], page.records["name"], strict=True)
    }


def count(pages: list[Page]) -> int:
    """Count the records of pages."""
    return sum(page.counted for page in pages)


def cursor(pages: list[Page]) -> str:
    """Give the last cursor of pages."""
    found = [page.cursor for page in pages if page.cursor is not None]
    return found[-1]


@contextmanager
def serving(
    *, timeout: str = "30s", wrap: Callable[[SandboxApp], App] = lambda app: app, opened: bool = True
) -> Iterator[Api]:
    """Serve a sandbox and open a source on it."""
    time = FakeTime()
    app = valomnia_app(clock=time.clock)
    with running(wrap(app)) as url, httpx.Client(base_url=url, trust_env=False) as client:
        settings = ValomniaSourceSettings.model_validate(
            {"kind": "valomnia", "base_url": url, "username": "sandbox", "password": "sandbox", "timeout": timeout}
        )
        transport = MeddlingTransport(url, Limits(timeout_seconds=settings.timeout))
        naps: list[float] = []
        api = Api(app, time, client, transport, None, naps)  # type: ignore[arg-type]  # made on the next line
        api.source = ValomniaSource(settings, transport, sleep=api.nap)
        client.post("/j_spring_security_check", data=LOGIN)
        try:
            if opened:
                api.source.open()
                transport.lists = 0
            yield api
        finally:
            api.source.close()
