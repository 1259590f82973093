"""The walk through a list that changes under it: nobody may be missed or doubled, and it always comes to an end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.keypro.listing import Part, Query
from connectors.keypro.paging import Walk
from connectors.keypro.property import Properties
from connectors.keypro.record import Entry
from connectors.protocol import BrokenSourceError
from tests.connectors.keypro.moving_list import START, MovingList

NAMES = Properties({})
Event = tuple[str, int]
EVENTS = st.tuples(st.sampled_from(["touch", "touch", "delete", "create", "tick", "all", "tail"]), st.integers(0, 30))


def happen(book: MovingList, event: Event) -> None:
    """Let one thing happen to the customers."""
    kind, number = event
    known = sorted(book.customers)
    match kind:
        case "touch" if known:
            book.touch(known[number % len(known)])
        case "delete" if known:
            del book.customers[known[number % len(known)]]
        case "create":
            book.create()
        case "tick":
            book.tick(number / 10)
        case "all" if number < 4:
            for each in known:
                book.touch(each)
        case "tail" if number < 4:
            for each in known[-5:]:
                del book.customers[each]
        case _:
            pass


def shown(entries: Iterable[Entry]) -> list[tuple[str, int]]:
    """Name customers and versions."""
    return [(entry.key, int(str(entry.record["version"]))) for entry in entries]


def filled(count: int, size: int = 3) -> MovingList:
    """Fill a list, a customer a second, a while ago."""
    book = MovingList(size=size, now=START - timedelta(hours=1))
    for _ in range(count):
        book.create()
        book.tick(1)
    book.now = START
    return book


def walk_from(book: MovingList, since: datetime | None = None) -> Walk:
    """Begin a reading; an answer before it told the time."""
    began = book.now.replace(microsecond=0)
    walk = Walk(book.ask, NAMES, began)
    assert since is None or since <= began
    return walk


@settings(max_examples=300, deadline=None)
@given(
    count=st.integers(0, 12),
    rounds=st.lists(st.lists(st.lists(EVENTS, max_size=3), max_size=10), min_size=1, max_size=4),
    size=st.integers(1, 5),
    links=st.booleans(),
    before=st.booleans(),
)
def test_whatever_happens_nobody_is_missed_or_doubled(
    *, count: int, rounds: list[list[list[Event]]], size: int, links: bool, before: bool
) -> None:
    """Readings, each from the cursor of the one before, show every customer's newest version between them.

    Nobody comes twice in one reading, and everybody who was there all the time comes in the first one.
    """
    book = filled(count, size)
    book.links = links
    mirror: dict[str, int] = {}
    since: datetime | None = None
    for events in [*rounds, []]:
        upcoming = iter(events)
        there = set(book.newest())

        def go_on() -> None:
            for event in next(upcoming, []):  # noqa: B023 - used up within this round
                happen(book, event)

        book.before, book.after = (go_on, lambda: None) if before else (lambda: None, go_on)
        walk = walk_from(book, since)
        entries = shown(walk.read(since))
        assert len({key for key, _ in entries}) == len(entries)
        if since is None:
            assert there & set(book.newest()) <= {key for key, _ in entries}
        mirror |= dict(entries)
        since = walk.conclusive
        assert since is not None
    assert {key: mirror.get(key) for key in book.newest()} == book.newest()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("links", [True, False])
def test_a_quiet_list_comes_once(size: int, *, links: bool) -> None:
    """Every customer is given once, in the order of ids, until a part is empty, whatever the server's own limit."""
    book = filled(20, size)
    book.links = links
    assert shown(walk_from(book).read(None)) == [(str(number), 1) for number in range(1, 21)]
    assert len(book.queries) == -(-20 // size) + 1
    since = START.replace(microsecond=0) - timedelta(hours=1, seconds=-10)
    assert [key for key, _ in shown(walk_from(book).read(since))] == [str(number) for number in range(11, 21)]


def test_a_customer_passed_before_it_changed_is_met_by_the_next_reading() -> None:
    """The cursor is the time before the first request, not that of its answer: a slow answer hides nobody."""
    book = filled(3)

    def change_while_it_is_answered() -> None:
        book.after = lambda: None
        book.touch(1)
        book.tick(30)

    book.after = change_while_it_is_answered
    walk = walk_from(book)
    assert ("1", 1) in shown(walk.read(None))
    assert walk.conclusive == START.replace(microsecond=0)
    assert ("1", 2) in shown(walk_from(book).read(walk.conclusive))


def test_a_clock_that_goes_back_takes_the_cursor_with_it() -> None:
    """Of several times that the server tells, the earliest counts; without the first there is none."""
    book = filled(3)
    walk = walk_from(book)
    book.tick(-300)
    list(walk.read(None))
    assert walk.conclusive == (START - timedelta(seconds=300)).replace(microsecond=0)
    untold = Walk(book.ask, NAMES, None)
    list(untold.read(None))
    assert untold.conclusive is None


def test_an_empty_part_that_says_more_ends_the_walk() -> None:
    """It is asked for once more, and then the walk fails by name."""
    asked: list[Query] = []

    def empty(query: Query) -> Part:
        asked.append(query)
        return Part((), more=True, answered=START)

    with pytest.raises(BrokenSourceError, match="incomplete_extract"):
        list(Walk(empty, NAMES, START).read(None))
    assert len(asked) == 2


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_empty_part_that_was_a_hiccup_hides_nobody(place: int) -> None:
    """Where a link, or somebody shown before, told of more, an empty part is asked for again, links or none."""
    book = filled(9)

    def hiccup(query: Query) -> Part:
        part = book.ask(query)
        return Part((), more=False, answered=part.answered) if len(book.queries) == place + 1 else part

    entries = shown(Walk(hiccup, NAMES, START).read(None, inhabited=True))
    assert entries == [(str(number), 1) for number in range(1, 10)]


def test_a_tail_that_is_deleted_is_no_failure() -> None:
    """Where all who were still to come are gone, two empty answers end the walk."""
    book = filled(9)

    def delete_the_rest() -> None:
        if len(book.queries) == 1:
            book.customers = {number: held for number, held in book.customers.items() if number <= 3}

    book.before = delete_the_rest
    assert [key for key, _ in shown(walk_from(book).read(None))] == ["1", "2", "3"]
    assert len(book.queries) == 3


def test_a_whole_part_without_ids_ends_the_walk() -> None:
    """Nobody knows where to go on; one customer without an id among others is given and passed."""
    with pytest.raises(BrokenSourceError, match="usable id"):
        list(Walk(lambda _: Part(({"pk": 1},), more=False, answered=START), NAMES, START).read(None))
    book = filled(4)

    def nameless(query: Query) -> Part:
        part = book.ask(query)
        return replace(part, customers=(*part.customers, {"version": 9})) if query.behind is None else part

    entries = list(Walk(nameless, NAMES, START).read(None))
    assert [entry.identified for entry in entries] == [True, True, True, False, True]
