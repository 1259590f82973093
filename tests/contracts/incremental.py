"""The contract of sources that have a last update: cursors are moments, and nothing is missed at their edges."""

from __future__ import annotations

import re
from datetime import timedelta
from itertools import pairwise

import pytest

from connectors.moment import earlier
from tests.contracts.reading import Shown, found, numbers, opened, read, show
from tests.contracts.source import COUNT
from tests.contracts.world import World

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def due(world: World, cursor: str) -> list[str]:
    """List the records that reading from a moment on must give."""
    return sorted(no for no, held in world.held.items() if held.moment >= cursor)


class IncrementalContract:
    """What holds for every source with a last update, in whatever order it reads."""

    def test_it_says_that_it_is_incremental(self, world: World) -> None:
        """It says so before it is opened."""
        source = world.make()
        assert source.incremental
        source.close()

    def test_versions_are_the_moments_of_the_last_updates(self, world: World) -> None:
        """Each record's version is its last update as a moment, to the last digit that the source knows."""
        world.fill(COUNT)
        expected = {no: held.moment for no, held in world.held.items()}
        pages = read(world)
        assert {each.no: each.version for each in show(world, pages)} == expected
        keys = [key for page in pages for key in page.keys]
        assert {each.no: each.version for each in show(world, found(world, keys))} == expected

    @pytest.mark.parametrize("size", [1, 3, COUNT])
    def test_a_cursor_lies_behind_nothing_unread(self, world: World, size: int) -> None:
        """Whatever was last updated before a page's cursor is in that page or in one before it."""
        world.fill(COUNT)
        pages = read(world, size=size)
        assert pages[-1].cursor is not None, "a source read to its end says so"
        for number, page in enumerate(pages, 1):
            if page.cursor is not None:
                assert MOMENT.fullmatch(page.cursor)
                met = set(numbers(world, pages[:number]))
                assert not [no for no, held in world.held.items() if held.moment < page.cursor and no not in met]

    @pytest.mark.parametrize("size", [1, 3, COUNT])
    def test_reading_on_includes_the_moment_of_the_cursor(self, world: World, size: int) -> None:
        """From every cursor on, exactly the records of that moment or later come, each once."""
        world.fill(COUNT)
        for page in read(world, size=size):
            if page.cursor is not None:
                assert sorted(numbers(world, read(world, page.cursor, size))) == due(world, page.cursor)

    @pytest.mark.parametrize("size", [2, COUNT])
    def test_any_moment_can_be_read_from(self, world: World, size: int) -> None:
        """A cursor need not be one that the source gave: an overlap leads before it, and a person may name a time."""
        world.fill(COUNT)
        moments = sorted(held.moment for held in world.held.values())
        for cursor in (earlier(moments[0], timedelta(hours=1)), moments[1], f"{moments[3][:19]}.000000Z", moments[-1]):
            assert sorted(numbers(world, read(world, cursor, size))) == due(world, cursor)

    @pytest.mark.parametrize("size", [4, 24, 25, 100])
    def test_many_records_of_one_moment_all_come(self, world: World, size: int) -> None:
        """E01: equal last updates across the edges of pages lose nothing and double nothing."""
        for number in range(world.tied):
            world.put(f"T-{number:04}")
        world.advance(1)
        world.put("after")
        pages = read(world, size=size)
        assert sorted(numbers(world, pages)) == sorted(world.held)
        for cursor in {page.cursor for page in pages if page.cursor is not None}:
            assert sorted(numbers(world, read(world, cursor, size))) == due(world, cursor)

    def test_a_later_run_finds_what_changed_and_what_is_new(self, world: World) -> None:
        """E02: after the last cursor come the changes and the additions, even those of the cursor's own moment."""
        world.fill(COUNT)
        mark = read(world)[-1].cursor
        assert mark is not None
        world.follow(mark)
        changed, other = sorted(world.held)[:2]
        world.put("same moment")
        world.put(changed, "changed")
        world.advance(1)
        world.put("new")
        world.put(other, "changed as well")
        pages = read(world, mark)
        shown = {each.no: each.name for each in show(world, pages)}
        assert sorted(shown) == due(world, mark)
        assert {no: shown[no] for no in (changed, other, "new", "same moment")} == {
            changed: "changed",
            other: "changed as well",
            "new": "N",
            "same moment": "N",
        }

    def test_a_cursor_never_goes_back(self, world: World) -> None:
        """A reading with nothing new gives no cursor before the one it began at."""
        world.fill(COUNT)
        mark = read(world)[-1].cursor
        assert mark is not None
        assert all(page.cursor is None or page.cursor >= mark for page in read(world, mark))

    def test_single_records_are_found_whatever_their_last_update(self, world: World) -> None:
        """`read_keys` looks at no cursor: also what was last updated long before is found."""
        world.fill(COUNT)
        keys = {each.no: each.key for each in show(world, read(world))}
        with opened(world) as source:
            list(source.pages(max(held.moment for held in world.held.values()), 3))
            oldest = min(world.held, key=lambda no: world.held[no].at)
            assert numbers(world, source.read_keys([keys[oldest]], 3)) == [oldest]


class InOrderContract:
    """What also holds where the source itself can give its records in the order of last updates."""

    @pytest.mark.parametrize("size", [1, 3, COUNT])
    def test_records_come_in_the_order_of_their_last_updates(self, world: World, size: int) -> None:
        """Versions never fall, and every page's cursor is its last record's, but for the last one, which may be later.

        So a run that ends in the middle goes on from there.
        """
        world.fill(COUNT)
        pages = read(world, size=size)
        assert all(former <= latter for former, latter in pairwise(map(_moment, show(world, pages))))
        for page in pages[:-1]:
            assert page.versions is not None
            assert page.cursor == page.versions[-1]
        assert (pages[-1].cursor or "") >= _moment(show(world, pages)[-1])


def _moment(shown: Shown) -> str:
    assert shown.version, "every last update of these worlds is certain"
    return shown.version
