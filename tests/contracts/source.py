"""The contract that every source keeps; a class that gives it a world is that source's test."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.protocol import Page
from tests.contracts.reading import found, numbers, opened, read, show
from tests.contracts.world import ColumnWorld, World

COUNT = 7
SIZES = (1, 2, 3, COUNT - 1, COUNT, COUNT + 1)

Step = tuple[str, str, int]  # put, remove or read; the record's number; ticks that pass, or the size of the pages
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "put", "put", "remove", "read"]), st.sampled_from("ABCDEF"), st.integers(0, 3)),
    max_size=25,
)


def check_page(page: Page, size: int, columns: Sequence[str]) -> None:
    """See that a page is what `connectors.protocol.Page` says."""
    count = len(page.keys)
    assert 0 < count <= size, "a page is never empty, and never larger than asked for"
    assert page.counted == len(page.records) == count
    assert list(page.records.columns) == list(columns)
    assert page.records.index.equals(pd.RangeIndex(count))
    assert all(isinstance(key, str) and key for key in page.keys)
    for each in (page.versions, page.lines):
        assert each is None or len(each) == count
    assert all(0 <= position < count for position in page.unreadable)


class SourceContract:
    """What holds for every source, however it is read."""

    @pytest.fixture
    def world(self) -> World:
        """Give an empty world; a subclass says which."""
        raise NotImplementedError

    @pytest.mark.parametrize("size", SIZES)
    def test_nothing_is_lost_and_nothing_doubled(self, world: World, size: int) -> None:
        """Pages of any size hold every record exactly once, under the same columns, which `open` told."""
        world.fill(COUNT)
        with opened(world) as source:
            told = source.open()
            pages = list(source.pages(None, size))
        columns = list(pages[0].records.columns)
        assert [name for name in told if name in columns] == columns, "columns come in the order that open tells"
        assert set(world.columns.values()) <= set(columns)
        for page in pages:
            check_page(page, size, columns)
            assert not page.unreadable
        assert sorted(numbers(world, pages)) == sorted(world.held)

    def test_values_come_as_they_are(self, world: World) -> None:
        """Null, empty and long texts, other scripts, quotes and line breaks come through unchanged."""
        cities = [
            None,
            "",
            "Zoë 李 \U0001f9ff \u202e",
            "x" * 10_000,
            'a "b", c;\r\nd\te',
            "NULL",
            "007",
            "1e5",
            "  padded",
        ]
        for number, city in enumerate(cities):
            world.put(f"C-{number}", f"Name {number}", city)
        shown = {each.no: (each.name, each.city) for each in show(world, read(world))}
        assert shown == {no: (held.name, world.shown(held.city)) for no, held in world.held.items()}

    def test_an_empty_source_has_no_page(self, world: World) -> None:
        """Where no record is, no page is, and no key is found."""
        assert read(world) == []
        assert found(world, ["1", "gone"]) == []

    def test_a_single_record_is_one_page(self, world: World) -> None:
        """One record is read, and found by its key, whatever the size of the pages."""
        world.put("A")
        for size in (1, 2):
            (page,) = read(world, size=size)
            assert numbers(world, [page]) == ["A"]
            assert numbers(world, found(world, page.keys, size)) == ["A"]

    def test_keys_are_unique_and_stable(self, world: World) -> None:
        """Each record has a key of its own, the same in every reading, and known beforehand where it is a column's."""
        world.fill(COUNT)
        first, second = ({each.no: each.key for each in show(world, read(world, size=size))} for size in (2, 5))
        assert first == second
        assert len(set(first.values())) == COUNT
        assert all(world.key(no) in {None, key} for no, key in first.items())

    @pytest.mark.parametrize("size", [1, 2, COUNT])
    def test_records_are_found_by_their_keys(self, world: World, size: int) -> None:
        """Just the records asked for come, in pages that nothing is concluded from; unknown keys are absent."""
        world.fill(COUNT)
        keys = {each.no: each.key for each in show(world, read(world))}
        wanted = sorted(keys)[1::2]
        pages = found(world, [*(keys[no] for no in wanted), "gone", "999999999", "", "ü' OR 1=1 --"], size)
        for page in pages:
            check_page(page, size, list(pages[0].records.columns))
            assert page.cursor is None
        assert sorted(numbers(world, pages)) == wanted
        assert {each.no: each.key for each in show(world, pages)} == {no: keys[no] for no in wanted}
        assert found(world, [], size) == []

    def test_records_found_by_key_are_as_those_of_the_pages(self, world: World) -> None:
        """What `read_keys` shows of a record is what `pages` show of it, its version included."""
        world.fill(COUNT)
        shown = {each.no: each for each in show(world, read(world))}
        again = show(world, found(world, [each.key for each in shown.values()]))
        assert {each.no: each for each in again} == shown

    def test_a_deleted_record_is_absent(self, world: World) -> None:
        """What left the source is neither read nor found by its key."""
        world.fill(COUNT)
        keys = {each.no: each.key for each in show(world, read(world))}
        last = max(world.held, key=lambda no: world.held[no].at)
        world.remove(last)
        assert sorted(numbers(world, read(world))) == sorted(world.held)
        if world.names_records:
            assert numbers(world, found(world, [keys[last]])) == []

    def test_a_source_can_be_read_again(self, world: World) -> None:
        """Two readings give the same, an abandoned one in between harms none, and closing twice is fine."""
        world.fill(COUNT)
        with opened(world) as source:
            first = numbers(world, source.pages(None, 3))
            abandoned = source.pages(None, 2)
            next(abandoned)
            abandoned.close()  # type: ignore[attr-defined]  # sources give generators
            by_key = source.read_keys([page_key for page in source.pages(None, 1) for page_key in page.keys], 2)
            next(by_key)
            by_key.close()  # type: ignore[attr-defined]  # a generator
            assert numbers(world, source.pages(None, 3)) == first
            source.close()
            source.close()

    def test_a_source_can_be_closed_in_the_middle(self, world: World) -> None:
        """Closing while pages are still to come is fine, and another source reads everything."""
        world.fill(COUNT)
        source = world.make()
        source.open()
        pages = source.pages(None, 2)
        next(pages)
        source.close()
        pages.close()  # type: ignore[attr-defined]  # a generator
        world.make().close()  # one that was never opened
        assert sorted(numbers(world, read(world))) == sorted(world.held)

    def test_the_address_is_stable_and_holds_no_secret(self, world: World) -> None:
        """The place that is read has one name, before it is opened and after, and it shows no password."""
        with opened(world) as source:
            address = source.address
        other = world.make()
        assert other.address == address
        other.close()
        for text in (address, repr(source)):
            assert not [secret for secret in world.secrets if secret in text]

    def test_any_history_is_followed(self, world: World) -> None:
        """Whatever is put and deleted between readings of any size, each reading ends with every newest version."""

        @settings(max_examples=world.examples, deadline=None)
        @given(steps=STEPS, size=st.integers(1, 4))
        def follow(steps: list[Step], size: int) -> None:
            world.clear()
            mirror: dict[str, object] = {}
            mark: str | None = None
            for serial, (deed, no, figure) in enumerate([*steps, ("read", "", size)]):
                match deed:
                    case "put":
                        world.advance(figure)
                        world.put(no, f"Name {serial}")
                    case "remove" if no in world.held:
                        world.remove(no)
                    case "read":
                        mark = self.catch_up(world, mark, figure or 1, mirror)
                        assert {no: mirror.get(no) for no in world.held} == {
                            no: held.name for no, held in world.held.items()
                        }

        follow()

    def catch_up(self, world: World, mark: str | None, size: int, mirror: dict[str, object]) -> str | None:
        """Read once as a run does, from where the last one ended; gives where this one ended."""
        with opened(world) as source:
            pages = list(source.pages(mark if source.incremental else None, size))
        newest: dict[str, str] = {}
        for each in show(world, pages):
            if (each.version or "") >= newest.get(each.no, ""):
                mirror[each.no] = each.name
                newest[each.no] = each.version or ""
        mark = next((page.cursor for page in reversed(pages) if page.cursor is not None), mark)
        if source.incremental:
            world.follow(mark)
        return mark


