"""Shows customers as tradevest's answers do. Inferred: every key is always there, null where nothing was said."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.sandbox.tradevest.book import Customer, Version

_FRACTIONS = range(3, 10)
_MICROSECOND_DIGITS = 6
_NANOSECONDS = "123"


def stamp(moment: datetime, number: int) -> str:
    """Write a time in UTC with Z; its fraction has 3 to 9 digits, as in the samples, by the customer's `number`.

    Both times of one customer have as many digits, so that cutting them never puts one before the other.
    """
    digits = _FRACTIONS[number % len(_FRACTIONS)]
    fraction = f"{moment.microsecond:0{_MICROSECOND_DIGITS}}{_NANOSECONDS}"
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{fraction[:digits]}Z"


def show(customer: Customer, version: Version) -> dict[str, object]:
    """Make the documented object of a customer in one of its versions."""
    return {
        "customerId": customer.id,
        "customerStatus": version.status,
        "signedDocumentsRelatedToCustomer": [],
        "createdOn": customer.created,
        "modifiedOn": version.modified,
        "cancellationDate": None,
        "entityId": customer.entity_id,
        "entityType": customer.entity_type,
        "refAccounts": [dict(account) for account in customer.ref_accounts],
        "labels": list(version.labels),
    }
