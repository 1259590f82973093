"""The JTL-Wawi source against a sandbox over a real socket: pages, single customers, and answers that are wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.api.transport import Reply, Transport
from connectors.jtl import JtlSourceSettings
from connectors.jtl.name import DOCUMENTED
from connectors.jtl.source import JtlSource
from connectors.protocol import (
    BrokenSourceError,
    ConfigurationError,
    Page,
    UnavailableError,
    WatermarkError,
)
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.clock import Clock
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.jtl.setting import JtlSettings as Sandbox
from connectors.sandbox.jtl.vendor import jtl_app
from connectors.sandbox.server import running
from tests.connectors.jtl.app import CLOUD
from tests.contracts.world import BEGIN

LEAST: dict[str, Any] = {
    "CustomerGroupId": 1,
    "LanguageIso": "DE",
    "InternalCompanyId": 1,
    "BillingAddress": {"City": "Graz", "CountryIso": "AT"},
}


class MeddlingTransport(Transport):
    """The connector's own transport, with something done before each list request, or to its answer."""

    def __init__(self, url: str) -> None:
        super().__init__("jtl", url)
        self.before: Callable[[], object] = lambda: None
        self.spoil: Callable[[Reply], Reply] = lambda reply: reply
        self.targets: list[str] = []

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, operation: str
    ) -> Reply:
        """Let the test have its way, then send."""
        if operation != "list":
            return await super().exchange(method, target, headers, body, operation)
        self.before()
        self.targets.append(target)
        return self.spoil(await super().exchange(method, target, headers, body, operation))


