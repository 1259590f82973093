"""The Keypro source against a sandbox over a real socket, and against servers that keep to less."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx
import pytest

from connectors.api.transport import Limits, Reply, Transport
from connectors.keypro import KeyproSourceSettings
from connectors.keypro.property import FIELDS
from connectors.keypro.source import KeyproSource
from connectors.protocol import (
    BrokenSourceError,
    ConfigurationError,
    CredentialsError,
    Page,
    UnavailableError,
    WatermarkError,
)
from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults, Strike
from connectors.sandbox.keypro.setting import KeyproSettings
from connectors.sandbox.keypro.vendor import keypro_app
from connectors.sandbox.server import running
from tests.connectors.keypro.wire import GIVEN, ORIGIN, PREFIX, TOKEN, AppTransport, always, customer, envelope
from tests.connectors.sandbox.caller import FakeTime


class MeddlingTransport(Transport):
    """The connector's own transport, with something done before each list request, or to its answer."""

    def __init__(self, base_url: str) -> None:
        super().__init__("keypro", base_url, Limits(timeout_seconds=30))
        self.before: Callable[[], object] = lambda: None
        self.spoil: Callable[[Reply], Reply] = lambda reply: reply
        self.lists: list[str] = []

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, operation: str
    ) -> Reply:
        """Let the test have its way, then send."""
        if operation != "list":
            return await super().exchange(method, target, headers, body, operation)
        self.lists.append(target)
        self.before()
        return self.spoil(await super().exchange(method, target, headers, body, operation))


