"""Parts of a table as they are read: told as the whole tells them, mended, resumed, and never taken for the future."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.database.session import Patience
from connectors.protocol import BrokenSourceError, KeyRange, Page
from tests.connectors.database.table import NOON, Place, ago, create, cut, fill, insert, keys
from tests.server import Database

ALL = KeyRange(None, None)


def told(pages: Iterable[Page]) -> dict[str, tuple[str, str | None]]:
    """Give version and flaw of each record by its key."""
    found = {}
    for page in pages:
        assert page.versions is not None
        for position, (key, version) in enumerate(zip(page.keys, page.versions, strict=True)):
            flaw = page.unreadable.get(position)
            found[key] = (version, None if flaw is None else flaw.code)
    return found


def read_parts(place: Place, parts: int, size: int = 2) -> list[Page]:
    """Divide the table and read all parts."""
    whole = place.source()
    found: list[Page] = []
    for each in whole.divide(parts):
        part = whole.part(each)
        place.made.append(part)
        found += part.pages(None, size)
    return found


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_records_outside_the_order_of_updates_are_told_as_ever(place: Place, parts: int) -> None:
    """Undated ones are refused, those dated in the future have no version: in their place in the order of keys."""
    create(place.database)
    days = timedelta(days=9)
    rows = [(1, "a", ago(minutes=1)), (2, "b", None), (3, "c", NOON + days), (4, "d", ago(days=3)), (5, "e", None)]
    insert(place.database, [*rows, (6, "f", NOON + days)])
    pages = read_parts(place, parts)
    assert told(pages) == told(place.read())
    assert keys(pages) == ["1", "2", "3", "4", "5", "6"]
    assert [told(pages)[key] for key in "236"] == [("", "cursor_missing"), ("", None), ("", None)]
    assert sum(int((page.notice or "0").split()[0]) for page in pages) == 2
    assert None not in [page.cursor for page in pages]


def test_dates_without_end_are_told_as_ever(postgresql: Database, tmp_path: Path) -> None:
    """`infinity` has not come yet, `-infinity` and years before Christ are no time."""
    place = Place(postgresql, tmp_path)
    create(postgresql)
    stamps = ["infinity", "-infinity", "0044-03-15 BC", "12026-01-01"]
    insert(postgresql, [(number, "N", stamp) for number, stamp in enumerate(stamps)])
    pages = read_parts(place, 2)
    assert told(pages) == told(place.read())
    assert told(pages) == {
        "0": ("", None),
        "1": ("", "cursor_missing"),
        "2": ("", "cursor_missing"),
        "3": ("", None),
    }
    place.close()


def test_a_blank_key_has_one_name_in_the_whole_and_in_its_part(place: Place) -> None:
    """Of two parts each with a record that has no usable key, neither takes the other's for its own."""
    create(place.database, key="VARCHAR(9)")
    rows = [("", "empty"), ("\t", "tab"), ("a", "a"), ("b", "b"), ("c", "c"), (None, "null"), (None, "null")]
    insert(place.database, [(key, name, ago(minutes=1)) for key, name in rows])
    pages = read_parts(place, 5, size=1)
    assert told(pages) == told(place.read())
    assert sorted(told(pages)) == ["a", "b", "c", "no key 1", "no key 2", 'no key [""]', 'no key ["\\t"]']


def test_blank_keys_that_repeat_have_names_of_their_own(place: Place) -> None:
    """A column that is empty in many records names none of them, and none of their refusals is lost."""
    create(place.database, key="VARCHAR(9)")
    insert(place.database, [("", f"N{number}", ago(minutes=9 - number)) for number in range(3)])
    assert keys(place.read(size=2)) == ['no key [""]', 'no key [""] (2)', 'no key [""] (3)']


def test_a_source_by_key_reads_on_after_a_blank_key(place: Place) -> None:
    """A page may end with a key that names nobody; the records behind it still come."""
    create(place.database, key="VARCHAR(9)")
    insert(place.database, [(key, "N", None) for key in ("", "a", "b")])
    first, *rest = place.read(size=1, updated_at=None)
    assert keys([first]) == ['no key [""]']
    assert keys(place.read(first.cursor, updated_at=None)) == keys(rest) == ["a", "b"]


def test_records_without_a_key_still_come_after_a_cursor(place: Place) -> None:
    """They stand behind all others, so that whoever reads on has not met them."""
    create(place.database, key="INTEGER NULL")
    insert(place.database, [(1, "a", None), (2, "b", None), (None, "nobody", None), (None, "nobody", None)])
    first, *rest = place.read(size=1, updated_at=None)
    assert keys(place.read(first.cursor, updated_at=None)) == keys(rest) == ["2", "no key 1", "no key 2"]


def test_a_lost_connection_is_mended_within_the_range(place: Place) -> None:
    """The part goes on after the last record that it gave, to its own end and no further."""
    if place.database.kind == "sqlite":
        pytest.skip("a file has no connection to lose")
    fill(place.database, 3000, width=20_000)  # so that a part does not fit into the buffers in between
    pauses: list[float] = []
    whole = place.source(columns=("name", "note"), patience=Patience(sleep=pauses.append))
    middle = whole.part(whole.divide(3)[1])
    place.made.append(middle)
    pages = middle.pages(None, 100)
    found = list(next(pages).keys)
    assert cut(place.database) > 0
    found += keys(pages)
    assert found == [str(number) for number in range(1001, 2001)]
    assert pauses


def test_what_is_written_while_a_part_is_read_is_not_of_the_future(place: Place) -> None:
    """A read that is taken up anew asks the clock anew: a record updated meanwhile has its version."""
    if place.database.kind == "sqlite":
        pytest.skip("a file is copied before its first page")
    create(place.database)
    insert(place.database, [(number, "N", ago(minutes=1)) for number in range(1, 7)])
    later = NOON + timedelta(hours=1)
    part = place.source(patience=Patience(stream_seconds=-1), clock=lambda _: place.now or NOON).part(ALL)
    place.made.append(part)
    pages = part.pages(None, 2)
    found = [next(pages)]
    place.database.execute("DELETE FROM customers WHERE id = 5")
    insert(place.database, [(5, "later", later)])
    place.now = later + timedelta(seconds=1)
    found += pages
    assert [page.notice for page in found] == [None] * 3
    assert told(found)["5"] == (later.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), None)


def test_a_key_of_two_records_stops_a_part(place: Place) -> None:
    """To read on after one of them could lose the other, though their last updates differ."""
    create(place.database, key="INTEGER")
    insert(place.database, [(1, "N", ago(minutes=1)), (2, "N", ago(minutes=1)), (2, "N", ago(minutes=2))])
    part = place.source().part(ALL)
    place.made.append(part)
    with pytest.raises(BrokenSourceError, match="does not name one record"):
        list(part.pages(None, 5))


def test_a_part_finds_no_key_of_another(place: Place) -> None:
    """Records are asked for by key within the range; one dated in the future has no version there either."""
    create(place.database)
    insert(place.database, [(number, "N", ago(minutes=1)) for number in range(1, 5)])
    insert(place.database, [(5, "later", NOON + timedelta(days=1)), (6, "N", ago(minutes=1))])
    whole = place.source()
    first, second = (whole.part(each) for each in whole.divide(2))
    place.made += [first, second]
    wanted = ["1", "3", "5", "6", "7"]
    assert sorted(keys(first.read_keys(wanted, 10))) == ["1", "3"]
    assert told(second.read_keys(wanted, 10)) == told(whole.read_keys(["5", "6"], 10))
    assert told(second.read_keys(wanted, 10))["5"] == ("", None)
