"""The walk through a list that changes under it: nobody may be missed, and it always comes to an end."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.moment import read_moment
from connectors.protocol import BrokenSourceError
from connectors.valomnia.listing import Entry, Listing, Query
from connectors.valomnia.paging import Walk
from connectors.valomnia.record import cursor_after
from tests.connectors.valomnia.moving_list import ORDERS, START, MovingList

Event = tuple[str, int]
EVENTS = st.tuples(
    st.sampled_from(["touch", "touch", "delete", "delete", "insert", "tick", "part", "all", "undate"]),
    st.integers(0, 30),
)


def happen(book: MovingList, event: Event) -> None:
    """Let one thing happen to the customers."""
    kind, number = event
    known = sorted(book.customers)
    match kind:
        case "touch" if known:
            book.touch(known[number % len(known)])
        case "delete" if known:
            del book.customers[known[number % len(known)]]
        case "undate" if known and number < 3:
            book.put(known[number % len(known)], None)
        case "insert":
            book.touch(max(known, default=0) + 1)
        case "tick":
            book.tick(1 + number % 3 / 4)
        case "part":
            for place in known[: number % 8]:
                book.touch(place)
        case "all" if number < 3:
            for place in known:
                book.touch(place)
        case _:
            pass


def given_by(listed: Iterable[Sequence[Entry]]) -> list[tuple[str, int]]:
    """Name customers and versions."""
    return [(entry.key, int(str(entry.record["version"]))) for part in listed for entry in part]


def read_all(book: MovingList, after: datetime | None = None) -> list[tuple[str, int]]:
    """Walk from a moment on to the end."""
    return given_by(Walk(book.ask, book.wait).read(after))


def filled(count: int, per_second: int, size: int = 3) -> MovingList:
    """Fill a list, so many customers to the second, a while ago."""
    book = MovingList(size=size)
    for number in range(count):
        book.put(number, START - timedelta(hours=1) + timedelta(seconds=number // per_second))
    return book


@settings(max_examples=200, deadline=None)
@given(
    past=st.lists(EVENTS, max_size=5),
    meanwhile=st.lists(st.lists(EVENTS, max_size=3), max_size=25),
    size=st.integers(2, 5),
    nulls_first=st.booleans(),
    patience=st.integers(0, 40),
    order=st.sampled_from(["kept", "shuffled", "two plans"]),
)
def test_whatever_happens_nobody_is_missed(
    *, past: list[Event], meanwhile: list[list[Event]], size: int, nulls_first: bool, patience: int, order: str
) -> None:
    """A walk given up anywhere, and one from its cursor, show every customer's newest version between them.

    Where the order within a second is not kept, a walk may give up by itself.
    """
    book = MovingList(size=size, nulls_first=nulls_first, place=ORDERS[order](random.Random(size)))
    for number in range(12):
        book.put(number, START - timedelta(seconds=10 + number // 9))  # nine of them in one second
    for event in past:
        happen(book, event)
    upcoming = iter(meanwhile)

    def go_on() -> None:
        for event in next(upcoming, []):
            happen(book, event)

    book.before = go_on
    walk = Walk(book.ask, book.wait)
    entries: list[Entry] = []
    with nullcontext() if order == "kept" else suppress(BrokenSourceError):
        entries.extend(islice((entry for part in walk.read(None) for entry in part), patience))
    book.before, book.place = lambda: None, lambda _, number: number
    shown = {entry.key: int(str(entry.record["version"])) for entry in entries}
    cursor = cursor_after(entries, walk.conclusive)
    shown |= dict(read_all(book, None if cursor is None else read_moment(cursor)))
    undated = {str(number) for number, (updated, _) in book.customers.items() if updated is None}
    wanted = {key: version for key, version in book.newest().items() if key not in undated}
    assert {key: shown.get(key) for key in wanted} == wanted


@pytest.mark.parametrize("size", [2, 3, 7, 100])
@pytest.mark.parametrize("per_second", [1, 2, 3, 20, 50])
def test_a_quiet_list_comes_once(size: int, per_second: int) -> None:
    """Without changes every customer is given once, in order, however many share a second."""
    book = filled(50, per_second, size)
    assert read_all(book) == [(str(number), 1) for number in range(50)]
    after = START - timedelta(hours=1) + timedelta(seconds=20 // per_second)
    assert read_all(book, after) == [(str(n), 1) for n in range(20 // per_second * per_second, 50)]


def test_offsets_stay_within_a_second() -> None:
    """A list without ties is read without any offset, one with them by small ones."""
    plain, tied = filled(50, 1), filled(50, 10)
    read_all(plain)
    read_all(tied)
    assert max(query.offset for query in plain.queries) == 0
    assert max(query.offset for query in tied.queries) < 10


@pytest.mark.parametrize("nulls_first", [True, False])
def test_customers_without_a_date_are_found_at_either_end(*, nulls_first: bool) -> None:
    """A whole reading shows them, however many, wherever the database puts them."""
    book = MovingList(nulls_first=nulls_first)
    for number in range(20):
        book.put(number, None if number % 2 else START - timedelta(seconds=number))
    assert sorted(read_all(book)) == sorted((str(number), 1) for number in range(20))


def test_the_present_second_is_waited_out() -> None:
    """Customers that fill pages within the very present second are read by offset only once it is over."""
    book = MovingList()
    for number in range(10):
        book.touch(number)
    book.tick(0.25)
    assert len(read_all(book)) == 10
    assert book.waited == [1.0]


def test_a_second_within_the_present_one_is_not_lost() -> None:
    """A customer that joins the present second in front of where the walk is has a later place in it."""
    book = MovingList()
    for number in range(5, 15):
        book.touch(number)
    late = iter([False, False, True])
    book.before = lambda: book.touch(1) if next(late, False) else None
    assert ("1", 1) in read_all(book)


def test_a_change_within_one_second_comes_again() -> None:
    """The same customer with the same lastUpdated and other values is given again."""
    book = MovingList()
    for number in range(4):
        book.put(number, START - timedelta(seconds=60 - number))
    again = iter([False] * 3 + [True])
    book.before = lambda: book.put(2, START - timedelta(seconds=58)) if next(again, False) else None
    assert [item for item in read_all(book) if item[0] == "2"] == [("2", 1), ("2", 2)]


def test_customers_that_leave_a_large_tie_do_not_stop_the_walk() -> None:
    """Of 500 customers of one second three are updated before each request: the walk ends, and misses nobody."""
    book = filled(500, 500, size=20)
    order = random.Random(5).sample(range(500), 500)
    pending = iter(order[:300])

    def update_some() -> None:
        book.tick(0.05)
        for number in islice(pending, 3):
            book.touch(number)

    book.before = update_some
    assert dict(read_all(book)) == book.newest()
    assert len(book.queries) < 200


def test_an_order_that_is_not_kept_ends_the_walk() -> None:
    """Where equal customers come in another order each time, the walk fails instead of going on for ever."""
    book = filled(60, 60)
    dice = random.Random(1)

    def anyhow(query: Query) -> Listing:
        listing = book.ask(replace(query, offset=0))
        rows = dice.sample(book.select(query), listing.total)
        shown = tuple(rows[query.offset : query.offset + 3])
        return replace(listing, entries=shown, more=query.offset + 3 < listing.total)

    with pytest.raises(BrokenSourceError, match="another order"):
        given_by(Walk(anyhow, book.wait).read(None))
    assert len(book.queries) < 200


@pytest.mark.parametrize("order", ["shuffled", "two plans"])
def test_an_order_that_is_not_kept_hides_nobody(order: str) -> None:
    """Nor while customers leave the second: who stayed in it is given, or the walk says that it cannot go on."""
    ended = 0
    for seed in range(60):
        dice = random.Random(seed)
        book = MovingList(size=4, place=ORDERS[order](dice))
        for number in range(12):
            book.put(number, START - timedelta(seconds=50))
        book.before = partial(leave_at_times, book, dice)
        with suppress(BrokenSourceError):
            met = set(read_all(book, START - timedelta(seconds=50)))
            assert {(key, 1) for key, version in book.newest().items() if version == 1} <= met
            ended += 1
    assert ended > 10


def leave_at_times(book: MovingList, dice: random.Random) -> None:
    """Update or delete somebody, more often not."""
    book.tick(0.2)
    if book.customers and dice.random() < 0.3:
        happen(book, (dice.choice(["touch", "delete"]), dice.randrange(30)))


def test_a_second_that_is_never_quiet_ends_the_walk() -> None:
    """Where somebody leaves unseen in each reading of a second, the walk fails by name after fifty of them."""
    book = filled(120, 120, size=10)

    def delete_the_last() -> None:
        if book.queries and book.queries[-1].offset == 9:
            del book.customers[max(book.customers)]

    book.before = delete_the_last
    with pytest.raises(BrokenSourceError, match="leave their second each time"):
        read_all(book)
    assert len(book.queries) < 50 * 14


@pytest.mark.parametrize("lies", [1, 1000])
def test_a_tie_that_lacks_somebody_is_read_again(lies: int) -> None:
    """Where fewer were met than the server counts, the second is read once more; a lack that stays ends the walk."""
    book = filled(5, 5)

    def doubled(query: Query) -> Listing:
        listing = book.ask(query)
        if query.offset == 0 or len(book.queries) > lies + 4:
            return listing
        return replace(listing, entries=(*listing.entries[:-1], listing.entries[0]))

    walk = Walk(doubled, book.wait).read(START - timedelta(hours=1))
    if lies == 1:
        assert len(set(given_by(walk))) == 5
    else:
        with pytest.raises(BrokenSourceError, match="another order"):
            given_by(walk)


def test_a_page_of_the_wrong_time_ends_the_walk() -> None:
    """Customers from before the filter's bound are not taken for an answer to it."""
    book = filled(10, 1)
    with pytest.raises(BrokenSourceError, match="filters by lastUpdated"):
        given_by(
            Walk(lambda query: book.ask(replace(query, since=None)), book.wait).read(
                START - timedelta(minutes=59, seconds=55)
            )
        )


def test_the_end_of_the_calendar() -> None:
    """Customers of the last second there is are read, and nothing is asked for after it."""
    book = MovingList()
    for number in range(10):
        book.put(number, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert len(read_all(book)) == 10


def test_an_empty_list() -> None:
    """Nothing is given, after one request."""
    book = MovingList()
    assert read_all(book) == []
    assert len(book.queries) == 1
