"""The tradevest source against a sandbox: opening, pages, single customers, and what it does when things go wrong."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

import pytest

from connectors.api.transport import Reply
from connectors.protocol import (
    BrokenSourceError,
    ConfigurationError,
    ConnectorError,
    CredentialsError,
    Page,
    Refusal,
    UnavailableError,
)
from connectors.sandbox.fault import Faults
from connectors.sandbox.tradevest.setting import TradevestSettings as Sandbox
from connectors.tradevest.record import DOCUMENTED
from connectors.tradevest.source import TradevestSource
from tests.connectors.tradevest.served import Api, entity, serving, settings, shown


@pytest.fixture
def api() -> Iterator[Api]:
    """Give an empty sandbox with a source on it."""
    with serving() as served:
        yield served


def edited(reply: Reply, **changes: Any) -> Reply:
    """Change members of an answer."""
    return replace(reply, body=json.dumps({**json.loads(reply.body), **changes}).encode())


def test_what_it_says_of_itself() -> None:
    """Its address is the target's, without secrets; it has no last update to go by."""
    source = TradevestSource(settings("https://API.tradevest.example:443/"))
    assert source.address == "tradevest:https://api.tradevest.example"
    assert (source.incremental, source.overlap) == (False, timedelta())
    assert "sandbox" not in repr(source)
    source.close()


def test_columns_without_any_customer(api: Api) -> None:
    """A platform without customers has the documented columns, and no page."""
    assert api.source.open() == DOCUMENTED
    assert list(api.source.pages(None, 10)) == []


def test_records_are_flat(api: Api) -> None:
    """Accounts and documents are parallel lists, and fields that no page names are columns of their own."""
    account = {"iban": "DE02120300000000202051", "ownerName": "Grimble"}
    api.add(1, labels=["a", "b"], refAccounts=[account, {**account, "bankName": "Quatrain"}])
    api.add(2)
    document = {"partnerDocumentId": "d-1", "name": "Terms", "version": 3, "naturalPersonFullName": "Q"}
    more = {"riskClass": "B", "notes": [{"text": "?"}], "branch": {"code": "X", "notes": []}}

    def enrich(_: int, reply: Reply) -> Reply:
        first, *others = json.loads(reply.body)["data"]
        return edited(reply, data=[{**first, "signedDocumentsRelatedToCustomer": [document], **more}, *others])

    api.transport.spoil = enrich
    assert api.source.open() == (*DOCUMENTED, "riskClass", "branch.code", "branch.notes")
    (page,) = api.source.pages(None, 10)
    first, second = page.records.to_dict("records")
    assert first["refAccounts.iban"] == ["DE02120300000000202051"] * 2
    assert first["refAccounts.bankName"] == [None, "Quatrain"]
    assert first["signedDocumentsRelatedToCustomer.version"] == [3]
    assert first["signedDocumentsRelatedToCustomer.documentType"] == [None]
    assert (first["labels"], first["riskClass"], first["entityType"]) == (["a", "b"], "B", "NATURAL_PERSON")
    assert (second["labels"], second["refAccounts.iban"], second["riskClass"]) == ([], [], ...)
    assert page.versions is None


