"""The Valomnia source against a sandbox: opening, single customers, pages, and what it leaves behind."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from connectors.protocol import BrokenSourceError, ConfigurationError, Page, UnavailableError
from connectors.valomnia import ValomniaSourceSettings
from connectors.valomnia.record import DOCUMENTED
from connectors.valomnia.source import ValomniaSource
from tests.faults.api import Api, count, cursor, serving, shown


@pytest.fixture
def api() -> Iterator[Api]:
    """Give an empty sandbox with a source on it."""
    with serving() as served:
        yield served


def settings(base_url: str, **more: str) -> ValomniaSourceSettings:
    """Make settings for a server."""
    given = {"kind": "valomnia", "base_url": base_url, "username": "sandbox", "password": "sandbox", **more}
    return ValomniaSourceSettings.model_validate(given)


def test_what_it_says_of_itself() -> None:
    """Its address is the target's, without secrets; it is incremental and looks back ten minutes unless told else."""
    source = ValomniaSource(settings("https://ACME.valomnia.com:443/"))
    assert source.address == "valomnia:https://acme.valomnia.com"
    assert (source.incremental, source.overlap) == (True, timedelta(minutes=10))
    assert ValomniaSource(settings("https://a.b", overlap="2h")).overlap == timedelta(hours=2)
    assert "sandbox" not in repr(vars(source))
    source.close()


def test_columns_without_any_customer(api: Api) -> None:
    """An organisation without customers has the documented columns, and no page."""
    assert api.source.open() == DOCUMENTED
    assert list(api.source.pages(None, 10)) == []
    assert list(api.source.pages("2026-01-01T00:00:00.000000Z", 10)) == []


@pytest.mark.parametrize("size", [1, 7, 99, 100, 101, 250, 1000])
def test_pages_have_the_size_that_is_asked_for(api: Api, size: int) -> None:
    """All pages but the last are full, whatever a request brings, and cursors never go back."""
    api.seed(250, per_second=30)
    pages = list(api.source.pages(None, size))
    assert [page.counted for page in pages[:-1]] == [size] * (250 // size - (250 % size == 0))
    assert shown(pages) == api.held()
    assert count(pages) == 250
    cursors = [str(page.cursor) for page in pages]
    assert cursors == sorted(cursors)
    versions = [version for page in pages for version in page.versions or ()]
    assert versions == sorted(versions)
    assert [page.versions[-1] for page in pages if page.versions] == cursors


def test_any_cursor_can_be_read_on_from(api: Api) -> None:
    """After the cursor of any page come exactly the customers of that moment and later."""
    api.seed(120, per_second=25)
    pages = list(api.source.pages(None, 10))
    versions = [version for page in pages for version in page.versions or ()]
    for page in pages:
        rest = list(api.source.pages(page.cursor, 1000))
        assert count(rest) == sum(version >= str(page.cursor) for version in versions)


def test_single_customers(api: Api) -> None:
    """Customers are shown by their ids, those that are gone or never were are left out, in pages without a cursor."""
    api.seed(30)
    keys = [key for page in api.source.pages(None, 1000) for key in page.keys]
    api.delete(3)
    wanted = [*keys[:12], "987654", "no id 00ff", "../x", "1?max=1"]
    pages = list(api.source.read_keys(wanted, 5))
    assert [page.counted for page in pages] == [5, 5, 1]
    assert [key for page in pages for key in page.keys] == [key for key in keys[:12] if key != keys[3]]
    assert {page.cursor for page in pages} == {None}
    assert list(api.source.read_keys([], 5)) == []


def test_a_single_customer_of_the_future(api: Api) -> None:
    """Asked for by its id, one whose last update has not come has no version that could be ordered; others have."""
    api.seed(1)
    api.add(1, "2999-12-31T00:00:00Z")
    keys = [key for page in api.source.pages(None, 10) for key in page.keys]
    (page,) = api.source.read_keys(keys, 10)
    assert page.versions == ["2026-02-28T12:00:00.000000Z", ""]
    assert page.cursor is None


@pytest.mark.parametrize(("kind", "error"), [("stranger", BrokenSourceError), ("error", UnavailableError)])
def test_single_customers_that_cannot_be_shown(api: Api, kind: str, error: type[Exception]) -> None:
    """An answer that shows another customer proves nothing; a failing server is not a customer that left."""
    api.seed(3)
    api.strike(kind)
    with pytest.raises(error, match=r"valomnia: show: .*\(6 requests\)"):
        list(api.source.read_keys(["1", "2"], 5))


def test_opening_where_nobody_speaks_this_api() -> None:
    """A wrong version in the path is the job's fault, and says which keys to look at."""
    with serving(opened=False) as api:
        source = ValomniaSource(settings(api.transport.origin.root, api_version="nine"), sleep=api.nap)
        try:
            with pytest.raises(ConfigurationError, match=r"source\.base_url, source\.api_version"):
                source.open()
        finally:
            source.close()


def test_opening_where_nobody_listens() -> None:
    """A server that is not there is unavailable, after six attempts."""
    with serving(opened=False) as api:
        source = ValomniaSource(settings("http://127.0.0.1:1"), sleep=api.nap)
        try:
            with pytest.raises(UnavailableError, match=r"no connection \(6 requests\)"):
                source.open()
        finally:
            source.close()
        assert len(api.naps) == 5


def test_threads_take_turns(api: Api) -> None:
    """Each call may come from another thread, and a reading that is given up does not disturb the next."""
    api.seed(350, per_second=50)
    abandoned = api.source.pages(None, 10)
    next(abandoned)
    pages: list[Page] = []
    reading = api.source.pages(None, 100)
    while True:
        with ThreadPoolExecutor(1) as thread:
            page = thread.submit(next, reading, None).result()
        if page is None:
            break
        pages.append(page)
    assert shown(pages) == api.held()


def test_from_a_thread_beside_a_running_loop(api: Api) -> None:
    """A flow reads in threads of its own while its event loop runs."""
    api.seed(5)

    async def flow() -> list[Page]:
        await asyncio.to_thread(api.source.open)
        pages = await asyncio.to_thread(lambda: list(api.source.pages(None, 10)))
        await asyncio.to_thread(api.source.close)
        return pages

    assert count(asyncio.run(flow())) == 5


def test_closing_leaves_nothing_behind(api: Api) -> None:
    """Closing twice is fine, reading begins anew after opening again, and no thread or socket is left."""
    api.seed(5)
    threads = threading.active_count()
    mark = cursor(list(api.source.pages(None, 10)))
    api.source.close()
    api.source.close()
    api.source.open()
    api.source.open()
    assert count(list(api.source.pages(mark, 10))) == 1
    api.source.close()
    gc.collect()
    assert threading.active_count() == threads
