"""The walk through a list that moves under it: nobody is missed or given twice, and it always comes to an end."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.jtl.listing import Part, Window
from connectors.jtl.paging import Walk, part_after
from connectors.protocol import BrokenSourceError
from tests.connectors.jtl.moving_list import ORDERS, MovingList, given_by

Event = tuple[str, int]
EVENTS = st.tuples(st.sampled_from(["touch", "touch", "delete", "delete some", "insert"]), st.integers(0, 60))
STILL_EVENTS = st.tuples(st.sampled_from(["touch", "insert"]), st.integers(0, 60))


def meddle(book: MovingList, meanwhile: list[list[Event]]) -> None:
    """Let things happen before each of the coming requests."""
    upcoming = iter(meanwhile)

    def go_on() -> None:
        for event in next(upcoming, []):
            book.happen(event)

    book.before = go_on


@settings(max_examples=300, deadline=None)
@given(
    meanwhile=st.lists(st.lists(EVENTS, max_size=3), max_size=25),
    count=st.integers(0, 60),
    largest=st.integers(5, 9),
    order=st.sampled_from(["by id", "by change"]),
    again=st.booleans(),
)
def test_nobody_who_was_there_all_along_is_missed_or_doubled(
    *, meanwhile: list[list[Event]], count: int, largest: int, order: str, again: bool
) -> None:
    """Whoever is in the list from the first request to the last is given, once, or once for each of its versions."""
    book = MovingList.of(count, largest, order)
    begun = set(book.customers)
    meddle(book, meanwhile)
    shown = given_by(Walk(book.ask, again=again).read())
    assert begun & set(book.customers) <= {number for number, _ in shown}
    names = shown if again else [number for number, _ in shown]
    assert len(set(names)) == len(names)


@settings(max_examples=200, deadline=None)
@given(
    meanwhile=st.lists(st.lists(STILL_EVENTS, max_size=2), max_size=25),
    count=st.integers(0, 60),
    order=st.sampled_from(sorted(ORDERS)),
)
def test_customers_that_move_to_where_the_walk_was_are_found(
    *, meanwhile: list[list[Event]], count: int, order: str
) -> None:
    """In any order by what is shown, as long as none is deleted: the count tells that the list has to be read again."""
    book = MovingList.of(count, order=order)
    begun = set(book.customers)
    meddle(book, meanwhile)
    walk = Walk(book.ask)
    shown = {number for number, _ in given_by(walk.read())}
    added = len(book.customers) - len(begun)
    assert len(set(book.customers) - shown) <= added
    assert begun <= shown or walk.notices


@pytest.mark.parametrize("largest", [5, 7, 50, 100, 1000])
@pytest.mark.parametrize("count", [0, 1, 4, 7, 59, 100, 101, 350])
def test_a_quiet_list_comes_once_in_its_order(count: int, largest: int) -> None:
    """Without changes every customer is given once, whatever the server makes of the size of pages."""
    if largest == 5 and count > 60:
        count = 60  # all sizes up to 5 divide 60: see below
    book = MovingList.of(count, largest)
    assert given_by(Walk(book.ask).read()) == [(number, number + 1) for number in range(count)]


@pytest.mark.parametrize("after", [1, 2, 49, 50, 99, 100, 101, 199, 250, 349, 350])
@pytest.mark.parametrize("largest", [60, 100])
def test_reading_on_is_exact_where_nothing_moved(after: int, largest: int) -> None:
    """Behind so many customers come just the others, in their order; places count on."""
    book = MovingList.of(350, largest)
    rest = [each for part in Walk(book.ask).read(after) for each in part]
    assert [(int(each.entry.key), each.place) for each in rest] == [
        (number, number + 1) for number in range(after, 350)
    ]


def test_few_requests_are_made() -> None:
    """A list of 20,000 takes a seventh more requests than it has pages, and the first shows a whole page."""
    book = MovingList.of(20_000, 1000)
    assert len(given_by(Walk(book.ask).read())) == 20_000
    assert book.parts[0] == Part(1, 100)
    assert all(50 <= part.size <= 100 for part in book.parts)
    assert len(book.parts) < 200 * 8 / 7


@given(met=st.integers(1, 300_000), largest=st.integers(13, 100))
def test_parts_overlap_what_was_met(met: int, largest: int) -> None:
    """Each part holds the last customer met and the first one not met, whatever their number."""
    part = part_after(met, largest)
    assert part is not None
    assert part.start < met < part.start + part.size
    assert part.size <= largest


def test_pages_that_are_too_small_are_told() -> None:
    """Where no page size leads across a place in the list, nothing could show that customers moved."""
    assert part_after(60, 5) is None
    assert part_after(1, 1) is None
    with pytest.raises(BrokenSourceError, match="pages of 5 do not show"):
        given_by(Walk(MovingList.of(61, 5).ask).read())


def test_a_customer_that_changes_is_given_again_only_where_it_is_wanted() -> None:
    """In the overlap of two parts, with other values: a newer version where versions tell so, else nobody new."""
    for again, expected in ((True, [7, 7]), (False, [7])):
        book = MovingList.of(20)
        calls = iter([False, True])
        book.before = lambda book=book, calls=calls: book.touch(7) if next(calls, False) else None  # type: ignore[misc]  # bound here and now
        first = Part(1, 8)
        book.largest = 8
        shown = given_by(Walk(book.ask, again=again).read())
        assert book.parts[1].start < first.size
        assert [number for number, _ in shown if number == 7] == expected


def test_deletions_make_it_step_back() -> None:
    """Customers deleted in front of the walk move the others forward: it asks for a part from further back."""
    book = MovingList.of(300, 100)
    deletions = iter([(), range(60)])

    def delete() -> None:
        for number in next(deletions, ()):
            del book.customers[number]

    book.before = delete
    shown = {number for number, _ in given_by(Walk(book.ask).read())}
    assert shown == set(range(300))
    starts = [part.start for part in book.parts]
    assert starts != sorted(starts)


def test_an_order_that_is_not_kept_hides_nobody_or_ends_the_walk() -> None:
    """Where customers come in another order each time, all are given, or the walk says that it cannot go on."""
    ended = 0
    for seed in range(40):
        book = MovingList.of(40)
        book.shuffle(random.Random(seed))
        with suppress(BrokenSourceError):
            assert {number for number, _ in given_by(Walk(book.ask).read())} == set(range(40))
            ended += 1
        assert len(book.parts) < 1000
    assert ended > 0


def test_an_endless_stepping_back_ends() -> None:
    """Where each part begins with somebody unknown although none left, the walk gives up."""
    book = MovingList.of(300, 100)

    def strange(part: Part) -> Window:
        window = book.ask(part)
        if part.start == 0:
            return window
        moved = tuple(replace(entry, key=f"{entry.key} of {len(book.parts)}") for entry in window.entries)
        return replace(window, entries=moved)

    with pytest.raises(BrokenSourceError, match="another order each time"):
        given_by(Walk(strange).read())
    assert len(book.parts) < 150


def test_a_server_that_shows_one_page_for_all_is_broken() -> None:
    """The same customers under another page number: it does not keep to it."""
    book = MovingList.of(300, 100)

    def first_for_all(part: Part) -> Window:
        window = book.ask(replace(part, number=1))
        return replace(window, start=part.start)

    with pytest.raises(BrokenSourceError, match="the same page twice"):
        given_by(Walk(first_for_all).read())


@pytest.mark.parametrize("lies", [1, 1000])
def test_a_list_that_lacks_somebody_is_read_again(lies: int) -> None:
    """Fewer were met than are counted: the list is read again, and a lack that stays is no whole reading."""
    book = MovingList.of(150, 100)

    def hiding(part: Part) -> Window:
        window = book.ask(part)
        if window.start == 0 or len(book.parts) > lies + 1:
            return window
        return replace(window, entries=(*window.entries[:-1], window.entries[0]))  # somebody twice, and the last not

    walk = Walk(hiding)
    if lies == 1:
        assert {number for number, _ in given_by(walk.read())} == set(range(150))
        assert len(book.parts) == 4
    else:
        with pytest.raises(BrokenSourceError, match=r"incomplete_extract: 1 of 150 customers .* 3 readings"):
            given_by(walk.read())


def test_customers_added_where_the_walk_was_are_left_to_the_next_run() -> None:
    """After three readings in which others joined at the front, the reading ends and says so."""
    book = MovingList.of(300, 100, "newest first")
    book.before = lambda: book.add() if len(book.parts) % 4 == 2 else None
    walk = Walk(book.ask)
    shown = {number for number, _ in given_by(walk.read())}
    assert set(range(300)) <= shown
    assert walk.notices == [
        f"{len(book.customers) - len(shown)} customers were added while the list was read; the next run reads them"
    ]