@pytest.mark.parametrize("size", [1, 7, 99, 100, 101, 199, 200, 250, 1000])
def test_pages_are_made_of_whole_answers(api: Api, size: int) -> None:
    """None is larger than asked for; as many answers of at most a hundred as fit are in each."""
    api.add(*range(250))
    pages = list(api.source.pages(None, size))
    assert shown(pages) == api.held()
    whole = size // 100 * 100 or size
    assert [page.counted for page in pages[:-1]] == [whole] * ((250 - 1) // whole)
    assert pages[-1].cursor == "end"
    assert list(api.source.pages("end", size)) == []


@pytest.mark.parametrize("end", ["empty", "absent", "null"])
def test_every_cursor_can_be_read_on_from(end: Literal["empty", "absent", "null"]) -> None:
    """By another source, with pages of another size, however the list ends."""
    with serving(Sandbox(end_cursor=end), page_limit=7) as api:
        api.add(*range(40))
        pages = list(api.source.pages(None, 20))
        for number, page in enumerate(pages, 1):
            assert page.cursor is not None
            other = TradevestSource(settings(api.url))
            other.open()
            assert shown(pages[:number]) + shown(list(other.pages(page.cursor, 3))) == api.held()
            other.close()


def test_a_cursor_of_another_kind_is_not_sent(api: Api) -> None:
    """It would not be this source's."""
    with pytest.raises(BrokenSourceError, match="none of this source's"):
        list(api.source.pages("2026-01-01T00:00:00.000000Z", 5))
    assert api.transport.lists == 0


def test_a_cursor_that_the_server_does_not_know_ends_the_reading(api: Api) -> None:
    """What was read before it is not known here, so nothing can be begun again."""
    api.add(1)
    with pytest.raises(BrokenSourceError, match="cursor is refused"):
        list(api.source.pages("behind nowhere", 5))


def test_a_cursor_that_expires_costs_a_second_reading(api: Api) -> None:
    """From the beginning, without whom it gave already; resuming afterwards is exact again."""
    api.add(*range(30))

    def expire(number: int, reply: Reply) -> Reply:
        return edited(reply, pagination={"cursor": "gone", "limit": 5}) if number == 3 else reply

    api.transport.spoil = expire
    pages = list(api.source.pages(None, 5))
    assert shown(pages) == api.held()
    assert api.transport.lists == 3 + 1 + 6
    assert shown(list(api.source.pages(pages[3].cursor, 5))) == shown(pages[4:])


def test_customers_that_come_while_the_list_is_read(api: Api) -> None:
    """They may be in this reading or in the next; nobody comes twice."""
    api.add(*range(20))
    api.transport.before = lambda number: api.add(100 + number)
    met = shown(list(api.source.pages(None, 5)))
    assert len(set(met)) == len(met)
    assert {entity(number) for number in range(20)} <= set(met)


def test_a_change_while_the_list_is_read_is_told(api: Api) -> None:
    """Who comes again with other values is left for the next run, with a notice that names nobody."""
    api.add(*range(4))
    first: list[dict[str, object]] = []

    def repeat(number: int, reply: Reply) -> Reply:
        data = json.loads(reply.body)["data"]
        first.extend(data[:1] if number == 1 else [])
        return reply if number == 1 else edited(reply, data=[{**first[0], "labels": ["new"]}, *data[1:]])

    api.transport.spoil = repeat
    one, other = api.source.pages(None, 2)
    assert (one.notice, other.counted) == (None, 1)
    assert other.notice == "1 customer has changed while the list was read: the next run reads the change"


def test_a_record_without_an_id_is_unreadable(api: Api) -> None:
    """It is in its page, named by what it holds."""
    api.add(1, 2)

    def blank(_: int, reply: Reply) -> Reply:
        first, second = json.loads(reply.body)["data"]
        return edited(reply, data=[{**first, "customerId": None}, second])

    api.transport.spoil = blank
    (page,) = api.source.pages(None, 5)
    assert page.unreadable == {0: Refusal("missing_key", "customerId", "the record has no usable id")}
    assert page.keys[0].startswith("no id ")
    assert page.counted == 2


def test_single_customers(api: Api) -> None:
    """Customers are shown by their ids; who is gone is left out, and what can be no id is not asked for."""
    api.add(*range(30))
    keys = [key for page in api.source.pages(None, 1000) for key in page.keys]
    before = len(api.app.journal.entries)
    wanted = [*keys[:12], entity(999), "", "..", "C-1", f"{keys[0]}/..", keys[1].upper()]
    pages = list(api.source.read_keys(wanted, 5))
    assert [page.counted for page in pages] == [5, 5, 2]
    assert [key for page in pages for key in page.keys] == keys[:12]
    assert {page.cursor for page in pages} == {None}
    assert len(api.app.journal.entries) - before == 13
    assert list(api.source.read_keys([], 5)) == []


@pytest.mark.parametrize(
    ("kind", "details", "error"),
    [
        ("stranger", {}, BrokenSourceError),
        ("html", {}, BrokenSourceError),
        ("html", {"status": 404}, BrokenSourceError),
        ("error", {}, UnavailableError),
        ("error", {"status": 501}, BrokenSourceError),
    ],
)
def test_single_customers_that_cannot_be_shown(
    api: Api, kind: str, details: dict[str, object], error: type[ConnectorError]
) -> None:
    """An answer that shows another customer, or nobody, is not a customer that left."""
    api.add(*range(3))
    keys = [key for page in api.source.pages(None, 1000) for key in page.keys]
    api.strike(kind, **details)
    with pytest.raises(error, match="tradevest: show"):
        list(api.source.read_keys(keys, 5))


@pytest.mark.parametrize("kind", ["error", "drop", "reset", "truncate", "empty", "html", "no_customers", "first_page"])
@pytest.mark.parametrize("skip", [0, 2])
def test_what_passes_is_waited_for(api: Api, kind: str, skip: int) -> None:
    """One answer that is lost, spoilt or another's costs a request, and nobody."""
    api.add(*range(20))
    if (kind, skip) == ("no_customers", 0):
        skip = 1  # the first answer cannot be told from an empty platform's
    api.strike(kind, next=1, skip=skip)
    assert shown(list(api.source.pages(None, 5))) == api.held()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("error", UnavailableError),
        ("drop", UnavailableError),
        ("html", BrokenSourceError),
        ("empty", BrokenSourceError),
        ("redirect", BrokenSourceError),
        ("first_page", BrokenSourceError),
    ],
)
def test_what_does_not_pass_ends_the_reading(api: Api, kind: str, error: type[ConnectorError]) -> None:
    """After the pages that were read; the error names nobody."""
    api.add(*range(20))
    api.strike(kind, probability=1.0, skip=2)
    pages: list[Page] = []
    with pytest.raises(error, match="tradevest: list") as caught:
        pages.extend(api.source.pages(None, 5))
    assert api.url not in str(caught.value)


