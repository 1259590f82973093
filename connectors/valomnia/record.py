"""Turns customers as Valomnia shows them into flat records, and records into pages; asks for nothing.

An object's members become columns of their own (`customerCategory.reference`), without its link (`href`); of a list of
objects the references and the ids stay (`paymentTypes.reference`, `paymentTypes.id`), each as a list.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import NoneType

import pandas as pd

from connectors.moment import AMBIGUOUS, moment_text
from connectors.protocol import Page, Refusal
from connectors.valomnia.listing import Entry

DOCUMENTED = (
    *("id", "reference", "reference2", "name", "categoryReference"),
    *("customerCategory.id", "customerCategory.reference", "customerCategory.name", "isSubCustomer"),
    *("parentCustomer.id", "parentCustomer.reference", "parentCustomer.name", "billWithParent"),
    *("customerSegmentationReference", "customerSegmentation.id", "customerSegmentation.reference"),
    *("customerSegmentation.name", "pocTenus", "email", "logo", "phone", "mobile", "fax", "comment", "barcode"),
    *("isSameAddress", "billingCountry", "billingCity", "billingPostalCode", "billingAddress", "billingLat"),
    *("billingLng", "country", "city", "postalCode", "address", "latitude", "longitude", "isCredit", "creditLimit"),
    *("balance", "maxChequePeriod", "maxChequeValue", "appliedCashBackOutput", "returnDiscount", "invoicesPerRoute"),
    *("isActive", "onHold", "onHoldReason", "paymentTerm", "createdBy.userId", "createdBy.reference"),
    *("dueDateConfigNumber", "dueDateConfigType", "paymentTypes.id", "paymentTypes.reference", "website"),
    *("taxNumber", "companyRegistrationNumber", "contacts.id", "contacts.reference", "currency", "customerRisk"),
    *("customerRiskColor", "organization", "dateCreated", "lastUpdated", "region.id", "region.name"),
)
"""What the vendor's samples show (pages 11.1 and 11.2), flattened. The members of `parentCustomer` and of `contacts`
are inferred: the samples show null and an empty list. `region` is there with geographical locations alone."""

_LISTED = ("id", "reference")  # what is kept of each object of a list
_LINK = "href"


class Form:
    """The columns of one reading, and how a record fills them; a key that no column has is left out."""

    def __init__(self, examples: Iterable[Mapping[str, object]] = ()) -> None:
        documented = _Shape(DOCUMENTED)
        found = [name for example in examples for name in documented.flatten(example)]
        self.columns = tuple(dict.fromkeys((*DOCUMENTED, *found)))
        self._shape = _Shape(self.columns)

    def page(self, entries: Sequence[Entry], cursor: str | None, notice: str | None = None) -> Page:
        """Make a page; a record that lacks its id or its last update is in it, and unreadable."""
        if ahead := sum(entry.ahead for entry in entries):
            told = f"{ahead} {'record is' if ahead == 1 else 'records are'} dated after the source's clock"
            notice = told if notice is None else f"{notice}; {told}"
        flat = [self._shape.flatten(entry.record) for entry in entries]
        records = pd.DataFrame(
            {name: _column([record.get(name, ...) for record in flat]) for name in self.columns},
            index=pd.RangeIndex(len(entries)),
        )
        flaws = {position: flaw for position, entry in enumerate(entries) if (flaw := _flaw(entry))}
        return Page(
            records=records,
            keys=[entry.key for entry in entries],
            counted=len(entries),
            cursor=cursor,
            versions=[_version(entry) for entry in entries],
            unreadable=flaws,
            notice=notice,
        )


class _Shape:
    """Knows which columns are members of an object, so that an object that is null shows as null in all of them."""

    def __init__(self, columns: Iterable[str]) -> None:
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
                    shown = {member: item for member, item in value.items() if member != _LINK}
                    flat |= self.flatten(shown, f"{name}.")
                case list() if self._holds_objects(name, value):
                    flat |= {f"{name}.{member}": [item.get(member) for item in value] for member in _LISTED}
                case None if members := self._members.get(name):
                    flat |= dict.fromkeys(members)
                case _:
                    flat[name] = value
        return flat

    def _holds_objects(self, name: str, value: list[object]) -> bool:
        """Say whether a list is one of objects; what an empty one would hold, the known columns say."""
        return all(isinstance(item, dict) for item in value) if value else name in self._members


def cursor_after(entries: Iterable[Entry], limit: datetime | None) -> str | None:
    """Give the moment up to which these entries lead: their greatest, but not beyond the server's own time.

    None where none has a date, or where the server tells no time: nothing could be concluded from one of the future.
    """
    greatest = max((entry.updated for entry in entries if entry.updated is not None), default=None)
    return None if greatest is None or limit is None else moment_text(min(greatest, limit))


def _version(entry: Entry) -> str:
    """Give a last update as a version; one that has not come yet is none, or the correction of it would look older."""
    return AMBIGUOUS if entry.updated is None or entry.ahead else moment_text(entry.updated)


def _flaw(entry: Entry) -> Refusal | None:
    if not entry.identified:
        return Refusal("missing_key", "id", "the record has no usable id")
    if entry.updated is None:
        return Refusal("cursor_missing", "lastUpdated", "lastUpdated is missing, or no time with a zone")
    return None


def _column(values: list[object]) -> pd.Series:
    """Make a column of text where all of it is text or null, else of plain values."""
    if set(map(type, values)) <= {str, NoneType}:
        try:
            return pd.Series(values, dtype="str")
        except UnicodeEncodeError:  # half a character has no UTF-8 form; the checks name its record
            pass
    return pd.Series(values, dtype=object)
