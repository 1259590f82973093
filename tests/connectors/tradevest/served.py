"""A tradevest sandbox over a real socket as a source: seeded, meddled with between requests, read without pauses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from connectors.api.transport import Limits, Reply, Transport
from connectors.protocol import Page
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.server import running
from connectors.sandbox.tradevest.setting import TradevestSettings as Sandbox
from connectors.sandbox.tradevest.vendor import tradevest_app
from connectors.tradevest import TradevestSourceSettings
from connectors.tradevest.source import TradevestSource


def entity(number: int) -> str:
    """Name an entity."""
    return f"{number:08x}-5a1e-4c0d-8f3b-9d2e6a7b8c90"


class MeddlingTransport(Transport):
    """The connector's own transport, with something done before each list request, or to its answer."""

    def __init__(self, base_url: str, limits: Limits) -> None:
        super().__init__("tradevest", base_url, limits)
        self.before: Callable[[int], object] = lambda _number: None
        self.spoil: Callable[[int, Reply], Reply] = lambda _number, reply: reply
        self.lists = 0

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, operation: str
    ) -> Reply:
        """Let the test have its way, then send."""
        if operation != "list":
            return await super().exchange(method, target, headers, body, operation)
        self.lists += 1
        self.before(self.lists)
        return self.spoil(self.lists, await super().exchange(method, target, headers, body, operation))


@dataclass
class Api:
    """A sandbox, and the source that reads it; `naps` are the source's pauses."""

    app: SandboxApp
    url: str
    transport: MeddlingTransport
    source: TradevestSource
    naps: list[float] = field(default_factory=list)

    def add(self, *numbers: int, **more: object) -> None:
        """Create customers, past the API."""
        for number in numbers:
            fields = {"entityId": entity(number), "entityType": "NATURAL_PERSON", **more}
            assert self.app.vendor.add(fields).applied

    def strike(self, kind: str, **details: object) -> None:
        """Let something go wrong with GET requests: always, unless `next` says how often."""
        often = {} if "next" in details else {"probability": 1.0}
        strike = Strike(kind=kind, methods=("GET",), **{**often, **details})  # type: ignore[arg-type]  # pydantic checks
        self.app.faults = Faults(strikes=(strike,))

    def held(self) -> list[str]:
        """Name the entities in the order of their creation."""
        return [str(each["entityId"]) for each in self.app.vendor.customers("")]

    async def nap(self, seconds: float) -> None:
        """Let no time pass."""
        self.naps.append(seconds)


def shown(pages: list[Page]) -> list[str]:
    """Name the entities of pages in their order."""
    return [str(each) for page in pages for each in page.records["entityId"]]


def settings(url: str, **more: object) -> TradevestSourceSettings:
    """Make settings for a sandbox."""
    given = {"kind": "tradevest", "base_url": url, "token_url": f"{url}/oauth2/token"}
    return TradevestSourceSettings.model_validate(
        {**given, "client_id": "sandbox", "client_secret": "sandbox", "timeout": "5s", **more}
    )


@contextmanager
def serving(sandbox: Sandbox | None = None, *, opened: bool = True, **more: object) -> Iterator[Api]:
    """Serve a sandbox and open a source on it."""
    app = tradevest_app(sandbox or Sandbox())
    with running(app) as url:
        transport = MeddlingTransport(url, Limits(timeout_seconds=5))
        naps: list[float] = []
        api = Api(app, url, transport, None, naps)  # type: ignore[arg-type]  # made on the next line
        api.source = TradevestSource(settings(url, **more), transport, sleep=api.nap)
        try:
            if opened:
                api.source.open()
                transport.lists = 0
            yield api
        finally:
            api.source.close()
