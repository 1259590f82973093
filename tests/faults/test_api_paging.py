"""What changes, lies or is missing while customers are read from an API page by page (FAULTS.md E01 to E20, E32)."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import httpx
import pytest

from connectors.protocol import BrokenSourceError, WatermarkError
from connectors.sandbox.fault import Faults
from connectors.sandbox.server import running
from connectors.sandbox.valomnia.vendor import valomnia_app
from connectors.valomnia import ValomniaSourceSettings
from connectors.valomnia.source import ValomniaSource
from tests.connectors.sandbox.caller import CUSTOMERS, LOGIN
from tests.faults.api import Api, count, cursor, serving, shown


@pytest.fixture
def api() -> Iterator[Api]:
    """Give an empty sandbox with a source on it."""
    with serving() as served:
        yield served


def test_e01_350_customers_of_one_second(api: Api) -> None:
    """All of a tie that is larger than a page are read once, and again after a stop on the second page."""
    api.seed(350, per_second=350)
    pages = list(api.source.pages(None, 100))
    assert (count(pages), len(shown(pages))) == (350, 350)
    stopped = list(islice(api.source.pages(None, 100), 2))
    assert shown(stopped) | shown(list(api.source.pages(cursor(stopped), 100))) == api.held()


def test_e02_customers_that_join_the_watermarks_second(api: Api) -> None:
    """Five customers with the watermark's very time, added after the run, are in the next one."""
    api.seed(345, per_second=345)
    mark = cursor(list(api.source.pages(None, 1000)))
    api.seed(5, per_second=5, first=345)
    assert shown(list(api.source.pages(mark, 1000))) == api.held()


def _by_offset(api: Api) -> set[str]:
    """Read as others do: by ever greater offsets, with the same changes meanwhile."""
    met, offset = set[str](), 0
    while True:
        api.transport.before(offset)
        query: dict[str, str | int] = {"max": 100, "offset": offset, "sort": "lastUpdated", "order": "asc"}
        answer = api.client.get(CUSTOMERS, params=query).json()
        met |= {customer["reference"] for customer in answer["data"]}
        offset += 100
        if answer["paging"]["next"] is None:
            return met


@pytest.mark.parametrize("per_second", [1, 40, 500])
def test_e05_updates_while_paging(api: Api, per_second: int) -> None:
    """200 updates during a reading of many pages: nobody is missed, and the newest version comes last."""
    api.seed(2000, per_second=per_second)
    dice = random.Random(5)
    pending = iter([dice.randrange(2000) for _ in range(200)])

    def update(number: int) -> None:
        api.time.seconds += 0.5
        for customer in islice(pending, 10):
            api.update(customer, f"updated {number}")

    api.transport.before = update
    assert shown(list(api.source.pages(None, 300))) == api.held()


