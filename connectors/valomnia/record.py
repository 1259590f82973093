"""Says how Valomnia's customers become records: the documented columns, versions, and what a record may lack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from connectors.api.record import Form, Shown
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


class Records:
    """The columns of one reading, and the pages made of what was listed."""

    def __init__(self, examples: Iterable[Mapping[str, object]] = ()) -> None:
        self._form = Form(DOCUMENTED, examples)
        self.columns = self._form.columns

    def page(self, entries: Sequence[Entry], cursor: str | None, notice: str | None = None) -> Page:
        """Make a page; a record that lacks its id or its last update is in it, and unreadable."""
        if ahead := sum(entry.ahead for entry in entries):
            told = f"{ahead} {'record is' if ahead == 1 else 'records are'} dated after the source's clock"
            notice = told if notice is None else f"{notice}; {told}"
        return self._form.page(
            [Shown(entry.record, entry.key, _version(entry), _flaw(entry)) for entry in entries], cursor, notice
        )


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