@dataclass
class Api:
    """A sandbox, its clock, a client that changes it, and the source that reads it; `naps` are the source's pauses."""

    app: SandboxApp
    time: FakeTime
    client: httpx.Client
    transport: MeddlingTransport
    source: KeyproSource = field(init=False)
    naps: list[float] = field(default_factory=list)

    def seed(self, count: int) -> None:
        """Add customers, one a second, up to now."""
        for number in range(count):
            self.create(number)
            self.time.seconds += 1

    def create(self, number: int) -> None:
        """Create a customer now."""
        self.client.post(
            "/customers/", json={"customerNumber": f"C-{number}", "customerName": "Ada"}
        ).raise_for_status()

    def rename(self, customer_id: int) -> None:
        """Change a customer now."""
        self.client.patch(f"/customers/{customer_id}/", json={"customerName": "Bea"}).raise_for_status()

    def delete(self, customer_id: int) -> None:
        """Delete a customer."""
        self.client.delete(f"/customers/{customer_id}/").raise_for_status()

    def strike(self, kind: str, **details: object) -> None:
        """Let something go wrong with GET requests from now on: always, unless `next` says how often."""
        often = {} if "next" in details else {"probability": 1.0}
        strike = Strike(kind=kind, methods=("GET",), **{**often, **details})  # type: ignore[arg-type]  # pydantic checks
        self.app.faults = Faults(strikes=(strike,))

    def read(self, after: str | None = None, size: int = 100) -> list[Page]:
        """Read all pages."""
        return list(self.source.pages(after, size))

    async def nap(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.naps.append(seconds)
        self.time.seconds += seconds


@contextmanager
def serving(sandbox: KeyproSettings | None = None, *, opened: bool = True, **settings: object) -> Iterator[Api]:
    """Serve a sandbox and open a source on it."""
    time = FakeTime()
    app = keypro_app(sandbox or KeyproSettings(token=TOKEN), clock=time.clock)
    headers = {"Authorization": f"Token {TOKEN}"}
    with running(app) as url, httpx.Client(base_url=url, trust_env=False, headers=headers) as client:
        api = Api(app, time, client, MeddlingTransport(url))
        given = KeyproSourceSettings.model_validate({**GIVEN, "base_url": url, **settings})
        api.source = KeyproSource(given, {}, api.transport, sleep=api.nap)
        try:
            if opened:
                api.source.open()
                api.transport.lists.clear()
            yield api
        finally:
            api.source.close()


@pytest.fixture
def api() -> Iterator[Api]:
    """Give an empty sandbox with a source on it."""
    with serving() as served:
        yield served


def keys(pages: list[Page]) -> list[str]:
    """List the keys of pages."""
    return [key for page in pages for key in page.keys]


def source_on(app: Callable[[httpx.Request], httpx.Response], **table: str) -> KeyproSource:
    """Make a source whose network is a function."""

    async def no_pause(_: float) -> None:
        await asyncio.sleep(0)

    return KeyproSource(KeyproSourceSettings.model_validate(GIVEN), table, AppTransport(app), sleep=no_pause)


def test_what_it_says_of_itself() -> None:
    """Its address is the target's, without secrets; it is incremental and looks back ten minutes unless told else."""
    source = source_on(always(500))
    assert (source.address, source.incremental) == (f"keypro:{ORIGIN}{PREFIX}", True)
    assert source.overlap == timedelta(minutes=10)
    assert TOKEN not in f"{source!r} {vars(source)!r}"
    source.close()


def test_columns_without_any_customer(api: Api) -> None:
    """An environment without customers has the documented fields, and no page."""
    assert api.source.open() == FIELDS
    assert api.read() == []
    assert api.read("2026-01-01T00:00:00.000000Z") == []


@pytest.mark.parametrize("size", [1, 7, 49, 50, 51, 250, 1000])
@pytest.mark.parametrize("limit", [7, 50, 1000])
def test_pages_have_the_size_that_is_asked_for(size: int, limit: int) -> None:
    """All pages but the last are full, whatever the server's own limit, and the last one alone has a cursor."""
    with serving(KeyproSettings(token=TOKEN, max_limit=limit)) as api:
        api.seed(100)
        api.source.open()
        pages = api.read(size=size)
        assert [page.counted for page in pages[:-1]] == [size] * (len(pages) - 1)
        assert keys(pages) == [str(number) for number in range(1, 101)]
        assert [page.cursor for page in pages[:-1]] == [None] * (len(pages) - 1)
        assert pages[-1].cursor == "2026-03-01T12:01:40.000000Z"


def test_requests_carry_filter_order_and_limit(api: Api) -> None:
    """Moments go to the second; each part is asked for behind the last id, until one is empty."""
    api.seed(3)
    assert keys(api.read("2026-03-01T12:00:01.999999Z")) == ["2", "3"]
    filters = "dateModified__gte=2026-03-01T12%3A00%3A01Z"
    assert api.transport.lists == [
        f"/customers/?orderby=id&limit=100&{filters}",
        f"/customers/?orderby=id&limit=100&id__gt=3&{filters}",
    ]


def test_the_cursor_is_the_time_before_the_first_request(api: Api) -> None:
    """Whatever happens meanwhile: a customer passed before it changed is met by the next reading."""
    api.seed(150)
    api.source.open()
    pages = api.source.pages(None, 100)
    first = next(pages)
    api.time.seconds += 5
    api.rename(1)
    last = [first, *pages][-1]
    assert last.cursor == "2026-03-01T12:02:30.000000Z"
    assert keys(api.read(last.cursor)) == ["1"]


def test_whoever_is_created_changed_or_deleted_meanwhile_moves_nobody_else() -> None:
    """E05, E06: each who was there all the time comes once, under the server's own limit of parts as well."""
    with serving(KeyproSettings(token=TOKEN, max_limit=10)) as api:
        api.seed(100)
        dice = iter(range(1, 100, 3))

        def meddle() -> None:
            if (number := next(dice, None)) is not None:
                api.delete(number)
                api.rename(100 - number)
                api.create(1000 + number)

        api.transport.before = meddle
        met = keys(api.read(size=25))
        deleted = set(range(1, 100, 3))
        assert len(met) == len(set(met))
        assert {str(number) for number in range(1, 101) if number not in deleted} <= set(met)


def test_a_server_without_a_clock_gives_no_cursor(api: Api) -> None:
    """Nothing can be concluded, and the operator is told so."""
    api.seed(3)
    api.transport.spoil = lambda reply: replace(reply, headers={})
    api.source.open()
    (page,) = api.read()
    assert page.cursor is None
    assert page.notice == "the server does not tell its time: the next run begins where this one began"


def test_a_watermark_of_the_future_is_refused(api: Api) -> None:
    """A run would find nobody and look like a success; a minute of difference between clocks is none."""
    api.seed(1)
    api.source.open()
    with pytest.raises(WatermarkError, match="--full"):
        api.read("2026-03-01T12:05:00.000000Z")
    assert api.read("2026-03-01T12:00:59.000000Z") == []


def test_a_cursor_never_lies_before_the_start(api: Api) -> None:
    """Where the server's clock went back, the last page has no cursor."""
    api.seed(5)
    api.source.open()
    api.transport.spoil = lambda reply: replace(reply, headers={"Date": "Sun, 01 Mar 2026 11:59:30 GMT"})
    (page,) = api.read("2026-03-01T12:00:02.000000Z")
    assert (page.counted, page.cursor) == (3, None)


def test_single_customers(api: Api) -> None:
    """Customers are shown by their ids, those that are gone or never were are left out, in pages without a cursor."""
    api.seed(12)
    api.delete(4)
    wanted = [*(str(number) for number in range(1, 13)), "987654", "no id 00ff", "../x", "1?limit=1", "007", ""]
    pages = list(api.source.read_keys(wanted, 5))
    assert [page.counted for page in pages] == [5, 5, 1]
    assert keys(pages) == [str(number) for number in range(1, 13) if number != 4]
    assert {page.cursor for page in pages} == {None}
    assert list(api.source.read_keys([], 5)) == []


def test_a_customer_of_the_future_has_no_version(api: Api) -> None:
    """In a reading and by its key; its notice names no customer."""
    api.seed(1)
    api.time.seconds += 1000
    api.create(2)
    api.time.seconds -= 1000
    (page,) = api.read()
    (again,) = api.source.read_keys(page.keys, 5)
    assert page.versions == again.versions == ["2026-03-01T12:00:00.700000Z", ""]
    assert page.notice == again.notice == "1 record is dated after the source's clock"


@pytest.mark.parametrize(("kind", "error"), [("stranger", BrokenSourceError), ("error", UnavailableError)])
def test_single_customers_that_cannot_be_shown(api: Api, kind: str, error: type[Exception]) -> None:
    """An answer that shows another customer proves nothing; a failing server is not a customer that left."""
    api.seed(3)
    api.strike(kind)
    with pytest.raises(error, match=r"keypro: show: .*\(6 requests\)"):
        list(api.source.read_keys(["1", "2"], 5))


def test_a_404_of_somebody_else_is_no_absence() -> None:
    """Without the documented words, not this API but something before it has answered."""
    source = source_on(lambda request: always(200, envelope())(request) if request.url.query else always(404)(request))
    source.open()
    with pytest.raises(BrokenSourceError, match="show: status 404"):
        list(source.read_keys(["1"], 5))
    source.close()


@pytest.mark.parametrize(
    "kind", ["error", "empty", "html", "drop", "truncate", "no_customers", "first_page", "no_next"]
)
def test_a_passing_fault_costs_no_customer(kind: str) -> None:
    """E13, E16, E18: a bad answer in the middle is asked for again, and links that are missing hide nobody."""
    with serving(KeyproSettings(token=TOKEN, max_limit=10)) as api:
        api.seed(35)
        api.strike(kind, next=1, skip=2)
        assert keys(api.read()) == [str(number) for number in range(1, 36)]


def test_an_empty_list_where_somebody_was_is_asked_for_again(api: Api) -> None:
    """Opening showed a customer, so that a whole reading of nobody is not believed at once."""
    api.seed(3)
    api.source.open()
    api.strike("no_customers", next=1)
    assert keys(api.read()) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("error", UnavailableError, "status 503"),
        ("html", BrokenSourceError, "no list"),
        ("redirect", BrokenSourceError, "status 302"),
        ("first_page", BrokenSourceError, "does not keep to id__gt"),
        ("no_customers", BrokenSourceError, "incomplete_extract"),
    ],
)
def test_a_lasting_fault_ends_the_reading(kind: str, error: type[Exception], words: str) -> None:
    """E12, E14: by its name, and nothing is concluded."""
    with serving(KeyproSettings(token=TOKEN, max_limit=10)) as api:
        api.seed(35)
        api.strike(kind, skip=2)
        with pytest.raises(error, match=words):
            api.read()