def test_e05_offsets_alone_would_miss_some(api: Api) -> None:
    """The same updates make a reader by offsets miss customers: the scenario bites."""
    api.seed(2000)

    def update(offset: int) -> None:
        for number in range(offset // 10, offset // 10 + 5):
            api.update(number, "new")

    api.transport.before = update
    assert _by_offset(api) != set(api.held())


@pytest.mark.parametrize("per_second", [1, 40, 500])
def test_e06_customers_deleted_while_paging(api: Api, per_second: int) -> None:
    """50 deletions in front of where the reading is: all who are left are read."""
    api.seed(500, per_second=per_second)
    pending = iter(range(50))

    def delete(_: int) -> None:
        for number in islice(pending, 17):
            api.delete(number)

    api.transport.before = delete
    met = shown(list(api.source.pages(None, 100)))
    assert len(api.held()) == 450
    assert api.held().keys() <= met.keys()


def test_e08_a_customer_from_the_year_2999(api: Api) -> None:
    """It is read, and does not take the watermark with it: the next run reads the 20 new ones."""
    api.seed(30)
    api.add(30, "2999-12-31T00:00:00Z")
    pages = list(api.source.pages(None, 1000))
    mark = cursor(pages)
    assert count(pages) == 31
    assert mark <= api.time.now().isoformat()
    api.seed(20, first=100, ago=0)
    assert {f"C-{number}" for number in range(100, 120)} <= shown(list(api.source.pages(mark, 1000))).keys()


def test_e08_a_watermark_from_the_year_2999(api: Api) -> None:
    """It is refused by name, instead of finding nothing for ever."""
    api.seed(3)
    with pytest.raises(WatermarkError, match=r"watermark lies after .*--full"):
        list(api.source.pages("2999-12-31T00:00:00.000000Z", 1000))


def test_e09_a_watermark_is_never_rounded_up(api: Api) -> None:
    """Of 1,000 customers of one second, read over two runs, all are read: seconds are all that the filter knows."""
    api.seed(600, per_second=1000)
    mark = cursor(list(api.source.pages(None, 1000)))
    api.seed(400, per_second=1000, first=600)
    assert len(shown(list(api.source.pages(mark, 1000)))) == 1000
    late = mark.replace(".000000Z", ".999999Z")
    assert len(shown(list(api.source.pages(late, 1000)))) == 1000


def test_e11_customers_without_a_readable_last_update(api: Api) -> None:
    """Three of them are unreadable, none is dropped, and the watermark does not move by them."""
    api.seed(250)
    api.add(250, "")
    api.add(251, "0000-00-00T00:00:00Z")
    api.add(252, "yesterday")
    pages = list(api.source.pages(None, 1000))
    flaws = {pages[0].records["reference"][n]: flaw.code for n, flaw in pages[0].unreadable.items()}
    assert flaws == dict.fromkeys(["C-250", "C-251", "C-252"], "cursor_missing")
    assert count(pages) == 253
    newest = api.time.now() - timedelta(seconds=86400 - 249)
    assert cursor(pages) == newest.strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def test_e12_the_same_page_for_ever(api: Api) -> None:
    """A server that shows its first page whatever is asked for is found out after a few requests."""
    api.seed(350)
    api.strike("first_page")
    pages = api.source.pages(None, 50)
    with pytest.raises(BrokenSourceError, match="does not keep to the filters"):
        list(pages)
    assert api.transport.lists <= 5


def test_e12_the_same_page_of_one_second_for_ever(api: Api) -> None:
    """So is one where no filter could tell, because all customers are of one second."""
    api.seed(350, per_second=350)
    api.strike("first_page")
    with pytest.raises(BrokenSourceError, match="the same page twice"):
        list(api.source.pages(None, 1000))
    assert api.transport.lists <= 6


@pytest.mark.parametrize("per_second", [1, 350])
def test_e12_the_same_next_for_ever(api: Api, per_second: int) -> None:
    """A server whose list never ends, by its own word, fails the run once it has nothing more to show."""
    api.seed(350, per_second=per_second)
    api.strike("next", location="/api/v2.1/customers?max=100&offset=100")
    with pytest.raises(BrokenSourceError, match="says that more comes"):
        list(api.source.pages(None, 1000))
    assert api.transport.lists <= 12


def test_e13_an_empty_page_in_the_middle(api: Api) -> None:
    """A page without customers that says that more comes is asked for again."""
    api.seed(350)
    api.strike("no_customers", skip=3, next=1)
    pages = list(api.source.pages(None, 1000))
    assert shown(pages) == api.held()
    assert pages[0].notice is None


def test_e13_a_page_that_stays_empty(api: Api) -> None:
    """One that stays empty is gone past, with a notice, and the watermark stays in front of it."""
    api.seed(350)
    api.strike("no_customers", skip=3, next=2)
    pages = list(api.source.pages(None, 1000))
    assert "C-349" in shown(pages)
    assert "empty page before place 100" in str(pages[0].notice)
    again = list(api.source.pages(cursor(pages), 1000))
    assert shown(pages) | shown(again) == api.held()
    assert shown(pages) != api.held()


@pytest.mark.parametrize("per_second", [1, 350])
@pytest.mark.parametrize("kind", ["no_next", "fewer"])
def test_e14_e15_fewer_customers_than_the_total(api: Api, kind: str, per_second: int) -> None:
    """A list that ends too soon, or shows fewer than it counts, fails the run; earlier pages stand."""
    api.seed(350, per_second=per_second)
    api.strike(kind, skip=3)
    pages = api.source.pages(None, 50)
    assert next(pages).counted == 50
    with pytest.raises(BrokenSourceError, match="incomplete_extract"):
        list(pages)


def test_e14_e15_a_passing_lack_is_no_harm(api: Api) -> None:
    """A page that lacks customers is asked for again, and nothing of it is used."""
    api.seed(350)
    api.strike("fewer", skip=3, next=2)
    pages = list(api.source.pages(None, 1000))
    assert shown(pages) == api.held()
    assert count(pages) == 350


def test_e20_a_session_that_ends_at_page_50(api: Api) -> None:
    """The source signs in once more, the page is repeated, and everybody is read once."""
    api.seed(6000)
    api.app.faults = Faults(session_requests=51)
    before = api.requests("j_spring_security_check")
    pages = list(islice(api.source.pages(None, 1000), 6))
    assert (count(pages), len(shown(pages))) == (6000, 6000)
    assert api.requests("j_spring_security_check") - before == 1


def test_e32_a_vanished_column(api: Api) -> None:
    """A column that neither documentation nor customers name is no column; one that they have is."""
    api.seed(1)
    extra = b'"loyalty":7,"lastUpdated"'
    api.transport.spoil = lambda reply: replace(reply, body=reply.body.replace(b'"lastUpdated"', extra))
    assert "loyalty" in api.source.open()
    api.transport.spoil = lambda reply: reply
    assert "loyalty" not in api.source.open()


def test_customers_updated_by_another_thread() -> None:
    """3,000 customers, hundreds to a second, updated all the time: two runs show the newest version of everybody."""
    app = valomnia_app()
    for number in range(3000):
        stamp = f"2026-03-01T12:00:{number // 400:02}Z"
        app.vendor.add({"reference": f"C-{number}", "name": "Ada", "lastUpdated": stamp})
    stop = threading.Event()

    def update(url: str) -> None:
        dice = random.Random(3)
        with httpx.Client(base_url=url, trust_env=False) as client:
            client.post("/j_spring_security_check", data=LOGIN)
            turn = 0
            while not stop.is_set():
                turn += 1
                client.post(f"{CUSTOMERS}/reference/C-{dice.randrange(3000)}", data={"name": f"turn {turn}"})

    with running(app) as url:
        settings = {"kind": "valomnia", "base_url": url, "username": "sandbox", "password": "sandbox"}
        source = ValomniaSource(ValomniaSourceSettings.model_validate(settings))
        writer = threading.Thread(target=update, args=(url,))
        try:
            source.open()
            writer.start()
            pages = list(source.pages(None, 500))
            stop.set()
            writer.join()
            again = list(source.pages(cursor(pages), 500))
        finally:
            stop.set()
            source.close()
    held = {str(item["reference"]): str(item["name"]) for item in app.vendor.customers("")}
    assert len(shown(pages)) == 3000
    assert shown(pages) | shown(again) == held
    assert sum(name != "Ada" for name in held.values()) > 20
