"""The 28 fields of a Keypro customer in the order of the vendor's page; how they are called on the wire is a setting.

The page describes them but its copies have lost the property names: every name here is a candidate, not the vendor's
word, and so is every type except that ids are called ids. Which fields GDPR protects is documented.
Source: https://support.keypro.fi/apidocs/create-new-customer-1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["integer", "number", "boolean", "text", "date", "moment"]

FIELDS: Mapping[str, Kind] = {
    "Address": "integer",
    "Language": "integer",
    "RestrictedType": "integer",
    "Status": "integer",
    "Type": "integer",
    "apartment": "integer",
    "cooperativeDate": "date",
    "cooperativeMember": "boolean",
    "cooperativeReimbursementDate": "date",
    "cooperativeSum": "number",
    "country": "text",
    "customerEmail": "text",
    "customerName": "text",
    "customerNameExtension": "text",
    "customerNumber": "text",
    "customerPhone": "text",
    "dateModified": "moment",
    "id": "integer",
    "identification": "text",
    "invoiceCountry": "text",
    "invoiceName": "text",
    "isEditable": "boolean",
    "isSmsDisabled": "boolean",
    "note": "text",
    "phone2": "text",
    "sms2": "boolean",
    "socialSecurityNumber": "text",
    "waterDbId": "integer",
}
"""Our names with their likely types."""

READ_ONLY = frozenset({"dateModified", "id"})
"""Inferred from their meaning: the page lists them among what a request may hold."""

PROTECTED = frozenset(
    {
        "customerEmail",
        "customerName",
        "customerNameExtension",
        "customerPhone",
        "invoiceName",
        "phone2",
        "socialSecurityNumber",
    }
)
"""What the page marks as GDPR protected."""


@dataclass(frozen=True, slots=True)
class Column:
    """Something that a list can be filtered and ordered by: our name for it and its type."""

    name: str
    kind: Kind