def test_a_link_to_elsewhere_is_not_followed(api: Api) -> None:
    """It says that more comes, and no more than that."""
    api.seed(3)
    api.strike("next", next=1, location="http://elsewhere.invalid/customers/")
    assert keys(api.read()) == ["1", "2", "3"]
    assert all(target.startswith("/customers/?") for target in api.transport.lists)


def test_a_server_that_ignores_the_filters_is_named() -> None:
    """Both filters are judged by what is shown."""
    dated = [customer(number, dateModified="2026-03-01T12:00:00Z") for number in (1, 2)]
    source = source_on(always(200, envelope(*dated), Date="Sun, 01 Mar 2026 12:00:00 GMT"))
    source.open()
    with pytest.raises(BrokenSourceError, match="does not keep to id__gt"):
        list(source.pages(None, 10))
    with pytest.raises(BrokenSourceError, match="does not keep to dateModified__gte"):
        list(source.pages("2026-03-01T12:00:01.000000Z", 10))
    source.close()


def test_customers_without_a_last_update_are_in_a_whole_reading() -> None:
    """They are unreadable, are given, and the cursor is the server's time all the same."""

    def app(request: httpx.Request) -> httpx.Response:
        shown = [] if "id__gt" in request.url.params else [customer(1), customer(2, dateModified=None)]
        return httpx.Response(200, json=envelope(*shown), headers={"Date": "Sun, 01 Mar 2026 12:00:00 GMT"})

    source = source_on(app)
    source.open()
    (page,) = source.pages(None, 10)
    assert {place: refusal.code for place, refusal in page.unreadable.items()} == dict.fromkeys(
        (0, 1), "cursor_missing"
    )
    assert (page.versions, page.cursor) == (["", ""], "2026-03-01T12:00:00.000000Z")
    source.close()