@dataclass
class Erp:
    """A sandbox, its time, and a source on it whose pauses take none."""

    app: SandboxApp
    url: str
    transport: MeddlingTransport
    settings: JtlSourceSettings
    time: list[datetime]
    source: JtlSource = field(init=False)
    naps: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.source = JtlSource(self.settings, self.transport, sleep=self.nap)

    async def nap(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.naps.append(seconds)

    def add(self, *numbers: int) -> None:
        """Create customers, now."""
        for number in numbers:
            assert self.app.vendor.add({**LEAST, "Number": f"C-{number}"}).applied

    def act(self, method: str, number: int, content: object = None) -> None:
        """Change or delete a customer over the API."""
        key = next(each["Id"] for each in self.app.vendor.customers("") if each["Number"] == f"C-{number}")
        login = {"grant_type": "client_credentials"}
        auth = ("sandbox", "sandbox")
        with httpx.Client(base_url=self.url, trust_env=False, headers={"x-tenant-id": Sandbox().tenant_id}) as client:
            token = client.post("/oauth2/token", data=login, auth=auth).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            client.request(method, f"/customers/{key}", json=content).raise_for_status()

    def strike(self, kind: str, **details: object) -> None:
        """Let something go wrong with GET requests from now on, always."""
        strike = Strike(kind=kind, methods=("GET",), probability=1.0, **details)  # type: ignore[arg-type]  # pydantic checks
        self.app.faults = Faults(strikes=(strike,))


@contextmanager
def serving(
    *, last_change_filter: bool = False, lacks_filter: bool = False, path: str = "/customers", **sandbox: Any
) -> Iterator[Erp]:
    """Serve a sandbox, with a source that is not open yet."""
    time = [BEGIN]
    settings = Sandbox(last_change_filter=not lacks_filter, **sandbox)
    app = jtl_app(settings, clock=Clock(now=lambda: time[0]))
    with running(app) as url:
        given = {
            "kind": "jtl",
            "base_url": url,
            "path": path,
            "last_change_filter": last_change_filter,
            **{key: value.format(base_url=url) for key, value in settings.credentials.items()},
        }
        erp = Erp(app, url, MeddlingTransport(url), JtlSourceSettings.model_validate(given), time)
        try:
            yield erp
        finally:
            erp.source.close()


@pytest.fixture
def erp() -> Iterator[Erp]:
    """Give an empty ERP with an open source."""
    with serving() as made:
        made.source.open()
        yield made


@pytest.fixture
def dated() -> Iterator[Erp]:
    """Give one whose source goes by last changes."""
    with serving(last_change_filter=True) as made:
        made.source.open()
        yield made


def numbers(pages: list[Page]) -> list[str]:
    """List the customers' numbers."""
    return [number for page in pages for number in page.records["Number"]]


def test_what_it_says_of_itself() -> None:
    """Its address has the tenant; it is incremental, and looks back, only where the server can filter."""
    source = JtlSource(JtlSourceSettings.model_validate(CLOUD))
    assert source.address == "jtl:https://api.jtl-cloud.com/erp#6c1f6a52-0000-4000-8000-000000000001"
    assert (source.incremental, source.overlap) == (False, timedelta())
    dated = JtlSource(JtlSourceSettings.model_validate({**CLOUD, "last_change_filter": True, "overlap": "2h"}))
    assert (dated.incremental, dated.overlap) == (True, timedelta(hours=2))
    assert "canary" not in repr(vars(source))


def test_columns_without_any_customer(erp: Erp) -> None:
    """An empty ERP has the documented columns, and no page."""
    assert erp.source.open() == DOCUMENTED
    assert list(erp.source.pages(None, 10)) == []


@pytest.mark.parametrize("size", [1, 99, 100, 101, 1000])
def test_pages_have_the_size_that_is_asked_for(erp: Erp, size: int) -> None:
    """All pages but the last are full, whatever a request brings; cursors count customers and are read on from."""
    erp.add(*range(230))
    pages = list(erp.source.pages(None, size))
    assert [page.counted for page in pages[:-1]] == [size] * (len(pages) - 1)
    whole = numbers(pages)
    assert sorted(whole) == sorted(f"C-{number}" for number in range(230))
    for number, page in list(enumerate(pages, 1))[:: max(1, len(pages) // 7)]:
        assert page.cursor == str(min(number * size, 230))
        assert numbers(list(erp.source.pages(page.cursor, 1000))) == whole[min(number * size, 230) :]


def test_a_server_that_gives_less_at_once() -> None:
    """A page size that the server lowers is taken over."""
    with serving(page_size_limit=30) as erp:
        erp.source.open()
        erp.add(*range(150))
        assert len(set(numbers(list(erp.source.pages(None, 40))))) == 150
        assert all("pageSize=100" not in target for target in erp.transport.targets[2:])


def test_customers_deleted_meanwhile_take_nobody_with_them(erp: Erp) -> None:
    """Forty customers in front of the reading are deleted before its second request, and nobody behind is missed."""
    erp.add(*range(250))
    calls = iter([False, True])

    def delete() -> None:
        if next(calls, False):
            for number in range(40):
                erp.act("DELETE", number)

    erp.transport.before = delete
    found = numbers(list(erp.source.pages(None, 1000)))
    assert {f"C-{number}" for number in range(40, 250)} <= set(found)
    assert len(set(found)) == len(found)


def test_a_customer_that_changes_meanwhile_comes_once(erp: Erp) -> None:
    """Without versions nobody could tell which showing is the newer, so the first one stands."""
    erp.add(*range(150))
    erp.transport.before = lambda: erp.act("PATCH", 99, {"Website": f"https://{len(erp.transport.targets)}.example"})
    found = numbers(list(erp.source.pages(None, 1000)))
    assert len(found) == len(set(found)) == 150


def test_single_customers(erp: Erp) -> None:
    """Those with these ids are shown; nothing that is no id is asked for, and nothing of it is a customer."""
    erp.add(1, 2, 3)
    keys = [key for page in erp.source.pages(None, 10) for key in page.keys]
    erp.act("DELETE", 2)
    wanted = [*keys, "999", "customfields", "workflowEvents", "../x", "", "1?x=1", "99999999999", "no id 00"]
    pages = list(erp.source.read_keys(wanted, 1))
    assert [page.keys for page in pages] == [[keys[0]], [keys[2]]]
    assert {page.cursor for page in pages} == {None}
    asked = [entry.path for entry in erp.app.journal.entries if entry.method == "GET" and "/customers/" in entry.path]
    assert len(asked) == 4


@pytest.mark.parametrize(
    ("kind", "error"), [("stranger", BrokenSourceError), ("html", BrokenSourceError), ("error", UnavailableError)]
)
def test_single_customers_that_cannot_be_shown(erp: Erp, kind: str, error: type[Exception]) -> None:
    """An answer that shows another customer, or none, proves nothing; a failing server is no customer that left."""
    erp.add(1, 2)
    erp.strike(kind)
    with pytest.raises(error, match=r"jtl: show: .*\(6 requests\)"):
        list(erp.source.read_keys(["1"], 5))


@pytest.mark.parametrize("kind", ["no_customers", "fewer", "no_next", "first_page", "empty", "html"])
def test_lists_that_cannot_be_true_end_the_reading(erp: Erp, kind: str) -> None:
    """Customers missing from a list, a wrong end, the same page for all, or no list: the source is broken."""
    erp.add(*range(250))
    erp.strike(kind)
    with pytest.raises(BrokenSourceError, match="jtl: list"):
        list(erp.source.pages(None, 1000))


def test_a_server_that_ends_the_list_too_early(erp: Erp) -> None:
    """HasNextPage alone ends no reading: the server's own count does, too."""
    erp.add(*range(120))

    def lie(reply: Reply) -> Reply:
        return Reply(reply.status, reply.headers, reply.body.replace(b'"HasNextPage":true', b'"HasNextPage":false'))

    erp.transport.spoil = lie
    with pytest.raises(BrokenSourceError, match="HasNextPage contradicts"):
        list(erp.source.pages(None, 10))


def test_what_stops_a_reading(erp: Erp) -> None:
    """A server that stays away is unavailable; an answer that this API does not give breaks the source."""
    erp.strike("drop")
    with pytest.raises(UnavailableError, match=r"\(6 requests\)"):
        list(erp.source.pages(None, 10))
    erp.strike("redirect")
    with pytest.raises(BrokenSourceError, match="status 302"):
        list(erp.source.pages(None, 10))


def test_opening_where_nobody_speaks_this_api() -> None:
    """A wrong path is the job's fault, and a missing licence stops it before anything is read."""
    with serving(path="/nowhere") as erp, pytest.raises(ConfigurationError, match=r"source\.path"):
        erp.source.open()
    with serving(licensed=False) as erp, pytest.raises(ConfigurationError, match="licence"):
        erp.source.open()


def test_the_only_cursor_is_the_servers_time_when_the_reading_began(dated: Erp) -> None:
    """It stands on the last page alone, and what changes while it is read is read again from there."""
    dated.add(*range(5))
    dated.time[0] = BEGIN + timedelta(hours=1)

    def pass_time() -> None:
        dated.time[0] += timedelta(seconds=10)

    dated.transport.before = pass_time
    pages = list(dated.source.pages(None, 2))
    assert [page.cursor for page in pages] == [None, None, "2024-05-01T13:00:10.000000Z"]
    assert [version[:19] for page in pages for version in page.versions or ()] == ["2024-05-01T12:00:00"] * 5
    dated.act("PATCH", 3, {"Website": "https://c.example"})
    assert numbers(list(dated.source.pages(pages[-1].cursor, 2))) == ["C-3"]


def test_a_customer_that_changes_meanwhile_comes_again_with_a_version(dated: Erp) -> None:
    """In the overlap of two requests; versions tell which is the newer."""
    dated.add(*range(150))
    calls = iter([False, False, True])

    def change() -> None:
        if next(calls, False):
            dated.time[0] += timedelta(seconds=5)
            dated.act("PATCH", 99, {"Website": "https://c.example"})

    dated.transport.before = change
    pages = list(dated.source.pages(None, 1000))
    versions = [
        version
        for page in pages
        for number, version in zip(page.records["Number"], page.versions or (), strict=True)
        if number == "C-99"
    ]
    assert len(versions) == 2
    assert versions == sorted(versions)


@pytest.mark.parametrize("unknown", ["ignore", "refuse"])
def test_a_server_without_the_filter_is_told(unknown: str) -> None:
    """One that ignores it shows customers from before, one that refuses it says so: the setting is named."""
    with serving(last_change_filter=True, lacks_filter=True, unknown_parameters=unknown) as erp:
        erp.source.open()
        erp.add(1)
        erp.time[0] += timedelta(hours=1)
        with pytest.raises(BrokenSourceError, match=r"source\.last_change_filter"):
            list(erp.source.pages("2024-05-01T12:30:00.000000Z", 10))


def test_a_watermark_after_the_servers_time(dated: Erp) -> None:
    """Nothing could be read from there on, so the run must not look like a success."""
    dated.add(1)
    with pytest.raises(WatermarkError, match="--full"):
        list(dated.source.pages("2024-05-01T12:01:01.000000Z", 10))
    (page,) = dated.source.pages("2024-05-01T12:00:00.000000Z", 10)
    assert page.cursor == "2024-05-01T12:00:00.000000Z"


def test_without_the_servers_time_nothing_is_concluded(dated: Erp) -> None:
    """No Date, no cursor."""
    dated.add(1)
    dated.transport.spoil = lambda reply: Reply(reply.status, {}, reply.body)
    (page,) = dated.source.pages(None, 10)
    assert page.cursor is None
