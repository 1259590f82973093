"""Turns customers as an API shows them into flat records, and records into pages; asks for nothing.

An object's members become columns of their own (`customerCategory.reference`), without its link; of a list of objects
some members stay, each as a list (`paymentTypes.reference`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import NoneType

import pandas as pd

from connectors.protocol import Page, Refusal

_DEEPEST = 20  # objects and lists in one another; no customer's are deeper than four
_MOST = 1000  # members of a record; each that an example has becomes a column of every page


@dataclass(frozen=True, slots=True)
class Shown:
    """A record as an API shows it: its name in the source, its version where the source has one, and what it lacks."""

    record: Mapping[str, object]
    key: str
    version: str | None = None
    flaw: Refusal | None = None


class Form:
    """The columns of one reading, and how a record fills them; a key that no column has is left out.

    `documented` are the columns that are there in any case, `listed` the members that are kept of each object of a
    list, `link` the member of an object that only says where it is.
    """

    def __init__(
        self,
        documented: Sequence[str],
        examples: Iterable[Mapping[str, object]] = (),
        *,
        listed: Sequence[str] = ("id", "reference"),
        link: str = "href",
    ) -> None:
        known = _Shape(documented, listed, link)
        found = [name for example in examples if len(example) <= _MOST for name in known.flatten(example)]
        self.columns = tuple(dict.fromkeys((*documented, *found)))
        self._shape = _Shape(self.columns, listed, link)

    def page(self, shown: Sequence[Shown], cursor: str | None, notice: str | None = None) -> Page:
        """Make a page; a record that has a flaw is in it, and unreadable."""
        shown = [_shallow(each) for each in shown]
        flat = [self._shape.flatten(each.record) for each in shown]
        records = pd.DataFrame(
            {name: _column([record.get(name, ...) for record in flat]) for name in self.columns},
            index=pd.RangeIndex(len(shown)),
        )
        versions = [each.version for each in shown if each.version is not None]
        return Page(
            records=records,
            keys=[each.key for each in shown],
            counted=len(shown),
            cursor=cursor,
            versions=versions if len(versions) == len(shown) else None,
            unreadable={position: each.flaw for position, each in enumerate(shown) if each.flaw is not None},
            notice=notice,
        )


class _Shape:
    """Knows which columns are members of an object, so that an object that is null shows as null in all of them."""

    def __init__(self, columns: Iterable[str], listed: Sequence[str], link: str) -> None:
        self._listed = listed
        self._link = link
        self._members: dict[str, list[str]] = defaultdict(list)
        for column in columns:
            owner, dot, _ = column.rpartition(".")
            while dot:
                self._members[owner].append(column)
                owner, dot, _ = owner.rpartition(".")

    def flatten(self, record: Mapping[str, object], owner: str = "") -> dict[str, object]:
        """Give a record's values under the names of columns."""
        flat: dict[str, object] = {}
        for key, value in record.items():
            name = f"{owner}{key}"
            match value:
                case str() | int():  # most of them; booleans are whole numbers
                    flat[name] = value
                case dict():
                    shown = {member: item for member, item in value.items() if member != self._link}
                    flat |= self.flatten(shown, f"{name}.")
                case list() if self._holds_objects(name, value):
                    flat |= {f"{name}.{member}": [item.get(member) for item in value] for member in self._listed}
                case None if members := self._members.get(name):
                    flat |= dict.fromkeys(members)
                case _:
                    flat[name] = value
        return flat

    def _holds_objects(self, name: str, value: list[object]) -> bool:
        """Say whether a list is one of objects; what an empty one would hold, the known columns say."""
        return all(isinstance(item, dict) for item in value) if value else name in self._members


def _shallow(shown: Shown) -> Shown:
    """Give a record that is nested beyond reason as one that cannot be read, so that nobody loses himself in it."""
    if not any(_is_deep(value, _DEEPEST) for value in shown.record.values()):
        return shown
    flaw = Refusal("invalid_value", "", f"the record is nested more than {_DEEPEST} deep")
    kept = {name: value for name, value in shown.record.items() if not isinstance(value, dict | list)}
    return replace(shown, record=kept, flaw=shown.flaw or flaw)


def _is_deep(value: object, left: int) -> bool:
    match value:
        case dict():
            return not left or any(_is_deep(item, left - 1) for item in value.values())
        case list():
            return not left or any(_is_deep(item, left - 1) for item in value)
        case _:
            return False


def _column(values: list[object]) -> pd.Series:
    """Make a column of text where all of it is text or null, else of plain values."""
    if set(map(type, values)) <= {str, NoneType}:
        try:
            return pd.Series(values, dtype="str")
        except UnicodeEncodeError:  # half a character has no UTF-8 form; the checks name its record
            pass
    return pd.Series(values, dtype=object)
