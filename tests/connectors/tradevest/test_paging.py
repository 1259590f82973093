"""The walk through a list that changes under it: nobody is missed or doubled, and it always comes to an end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.protocol import BrokenSourceError
from connectors.tradevest.listing import CursorRefusedError, Entry, Listing
from connectors.tradevest.paging import Part, Walk
from tests.connectors.tradevest.moving_list import Kind, MovingList, customer_id, entry

Event = tuple[str, int]
EVENTS = st.tuples(st.sampled_from(["create", "change", "delete", "expire"]), st.integers(0, 30))


def ids(parts: Iterable[Part]) -> list[str]:
    """List whom the parts show."""
    return [each.key for part in parts for each in part.entries]


def filled(count: int, size: int = 3, kind: Kind = "place") -> MovingList:
    """Make a list of so many customers."""
    book = MovingList(size=size, kind=kind)
    book.create(count)
    return book


def happen(book: MovingList, event: Event, expiries: list[int]) -> None:
    """Let one thing happen; where cursors count customers, nobody leaves, as the API has no way to."""
    match event:
        case "create", number:
            book.create(1 + number % 3)
        case "change", number:
            book.change(number)
        case "delete", number if book.kind != "count":
            book.delete(number)
        case "expire", _ if len(expiries) < 3:
            expiries.append(book.era)
            book.era += 1
        case _:
            pass


@settings(max_examples=300, deadline=None)
@given(
    meanwhile=st.lists(st.lists(EVENTS, max_size=3), max_size=25),
    size=st.integers(1, 5),
    kind=st.sampled_from(["place", "newest first", "count"]),
)
def test_whatever_happens_nobody_is_missed_or_doubled(meanwhile: list[list[Event]], size: int, kind: Kind) -> None:
    """Whoever was there from the beginning to the end is given, and nobody twice, even where cursors expire."""
    book = filled(12, size, kind)
    there = set(book.customers)
    upcoming = iter(meanwhile)
    expiries: list[int] = []

    def go_on() -> None:
        for event in next(upcoming, []):
            happen(book, event, expiries)

    book.before = go_on
    met = Counter(ids(Walk(book.ask).read(None)))
    assert {customer_id(number) for number in there & set(book.customers)} <= set(met)
    assert set(met.values()) <= {1}
    assert set(met) <= {customer_id(number) for number in range(book.created)}


@pytest.mark.parametrize("kind", ["place", "newest first", "count"])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_any_cursor_resumes_exactly(kind: Kind, size: int) -> None:
    """In a quiet list, reading on behind a part gives just what comes after it, in the same order."""
    book = filled(20, size, kind)
    parts = list(Walk(book.ask).read(None))
    whole = ids(parts)
    assert len(whole) == 20
    for number, part in enumerate(parts[:-1], 1):
        assert part.cursor is not None
        assert ids(parts[:number]) + ids(Walk(book.ask).read(part.cursor)) == whole
    assert parts[-1].cursor is None


def test_a_quiet_list_costs_a_request_for_each_answer() -> None:
    """And an empty one costs one."""
    book = filled(20)
    list(Walk(book.ask).read(None))
    assert len(book.asked) == 7
    empty = filled(0)
    assert ids(Walk(empty.ask).read(None)) == []
    assert len(empty.asked) == 1


def test_who_comes_again_with_other_values_is_counted() -> None:
    """It is not given twice, which would look like two records; the next reading shows the change."""
    first, again = entry(1), entry(1, version=2)
    answers = iter([Listing((first, entry(2)), "a"), Listing((again, entry(2)), "b"), Listing((entry(3),), None)])
    walk = Walk(lambda _: next(answers))
    assert ids(walk.read(None)) == [customer_id(number) for number in (1, 2, 3)]
    assert walk.changed == 1


def test_who_has_no_id_is_told_apart_by_what_is_shown() -> None:
    """Two of them are two, and one that comes again is one."""
    nameless = [Entry.of({"labels": [text]}) for text in "ab"]
    answers = iter([Listing((nameless[0],), "x"), Listing((Entry.of({"labels": ["a"]}), nameless[1]), None)])
    assert ids(Walk(lambda _: next(answers)).read(None)) == [each.key for each in nameless]


def test_an_empty_answer_is_asked_for_once_more() -> None:
    """Where somebody was said to come, an answer without anybody may be a hiccup."""
    book = filled(7)
    hiccups = iter([False, True, False, False, True])

    def ask(cursor: str | None) -> Listing:
        listing = book.ask(cursor)
        return Listing((), None) if next(hiccups, False) else listing

    assert len(ids(Walk(ask).read(None))) == 7


def test_empty_answers_are_walked_past() -> None:
    """Up to twenty in a row; more than that have no end."""

    def ask(gaps: int, cursor: str | None) -> Listing:
        place = int(cursor or 0)
        return Listing((entry(1),), None) if place == gaps else Listing((), str(place + 1))

    assert ids(Walk(lambda cursor: ask(20, cursor)).read(None)) == [customer_id(1)]
    with pytest.raises(BrokenSourceError, match="none do"):
        ids(Walk(lambda cursor: ask(21, cursor)).read(None))


def test_answers_with_nobody_new_have_an_end() -> None:
    """A server that gives its first customers again and again, under new cursors, is not believed for ever."""
    asked: list[str | None] = []

    def ask(cursor: str | None) -> Listing:
        asked.append(cursor)
        return Listing((entry(1), entry(2)), str(len(asked)))

    with pytest.raises(BrokenSourceError, match="none do"):
        ids(Walk(ask).read(None))
    assert len(asked) == 22


def test_cursors_that_lead_in_a_circle_end_the_walk() -> None:
    """As soon as one comes back."""
    following = {None: "a", "a": "b", "b": "c", "c": "a"}
    numbers = iter(range(100))
    with pytest.raises(BrokenSourceError, match="circle"):
        ids(Walk(lambda cursor: Listing((entry(next(numbers)),), following[cursor])).read(None))


def test_a_long_list_is_begun_again_past_all_that_was_given() -> None:
    """A cursor refused near the end costs a second reading, in which nobody is given again."""
    book = filled(300)
    expired = iter([False] * 99 + [True])

    def expire() -> None:
        book.era += next(expired, False)

    book.before = expire
    assert ids(Walk(book.ask).read(None)) == [customer_id(number) for number in range(300)]
    assert len(book.asked) == 200


def test_cursors_that_are_always_refused_end_the_walk() -> None:
    """After four readings from the beginning."""
    asked: list[str | None] = []

    def ask(cursor: str | None) -> Listing:
        asked.append(cursor)
        if cursor is not None:
            raise CursorRefusedError("refused")
        return Listing((entry(1),), "a")

    with pytest.raises(BrokenSourceError, match="in each of 4 readings"):
        ids(Walk(ask).read(None))
    assert len(asked) == 8


def test_a_start_that_is_refused_cannot_be_mended() -> None:
    """Who was given before it is not known, so beginning again would double them."""
    book = filled(9)
    book.era = 1
    with pytest.raises(BrokenSourceError, match="only a reading of the whole list"):
        ids(Walk(book.ask).read("0:3"))


def test_a_list_that_is_refused_itself_ends_the_walk() -> None:
    """There is no cursor to blame."""

    def ask(_: str | None) -> Listing:
        raise CursorRefusedError("refused")

    with pytest.raises(BrokenSourceError):
        ids(Walk(ask).read(None))