@pytest.mark.parametrize(
    ("app", "error", "words"),
    [
        (always(401, {"details": "canary"}), CredentialsError, "token is refused"),
        (always(404, b"canary"), ConfigurationError, r"source\.base_url"),
        (always(302, b"", Location="https://elsewhere.example/"), ConfigurationError, r"source\.base_url"),
        (always(200, envelope({"pk": "canary"})), ConfigurationError, r"no property id .*source\.properties"),
        (always(503), UnavailableError, "6 requests"),
        (always(200, b"<html>canary"), UnavailableError, "no list"),
    ],
)
def test_opening_where_it_cannot_work(
    app: Callable[[httpx.Request], httpx.Response], error: type[Exception], words: str
) -> None:
    """The job's fault, the token's, or the server's, without a word of the body."""
    source = source_on(app)
    with pytest.raises(error, match=words) as caught:
        source.open()
    assert "canary" not in str(caught.value)
    source.close()


def test_names_of_the_table() -> None:
    """Requests go by the properties, records by the fields; a table that cannot be is refused before anything."""
    seen: list[str] = []

    def app(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        shown = [] if "pk__gt" in request.url.params else [{"pk": 4, "changed": "2026-03-01T11:00:00Z", "extra": 1}]
        return httpx.Response(200, json=shown, headers={"Date": "Sun, 01 Mar 2026 12:00:00 GMT"})

    source = source_on(app, id="pk", dateModified="changed")
    assert source.open() == (*FIELDS, "extra")
    (page,) = source.pages("2026-03-01T10:00:00.000000Z", 10)
    assert (page.keys, page.versions) == (["4"], ["2026-03-01T11:00:00.000000Z"])
    assert seen[-1].endswith("?orderby=pk&limit=100&pk__gt=4&changed__gte=2026-03-01T10%3A00%3A00Z")
    source.close()
    with pytest.raises(ConfigurationError, match="one name"):
        source_on(app, id="pk", note="pk")


def test_closing_leaves_nothing_behind(api: Api) -> None:
    """Closing twice is fine, reading begins anew after opening again, and no thread or socket is left."""
    api.seed(5)
    threads = threading.active_count()
    assert len(keys(api.read())) == 5
    api.source.close()
    api.source.close()
    with pytest.raises(UnavailableError, match="closed"):
        api.read()
    api.source.open()
    assert len(keys(api.read())) == 5
    api.source.close()
    gc.collect()
    assert threading.active_count() == threads
