"""What a run reads by last update, on real databases: windows, cursors, and what stands outside them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from connectors.moment import moment_text
from connectors.protocol import ConfigurationError, PermanentError
from tests.connectors.database.table import NOON, WALL_CLOCK, Place, ago, create, insert, keys


def test_pages_come_in_order_and_say_how_far_they_reach(place: Place) -> None:
    """Records come by (last update, key); cursors are moments of last updates, and the last is the window's end."""
    create(place.database)
    insert(place.database, [(3, "c", ago(minutes=3)), (2, "b", ago(minutes=3)), (1, "a", ago(minutes=1))])
    first, second = place.read(size=2)
    assert (first.keys, second.keys) == (["2", "3"], ["1"])
    assert (first.cursor, second.cursor) == (moment_text(ago(minutes=3)), moment_text(NOON))
    assert (list(first.versions or ()), list(second.versions or ())) == (
        [moment_text(ago(minutes=3))] * 2,
        [moment_text(ago(minutes=1))],
    )
    assert list(first.records["name"]) == ["b", "c"]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_last_page_is_told_as_such_whatever_the_size(place: Place, size: int) -> None:
    """The last page of a window carries its end, also where it is full."""
    create(place.database)
    insert(place.database, [(n, "a", ago(minutes=10 - n)) for n in range(4)])
    pages = place.read(size=size)
    assert [page.cursor == moment_text(NOON) for page in pages] == [False] * (len(pages) - 1) + [True]
    assert keys(pages) == ["0", "1", "2", "3"]


def test_the_lower_bound_belongs_to_the_window_and_the_upper_does_not(place: Place) -> None:
    """A record of the very watermark comes again; one of the window's end waits for the next run."""
    create(place.database)
    second = timedelta(seconds=1)
    insert(
        place.database,
        [
            (1, "before", ago(minutes=5) - second),
            (2, "at", ago(minutes=5)),
            (3, "last", ago(minutes=2) - timedelta(microseconds=1)),
            (4, "end", ago(minutes=2)),
            (5, "lagging", ago(minutes=1)),
        ],
    )
    pages = place.read(moment_text(ago(minutes=5)), lag="2m")
    assert keys(pages) == ["2", "3"]
    assert pages[-1].cursor == moment_text(ago(minutes=2))
    assert keys(place.read(pages[-1].cursor)) == ["4", "5"]


def test_a_quiet_table_gives_no_page(place: Place) -> None:
    """Nothing to read is no page, not an empty one."""
    create(place.database)
    assert place.read() == []
    insert(place.database, [(1, "a", ago(minutes=5))])
    assert place.read(moment_text(ago(minutes=1))) == []


def test_a_watermark_after_the_clock_is_refused(place: Place) -> None:
    """Reading from the future would end as success with nothing: it is an error that names the way out."""
    create(place.database)
    with pytest.raises(PermanentError, match=r"lies after the source's clock .* --full"):
        place.read("2999-12-31T00:00:00.000000Z")
    with pytest.raises(ConfigurationError, match="no time of a source"):
        place.read("42")


def test_the_ceiling_is_a_whole_second(place: Place) -> None:
    """Writers that cut off fractions stamp a record of this very second earlier than the window's end."""
    place.now = NOON + timedelta(milliseconds=700)
    create(place.database)
    insert(place.database, [(1, "a", NOON + timedelta(milliseconds=500))])
    (page,) = place.read()
    assert page.cursor == moment_text(NOON)
    insert(place.database, [(2, "cut", NOON)])
    place.now = NOON + timedelta(minutes=1)
    assert "2" in keys(place.read(page.cursor))


def test_what_stands_outside_the_order_comes_each_time(place: Place) -> None:
    """Without last update, dated after the clock: pages without a cursor, in each run, none left out."""
    create(place.database)
    insert(
        place.database,
        [(1, "a", ago(minutes=1)), (2, "undated", None), (3, "later", NOON + timedelta(days=9)), (4, "undated", None)],
    )
    for after in (None, moment_text(ago(minutes=5))):
        ordered, undated, future = place.read(after)
        assert (ordered.keys, undated.keys, future.keys) == (["1"], ["2", "4"], ["3"])
        assert (undated.cursor, future.cursor) == (None, None)
        assert {flaw.code for flaw in undated.unreadable.values()} == {"cursor_missing"}
        assert list(undated.unreadable) == [0, 1]
        assert (future.unreadable, future.notice) == ({}, "1 record is dated after the source's clock")
        assert future.versions == [""]


