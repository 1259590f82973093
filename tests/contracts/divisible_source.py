"""The contract that every source keeps that can be divided; a class that gives it a world is that source's test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest

from connectors.protocol import DivisibleSource, KeyRange, Page, Refusal, Source
from tests.contracts.reading import Shown, numbers, read, show
from tests.contracts.source import COUNT, check_page
from tests.contracts.world import ColumnWorld, World

PARTS = (1, 2, 3, COUNT - 1, COUNT, COUNT + 5)
AT_ONCE = 4
# in the order of their bytes, of a dictionary, or with small letters like large ones: three orders; no two are the
# same in any of them
WORDS = (
    "Zebra",
    "apfel",
    "Äpfel-2",
    "Birne",
    "über",
    "Unter",
    "zorn",
    "Öl",
    "ober",
    "_x",
    "10",
    "9",
    "a b",
    "a-c",
    "漢字",
)


@contextmanager
def divisible(world: World) -> Iterator[DivisibleSource]:
    """Make the whole source and open it."""
    source = world.make()
    assert isinstance(source, DivisibleSource)
    try:
        source.open()
        yield source
    finally:
        source.close()


@contextmanager
def opened_part(whole: DivisibleSource, keys: KeyRange) -> Iterator[Source]:
    """Make a part and open it."""
    part = whole.part(keys)
    try:
        part.open()
        yield part
    finally:
        part.close()


def read_part(whole: DivisibleSource, keys: KeyRange, after: str | None = None, size: int = 3) -> list[Page]:
    """Read a part through a source of its own."""
    with opened_part(whole, keys) as part:
        return list(part.pages(after, size))


def read_parts(world: World, parts: int, size: int = 3) -> list[list[Page]]:
    """Divide a source and read all its parts, one after the other."""
    with divisible(world) as whole:
        return [read_part(whole, keys, size=size) for keys in whole.divide(parts)]


def told(world: World, pages: Iterable[Page]) -> Counter[tuple[Shown, Refusal | None]]:
    """Count what pages say of each record: values, key, version, flaw."""
    return Counter(
        (shown, page.unreadable.get(position)) for page in pages for position, shown in enumerate(show(world, [page]))
    )


def check_ranges(ranges: Sequence[KeyRange]) -> None:
    """See that ranges go from the first record to the last, each from where the one before ends."""
    assert [each.after for each in ranges] == [None, *(each.until for each in ranges[:-1])]
    assert ranges[-1].until is None
    assert None not in [each.until for each in ranges[:-1]]


class DivisibleContract:
    """What holds for every source that can be divided."""

    @pytest.fixture
    def world(self) -> ColumnWorld:
        """Give an empty world; a subclass says which."""
        raise NotImplementedError

    @pytest.mark.parametrize("parts", PARTS)
    def test_the_parts_are_the_whole(self, world: ColumnWorld, parts: int) -> None:
        """Every record is in exactly one part, as the whole source shows it, and the parts are equally large."""
        world.fill(COUNT)
        with divisible(world) as whole:
            ranges = whole.divide(parts)
        check_ranges(ranges)
        found = read_parts(world, parts)
        assert told(world, [page for pages in found for page in pages]) == told(world, read(world))
        sizes = [len(numbers(world, pages)) for pages in found]
        assert len(sizes) == len(ranges) == min(parts, COUNT)
        assert max(sizes) - min(sizes) <= 1

    def test_a_part_is_a_source_of_its_own(self, world: ColumnWorld) -> None:
        """It is the same place, is never incremental, tells the same columns, and its pages are as any other's."""
        world.fill(COUNT)
        with divisible(world) as whole:
            told_columns = whole.open()
            for keys in whole.divide(2):
                with opened_part(whole, keys) as part:
                    assert part.open() == told_columns
                    assert (part.address, part.incremental) == (whole.address, False)
                    pages = list(part.pages(None, 2))
                for page in pages:
                    check_page(page, 2, list(pages[0].records.columns))
                assert all(page.cursor is not None for page in pages)

    def test_an_empty_source_is_one_part(self, world: ColumnWorld) -> None:
        """There is a range to read, and nothing in it."""
        assert read_parts(world, 4) == [[]]

    @pytest.mark.parametrize("parts", [1, 2, 9])
    def test_a_single_record_is_one_part(self, world: ColumnWorld, parts: int) -> None:
        """One record cannot be divided."""
        world.put("A")
        ((page,),) = read_parts(world, parts)
        assert numbers(world, [page]) == ["A"]

    @pytest.mark.parametrize("size", [1, 2, COUNT])
    def test_a_part_is_read_on_exactly(self, world: ColumnWorld, size: int) -> None:
        """After the cursor of any of its pages come just the records of the part that follow, in the same order."""
        world.fill(2 * COUNT)
        with divisible(world) as whole:
            for keys in whole.divide(3):
                pages = read_part(whole, keys, size=size)
                for number, page in enumerate(pages, 1):
                    rest = read_part(whole, keys, page.cursor, 2)
                    assert numbers(world, rest) == numbers(world, pages[number:])

    def test_parts_are_read_at_the_same_time(self, world: ColumnWorld) -> None:
        """Threads that all stand in the middle of their part read it to its end, and lose and double nobody."""
        world.fill(4 * COUNT)
        begun = Barrier(AT_ONCE, timeout=30)

        def work(keys: KeyRange) -> list[Page]:
            with opened_part(whole, keys) as part:
                pages = part.pages(None, 2)
                first = next(pages)
                begun.wait()
                return [first, *pages]

        with divisible(world) as whole, ThreadPoolExecutor(AT_ONCE) as threads:
            found = [page for pages in threads.map(work, whole.divide(AT_ONCE)) for page in pages]
        assert told(world, found) == told(world, read(world))

    def test_closing_a_part_touches_no_other(self, world: ColumnWorld) -> None:
        """The other parts, and the whole, are read on."""
        world.fill(2 * COUNT)
        with divisible(world) as whole:
            first, second = (whole.part(keys) for keys in whole.divide(2))
            reading, left = first.pages(None, 2), second.pages(None, 2)
            found = [next(reading), next(left)]
            second.close()
            found += reading
            assert len(numbers(world, found)) == COUNT + 2
            first.close()
            assert sorted(numbers(world, whole.pages(None, 3))) == sorted(world.held)

    @pytest.mark.parametrize("parts", [2, 5, len(WORDS)])
    def test_keys_are_compared_as_the_source_orders_them(self, world: ColumnWorld, parts: int) -> None:
        """Capitals, umlauts, digits and signs stand where the source's own order has them, at every bound too."""
        for word in WORDS:
            world.advance(1)
            world.put(word)
        found = read_parts(world, parts, size=1)
        assert Counter(numbers(world, [page for pages in found for page in pages])) == Counter(WORDS)
        assert len(found) == parts
        with divisible(world) as whole:
            for keys, pages in zip(whole.divide(parts), found, strict=True):
                for number, page in enumerate(pages, 1):
                    rest = read_part(whole, keys, page.cursor)
                    assert numbers(world, rest) == numbers(world, pages[number:])

    def test_records_without_a_key_are_in_the_last_part(self, world: ColumnWorld) -> None:
        """They are in that one alone, told as the whole source tells them, and still come after a resumption."""
        world.fill(COUNT)
        for _ in range(3):
            world.put_nameless()
        *others, last = found = read_parts(world, 3)
        assert told(world, [page for pages in found for page in pages]) == told(world, read(world))
        assert not [page for pages in others for page in pages if page.unreadable]
        with divisible(world) as whole:
            rest = read_part(whole, whole.divide(3)[-1], last[0].cursor)
        assert told(world, rest) == told(world, last[1:])
        assert sum(len(page.unreadable) for page in rest) == 3

    def test_nothing_but_records_without_a_key_is_one_part(self, world: ColumnWorld) -> None:
        """There is no key to divide by, and still nothing is left out."""
        world.put_nameless()
        world.put_nameless()
        (pages,) = read_parts(world, 3)
        assert sum(len(page.unreadable) for page in pages) == 2

    def test_what_changes_after_the_division_is_in_one_part(self, world: ColumnWorld) -> None:
        """Ranges hold whatever comes to stand in them: records that were added, but none that was deleted."""
        world.fill(COUNT)
        with divisible(world) as whole:
            ranges = whole.divide(3)
            for word in WORDS:
                world.put(word)
            for no in list(world.held)[:3]:
                world.remove(no)
            found = [page for keys in ranges for page in read_part(whole, keys)]
        assert told(world, found) == told(world, read(world))

    def test_a_part_finds_its_own_records_by_key(self, world: ColumnWorld) -> None:
        """Of all keys each part finds those in its range, and they are shown as its pages show them."""
        world.fill(COUNT)
        every = [each.key for each in show(world, read(world))]
        with divisible(world) as whole:
            for keys in whole.divide(3):
                with opened_part(whole, keys) as part:
                    assert told(world, part.read_keys(every, 2)) == told(world, part.pages(None, 3))

    def test_ranges_do_not_show_their_keys(self, world: ColumnWorld) -> None:
        """What a log or an error may show of a range names no customer."""
        world.put("Meier-1")
        world.put("Meier-2")
        with divisible(world) as whole:
            ranges = whole.divide(2)
        assert len(ranges) == 2
        assert "Meier" not in repr(ranges)