class ResumeContract:
    """What holds for a source without a last update: a cursor is a place, and reading on from it is exact."""

    def test_it_says_that_it_is_not_incremental(self, world: World) -> None:
        """There is no version to go by, and no promise that a cursor outlives the run."""
        world.fill(COUNT)
        with opened(world) as source:
            assert not source.incremental
            assert all(page.versions is None for page in source.pages(None, 3))

    @pytest.mark.parametrize("size", [1, 3, COUNT])
    def test_a_cursor_resumes_exactly(self, world: World, size: int) -> None:
        """Reading on after any page gives just the records after it, in the same order."""
        world.fill(COUNT)
        pages = read(world, size=size)
        whole = numbers(world, pages)
        for number, page in enumerate(pages, 1):
            assert page.cursor is not None
            before = numbers(world, pages[:number])
            assert before + numbers(world, read(world, page.cursor, 2)) == whole


class ColumnContract:
    """What holds for a source whose columns somebody may change."""

    def test_a_dropped_column_is_not_told(self, world: ColumnWorld) -> None:
        """A column that vanished is missing from `open`, which is what a run compares with its job."""
        world.put("A")
        world.drop_column(world.columns["city"])
        with opened(world) as source:
            told = source.open()
            (page,) = source.pages(None, 3)
        assert world.columns["city"] not in told
        assert world.columns["city"] not in page.records.columns

    def test_a_new_column_is_told(self, world: ColumnWorld) -> None:
        """A column that appeared is told by `open`, and disturbs no other."""
        world.put("A", city="Bern")
        world.add_column("appeared")
        with opened(world) as source:
            assert "appeared" in source.open()
            (shown,) = show(world, source.pages(None, 3))
        assert shown.city == "Bern"

    def test_a_record_without_its_key_is_unreadable(self, world: ColumnWorld) -> None:
        """It is in a page, told as `missing_key` and named by something that is no other record's key."""
        world.fill(2)
        world.put_nameless()
        pages = read(world)
        keys = [key for page in pages for key in page.keys]
        refused = [(page.keys[place], refusal.code) for page in pages for place, refusal in page.unreadable.items()]
        assert len(set(keys)) == len(keys) == 3
        assert [code for _, code in refused] == ["missing_key"]
        assert refused[0][0] not in {world.key(no) for no in world.held}