def test_records_without_a_key_are_unreadable(place: Place) -> None:
    """A null in the key names nobody: each such record is refused, and none is left out."""
    create(place.database, key="INTEGER NULL")
    insert(place.database, [(1, "a", ago(minutes=1)), *[(None, "nobody", ago(minutes=2))] * 3, (None, "x", None)])
    pages = place.read(size=2)
    assert keys(pages) == ["1", "no key 1", "no key 2", "no key 3", "no key 4"]
    flaws = [flaw.code for page in pages for flaw in page.unreadable.values()]
    assert flaws == ["missing_key"] * 4
    assert [page.cursor is None for page in pages] == [False, True, True]


def test_wall_clocks_are_read_in_their_zone(place: Place) -> None:
    """Times without a zone are those of `time_zone`."""
    create(place.database, updated_at=WALL_CLOCK[place.database.kind])
    insert(place.database, [(1, "a", "2026-03-01 11:30:00"), (2, "b", "2026-03-01 12:30:00.250000")])
    (page,) = place.read(time_zone="Europe/Zurich")
    assert page.keys == ["1", "2"]
    assert page.versions == ["2026-03-01T10:30:00.000000Z", "2026-03-01T11:30:00.250000Z"]
    assert keys(place.read("2026-03-01T11:30:00.250000Z", time_zone="Europe/Zurich")) == ["2"]


def test_days_are_read_from_their_beginning(place: Place) -> None:
    """A date is its first instant: today's records come again with each run of the day."""
    create(place.database, updated_at="DATE")
    insert(place.database, [(1, "a", "2026-02-27"), (2, "b", "2026-03-01"), (3, "c", "2026-03-02")])
    pages = place.read(time_zone="UTC")
    assert (keys(pages[:1]), keys(pages[1:])) == (["1", "2"], ["3"])
    if place.database.kind != "sqlite":  # where it is text, it is as exact as its text
        assert keys(place.read(moment_text(ago(minutes=1)), time_zone="UTC"))[0] == "2"


def test_records_between_the_windows_end_and_the_clock_wait(place: Place) -> None:
    """What is written while a run reads is neither future nor lost."""
    create(place.database)
    insert(place.database, [(1, "a", ago(minutes=1))])
    times = iter([NOON, NOON + timedelta(seconds=30)])
    source = place.source(clock=lambda _: next(times))
    insert(place.database, [(2, "meanwhile", NOON + timedelta(seconds=10))])
    pages = list(source.pages(None, 10))
    assert keys(pages) == ["1"]
    place.now = NOON + timedelta(minutes=5)
    assert "2" in keys(place.read(pages[-1].cursor))


NIGHTS = [("sqlite", minutes) for minutes in range(-70, 200, 30)]
NIGHTS += [(kind, minutes) for kind in ("postgresql", "mariadb") for minutes in (20, 80)]


@pytest.mark.parametrize(("database", "minutes"), NIGHTS, indirect=["database"])
def test_any_page_of_the_night_when_clocks_go_back_can_be_read_on_from(place: Place, minutes: int) -> None:
    """E10: a run in the midst of it that ends after any of its pages: what that one and the next read is everything."""
    create(place.database, updated_at=WALL_CLOCK[place.database.kind])
    zone = "Europe/Zurich"
    fold = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 02:00 in Zurich, the first of two
    place.now = fold + timedelta(minutes=minutes)
    times = [fold + timedelta(minutes=n) for n in range(-60, 180, 4)]
    written = [
        (n, "a", at.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(" "), at) for n, at in enumerate(times)
    ]
    insert(place.database, [row[:3] for row in written if row[3] < place.now])
    first = place.read(size=7, time_zone=zone)
    insert(place.database, [row[:3] for row in written if row[3] >= place.now])
    place.now = fold + timedelta(hours=9)
    cursors = [page.cursor for page in first if page.cursor]
    for position, cursor in enumerate(cursors or [None]):
        done = keys(first[: position + 1]) if cursor else []
        assert {*done, *keys(place.read(cursor, time_zone=zone))} == {str(n) for n in range(60)}
