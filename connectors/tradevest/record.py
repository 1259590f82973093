"""Says how tradevest's customers become records: the documented columns, and what a record may lack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connectors.api.record import Form, Shown
from connectors.protocol import Page, Refusal
from connectors.tradevest.listing import Entry

_LISTS = ("refAccounts", "signedDocumentsRelatedToCustomer")
_ACCOUNT = ("bankName", "iban", "bic", "type", "ownerName")
_DOCUMENT = (
    *("partnerDocumentId", "name", "documentType", "version", "naturalPersonId", "naturalPersonFullName"),
    *("createdOn", "modifiedOn"),
)
DOCUMENTED = (
    *("customerId", "customerStatus", "createdOn", "modifiedOn", "cancellationDate", "entityId", "entityType"),
    *("labels", *(f"{_LISTS[0]}.{member}" for member in _ACCOUNT)),
    *(f"{_LISTS[1]}.{member}" for member in _DOCUMENT),
)
"""What the vendor's sample shows, flattened: accounts and documents as parallel lists. `labels` and the owner of an
account are inferred: the sample ends before them, and the request has both."""


class Records:
    """The columns of one reading, and the pages made of what was listed; further fields of `examples` are columns."""

    def __init__(self, examples: Iterable[Mapping[str, object]] = ()) -> None:
        members = tuple(dict.fromkeys((*_ACCOUNT, *_DOCUMENT)))
        self._form = Form(DOCUMENTED, map(_without_lists_of_objects, examples), listed=members)
        self.columns = self._form.columns

    def page(self, entries: Sequence[Entry], cursor: str | None, notice: str | None = None) -> Page:
        """Make a page; a record without a usable id is in it, and unreadable."""
        return self._form.page(
            [Shown(entry.record, entry.key, None, _flaw(entry)) for entry in entries], cursor, notice
        )


def _without_lists_of_objects(record: Mapping[str, object]) -> Mapping[str, object]:
    """Leave out what would get the members of every list as columns."""
    return {name: value for name, value in record.items() if name not in _LISTS and not _holds_objects(value)}


def _holds_objects(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(item, Mapping) for item in value)


def _flaw(entry: Entry) -> Refusal | None:
    if entry.customer_id is None:
        return Refusal("missing_key", "customerId", "the record has no usable id")
    return None