def test_a_server_that_gives_more_than_was_asked_for_is_not_believed(api: Api) -> None:
    """A page would be larger than its reader allows."""
    api.add(*range(9))
    api.transport.spoil = lambda _, reply: edited(reply, data=json.loads(reply.body)["data"] * 2)
    with pytest.raises(BrokenSourceError, match="more customers than were asked for"):
        list(api.source.pages(None, 5))


@pytest.mark.parametrize("pagination", [None, [], {"cursor": 7}, {"cursor": "a\x00b"}])
def test_a_cursor_that_is_none_is_not_believed(api: Api, pagination: object) -> None:
    """Taken for the end of the list, it would lose all customers behind it."""
    api.add(*range(9))
    api.transport.spoil = lambda _, reply: edited(reply, pagination=pagination)
    with pytest.raises(BrokenSourceError, match="tradevest: list"):
        list(api.source.pages(None, 5))


def test_rate_limits_are_waited_for(api: Api) -> None:
    """As long as the server says."""
    api.add(*range(9))
    api.app.faults = Faults(rate_limit=0, retry_after_seconds=1000)
    with pytest.raises(UnavailableError, match="asks us to wait for 1000 s"):
        list(api.source.pages(None, 5))


def test_tokens_that_end_in_the_middle_are_renewed(api: Api) -> None:
    """And refused credentials end the reading."""
    api.add(*range(20))
    pages = api.source.pages(None, 5)
    first = next(pages)
    api.app.faults = Faults(session_requests=2)
    assert shown([first, *pages]) == api.held()
    api.app.faults = Faults(refuse_credentials=403)
    with pytest.raises(CredentialsError):
        list(api.source.pages(None, 5))


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/nowhere", {"token_url": "{url}/oauth2/token"}),
        ("", {"page_limit": 1000}),
    ],
)
def test_opening_where_nobody_speaks_this_api(path: str, more: dict[str, object]) -> None:
    """A wrong address, or more customers than the platform gives, is the job's fault and names its keys."""
    with serving(opened=False) as api:
        given = {name: value.format(url=api.url) if isinstance(value, str) else value for name, value in more.items()}
        source = TradevestSource(settings(f"{api.url}{path}", **given), sleep=api.nap)
        try:
            with pytest.raises(ConfigurationError, match=r"source\.base_url, source\.token_url, source\.page_limit"):
                source.open()
        finally:
            source.close()


def test_opening_with_refused_credentials_or_without_a_server() -> None:
    """The one is told at once, the other after six attempts."""
    with serving(opened=False) as api:
        source = TradevestSource(settings(api.url, client_secret="wrong"), sleep=api.nap)
        with pytest.raises(CredentialsError):
            source.open()
        source.close()
        source = TradevestSource(settings("http://127.0.0.1:1"), sleep=api.nap)
        with pytest.raises(UnavailableError, match=r"no connection \(6 requests\)"):
            source.open()
        source.close()
        assert len(api.naps) == 5


def test_from_a_thread_beside_a_running_loop(api: Api) -> None:
    """A flow reads in threads of its own while its event loop runs."""
    api.add(*range(5))

    async def flow() -> list[Page]:
        await asyncio.to_thread(api.source.open)
        pages = await asyncio.to_thread(lambda: list(api.source.pages(None, 10)))
        await asyncio.to_thread(api.source.close)
        return pages

    assert shown(asyncio.run(flow())) == api.held()


def test_closing_leaves_nothing_behind(api: Api) -> None:
    """Closing twice is fine, reading begins anew after opening again, and no thread or socket is left."""
    api.add(*range(5))
    threads = threading.active_count()
    assert len(shown(list(api.source.pages(None, 10)))) == 5
    api.source.close()
    api.source.close()
    with pytest.raises(UnavailableError, match="closed"):
        list(api.source.pages(None, 10))
    api.source.open()
    assert len(shown(list(api.source.pages(None, 10)))) == 5
    api.source.close()
    gc.collect()
    assert threading.active_count() == threads
